//! What a process used, from `/proc`.

use std::fs;
use std::time::Duration;

/// CPU time, user and system together.
///
/// `None` when the process is gone.
pub fn cpu_time(pid: u32) -> Option<Duration> {
    ticks(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?, [11, 12])
}

/// CPU time of all children of this process that have ended and were waited for.
pub fn cpu_time_of_ended_children() -> Option<Duration> {
    ticks(&fs::read_to_string("/proc/self/stat").ok()?, [13, 14])
}

/// Sums columns of `/proc/PID/stat`, counted from the one behind the process name.
fn ticks(stat: &str, columns: [usize; 2]) -> Option<Duration> {
    // The name stands in parentheses and may hold blanks.
    let (_, rest) = stat.rsplit_once(')')?;
    let columns_of: Vec<&str> = rest.split_whitespace().collect();
    let mut sum = 0.0;
    for column in columns {
        sum += columns_of.get(column)?.parse::<f64>().ok()?;
    }
    Some(Duration::from_secs_f64(sum / rustix::param::clock_ticks_per_second() as f64))
}

/// Memory of a process in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// The most that was ever resident.
    pub peak: u64,
    /// Resident now.
    pub resident: u64,
    /// Resident now and not backed by a file.
    pub anonymous: u64,
}

/// Memory of a process; `None` when it is gone.
pub fn memory(pid: u32) -> Option<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = |key: &str| {
        let line = status.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':'))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    Some(Memory { peak: line("VmHWM")?, resident: line("VmRSS")?, anonymous: line("RssAnon")? })
}

/// How many files, sockets and the like a process holds open; `None` when it is gone.
pub fn open_files(pid: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{pid}/fd")).ok()?.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let memory = memory(std::process::id()).unwrap();
        assert!(
            memory.anonymous > 0 && memory.anonymous <= memory.resident && memory.resident <= memory.peak
        );
        assert!(cpu_time(std::process::id()).is_some() && cpu_time_of_ended_children().is_some());
        assert!(open_files(std::process::id()).unwrap() > 0);
        assert_eq!(cpu_time(u32::MAX), None);
    }
}
