//! A log file that some other program appends to and rotates by renaming, as logrotate does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::random::Random;

/// How the log grows.
#[derive(Debug, Clone, Copy)]
pub struct Growth {
    /// The file is rotated when it is larger than this many bytes.
    pub rotate_at: u64,
    /// At most so many lines are written at once.
    pub most_lines: u64,
    /// The pause after each write.
    pub pause: Duration,
}

/// A thread that writes lines to `NAME`, renames `NAME` to `NAME.1`, `NAME.1` to `NAME.2` and so on at each rotation.
#[derive(Debug)]
pub struct GrowingLog {
    writer: Option<JoinHandle<io::Result<()>>>,
    stop: Arc<AtomicBool>,
}

impl GrowingLog {
    /// Starts to write; each element of `lines` is a whole line.
    pub fn start(path: PathBuf, lines: Vec<String>, growth: Growth, seed: u64) -> GrowingLog {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let writer = thread::spawn(move || write(&path, &lines, growth, Random::new(seed), &stopped));
        GrowingLog { writer: Some(writer), stop }
    }

    /// All lines are written, or it failed: [`GrowingLog::finish`] tells.
    pub fn is_done(&self) -> bool {
        self.writer.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until all lines are written.
    pub fn finish(&mut self) -> io::Result<()> {
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(io::Error::other("the writer of the log panicked")),
            None => Ok(()),
        }
    }
}

impl Drop for GrowingLog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A test that failed already does not care how the writer ended.
        let _ = self.finish();
    }
}

fn write(
    path: &Path,
    lines: &[String],
    growth: Growth,
    mut random: Random,
    stop: &AtomicBool,
) -> io::Result<()> {
    let mut file = append(path)?;
    let mut size = 0;
    let mut rotated = 0;
    let mut rest = lines;
    while !rest.is_empty() && !stop.load(Ordering::Relaxed) {
        let count = usize::try_from(random.below(growth.most_lines) + 1).unwrap_or(1).min(rest.len());
        let (now, later) = rest.split_at(count);
        rest = later;
        let text = now.concat();
        // Sometimes a reader sees half a line.
        let middle = random.below(text.len() as u64 + 1) as usize;
        file.write_all(&text.as_bytes()[..middle])?;
        file.write_all(&text.as_bytes()[middle..])?;
        size += text.len() as u64;
        if size > growth.rotate_at {
            for number in (1..=rotated).rev() {
                fs::rename(numbered(path, number), numbered(path, number + 1))?;
            }
            fs::rename(path, numbered(path, 1))?;
            rotated += 1;
            file = append(path)?;
            size = 0;
        }
        thread::sleep(growth.pause);
    }
    Ok(())
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access_log::AccessLog;
    use crate::scratch::Scratch;

    #[test]
    fn rotation_keeps_all_lines_in_order() {
        let scratch = Scratch::new().unwrap();
        let text = AccessLog::new(1).take_lines(2000);
        let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let growth = Growth { rotate_at: 50_000, most_lines: 50, pause: Duration::ZERO };
        GrowingLog::start(scratch.join("a.log"), lines, growth, 5).finish().unwrap();
        let count = (1..).take_while(|n| scratch.join(format!("a.log.{n}")).exists()).count();
        assert!(count > 5, "{count} rotations");
        let mut found: Vec<u8> = (1..=count).rev().flat_map(|n| scratch.read(format!("a.log.{n}"))).collect();
        found.extend(scratch.read("a.log"));
        assert_eq!(String::from_utf8(found).unwrap(), text);
    }
}
