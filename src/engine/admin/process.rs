//! What the system knows of this process.

use std::sync::LazyLock;

use heka_plugin::telemetry::Process;
use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::{Resource, getrlimit};

/// When the system was started, in seconds since 1970. It is asked once: the file is long on large machines.
static BOOTED_S: LazyLock<f64> = LazyLock::new(|| {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let time = stat.lines().find_map(|line| line.strip_prefix("btime "));
    time.and_then(|time| time.trim().parse().ok()).unwrap_or(0.0)
});

/// The figures of this process; what the system does not tell is 0.
pub(super) fn read() -> Process {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let memory = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let fds = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let max_fds = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    Process {
        pid: i32::try_from(std::process::id()).unwrap_or(0),
        // The folder that is being read is open too.
        open_fds: (fds as u64).saturating_sub(1),
        max_fds,
        ..parse(&stat, &memory, clock_ticks_per_second() as f64, page_size() as u64, *BOOTED_S)
    }
}

fn parse(stat: &str, memory: &str, ticks_per_s: f64, page_size: u64, booted_s: f64) -> Process {
    // The program's name, in parentheses, may have blanks in it.
    let fields: Vec<&str> =
        stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    // `fields` begins with the third field that proc(5) lists.
    let number = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    let mut pages =
        memory.split_whitespace().map(|pages| pages.parse::<u64>().unwrap_or(0).saturating_mul(page_size));
    let virtual_bytes = pages.next().unwrap_or(0);
    let resident_bytes = pages.next().unwrap_or(0);
    let of_files = pages.next().unwrap_or(0);
    Process {
        cpu_s: (number(14) + number(15)) as f64 / ticks_per_s,
        threads: number(20),
        start_s: booted_s + number(22) as f64 / ticks_per_s,
        resident_bytes,
        anonymous_bytes: resident_bytes.saturating_sub(of_files),
        virtual_bytes,
        ..Process::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_moves_nothing() {
        let stat = "7 (he ) k) S 1 7 7 0 -1 4194304 300 0 0 0 150 50 0 0 20 0 9 0 1200 1 2 3";
        let process = parse(stat, "10 6 2 1 0 3 0", 100.0, 4096, 1000.0);
        assert_eq!((process.cpu_s, process.threads, process.start_s), (2.0, 9, 1012.0));
        let memory = (process.virtual_bytes, process.resident_bytes, process.anonymous_bytes);
        assert_eq!(memory, (40_960, 24_576, 16_384));
    }

    #[test]
    fn this_process_has_threads_memory_and_a_start() {
        let process = read();
        assert!(process.threads >= 1 && process.resident_bytes > 0 && process.open_fds > 0);
        assert!(process.start_s > 1e9, "{}", process.start_s);
    }
}
