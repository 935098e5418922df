//! New files.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::aggregate::Aggregate;
use super::database::{ARCHIVE_SIZE, HEADER_SIZE, POINT_SIZE};

/// The share of values that must be known to make one of them.
const X_FILES_FACTOR: f32 = 0.1;
/// The largest file that is made, in bytes.
pub(super) const FILE_SIZE_MAX: u64 = 1 << 31;
/// Bytes written at a time.
const PIECE: usize = 64 * 1024;

/// What a new file looks like.
pub(super) struct Plan {
    /// The header with the table of archives.
    head: Vec<u8>,
    /// Bytes of the whole file.
    size: u64,
}

impl Plan {
    /// A file of these archives, in this order; each is three numbers of which the first means nothing.
    ///
    /// # Errors
    /// There can be no such file.
    pub(super) fn new(aggregation: i64, archives: &[Vec<i64>]) -> Result<Plan, String> {
        let number =
            u32::try_from(aggregation.max(1)).ok().and_then(Aggregate::of).filter(|_| aggregation >= 0);
        let number = number.ok_or("`default_agg_method` must be from 0 to 8.")? as u32;
        if archives.is_empty() {
            return Err("`default_archive_info` must have an archive.".into());
        }
        let mut table = Vec::new();
        let mut offset = HEADER_SIZE + ARCHIVE_SIZE * archives.len() as u64;
        let mut retention_max = 0;
        for archive in archives {
            let [_, step, points] = archive[..] else {
                return Err("All default archive info settings must have 3 values.".into());
            };
            let wrong =
                || format!("`default_archive_info`: there is no archive of {points} points every {step} s.");
            let positive = |number| u32::try_from(number).ok().filter(|number| *number > 0).ok_or_else(wrong);
            let (step, points) = (positive(step)?, positive(points)?);
            retention_max = retention_max.max(step.checked_mul(points).ok_or_else(wrong)?);
            let start = u32::try_from(offset).map_err(|_| wrong())?;
            for value in [start, step, points] {
                table.extend_from_slice(&value.to_be_bytes());
            }
            offset += u64::from(points) * POINT_SIZE;
        }
        if offset > FILE_SIZE_MAX {
            return Err(format!("`default_archive_info`: a file would have {offset} bytes."));
        }
        let count = u32::try_from(archives.len()).unwrap_or(u32::MAX);
        let head = [
            number.to_be_bytes(),
            retention_max.to_be_bytes(),
            X_FILES_FACTOR.to_be_bytes(),
            count.to_be_bytes(),
        ];
        Ok(Plan { head: [head.concat(), table].concat(), size: offset })
    }

    /// Makes a file. Nobody sees it before it is whole.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn create(&self, path: &Path) -> io::Result<File> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        let unfinished = Path::new(&name);
        let written = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(unfinished)
            .and_then(|mut file| self.fill(&mut file).map(|()| file))
            .and_then(|file| std::fs::rename(unfinished, path).map(|()| file));
        if written.is_err() {
            // It takes space that may be what there was too little of.
            let _ = std::fs::remove_file(unfinished);
        }
        written
    }

    fn fill(&self, file: &mut File) -> io::Result<()> {
        file.write_all(&self.head)?;
        // The space is taken now, so that points find it later.
        let mut left = usize::try_from(self.size).unwrap_or(usize::MAX) - self.head.len();
        let zeros = vec![0; PIECE.min(left)];
        while left > 0 {
            let piece = left.min(zeros.len());
            file.write_all(&zeros[..piece])?;
            left -= piece;
        }
        Ok(())
    }
}
