//! An open whisper file: where a point goes, and what follows for the coarser archives.
//!
//! The format is that of Graphite's whisper: a header of aggregation, largest retention in seconds, share of known values and
//! number of archives; a table of archives with offset, seconds from one point to the next and number of points; the points, a
//! time and a value each. All numbers are in network order. An archive's first point tells which time lies where.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::aggregate::Aggregate;
use super::create::FILE_SIZE_MAX;
use super::older_layout;

/// Bytes of the header.
pub(super) const HEADER_SIZE: u64 = 16;
/// Bytes of an archive's entry in the table.
pub(super) const ARCHIVE_SIZE: u64 = 12;
/// Bytes of a point.
pub(super) const POINT_SIZE: u64 = 12;
/// More archives than this no file has.
const ARCHIVES_MAX: u32 = 1024;

/// Why a point is not kept.
#[derive(Debug, thiserror::Error)]
pub(super) enum DatabaseError {
    /// It is too old, or in the future.
    #[error("point is older than the maximum retention period")]
    NotCovered,
    /// The file is none.
    #[error("not a whisper file")]
    Damaged,
    /// The file has nothing in it.
    #[error("empty file")]
    Empty,
    /// The system's.
    #[error("{0}")]
    System(#[from] io::Error),
}

/// An archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Archive {
    /// Where its points begin.
    pub(super) offset: u64,
    /// Seconds from one point to the next.
    pub(super) step: i64,
    /// Number of points.
    pub(super) points: i64,
}

/// A point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// Its time; 0 is none.
    pub(super) time_s: i64,
    /// The value.
    pub(super) value: f64,
}

impl Point {
    pub(super) fn read(bytes: &[u8]) -> Point {
        let (time, value) = bytes.split_at(4);
        let time = time.try_into().map_or(0, u32::from_be_bytes);
        Point { time_s: time.into(), value: value.try_into().map_or(0.0, f64::from_be_bytes) }
    }

    fn bytes(self) -> [u8; POINT_SIZE as usize] {
        let mut bytes = [0; POINT_SIZE as usize];
        bytes[..4].copy_from_slice(&u32::try_from(self.time_s).unwrap_or(0).to_be_bytes());
        bytes[4..].copy_from_slice(&self.value.to_be_bytes());
        bytes
    }
}

impl Archive {
    fn retention(&self) -> i64 {
        self.step * self.points
    }

    fn size(&self) -> u64 {
        self.points.unsigned_abs() * POINT_SIZE
    }

    /// The time of the point that a time falls into.
    fn interval(&self, time_s: i64) -> i64 {
        time_s - time_s.rem_euclid(self.step)
    }

    /// Where the point of a time lies, as bytes from the archive's start, if the first point has the time `base_s`.
    fn place(&self, time_s: i64, base_s: i64) -> u64 {
        if base_s == 0 {
            return 0;
        }
        let distance = (time_s - base_s).div_euclid(self.step).rem_euclid(self.points);
        distance.unsigned_abs() * POINT_SIZE
    }
}

/// An open file.
pub(super) struct Database {
    file: File,
    aggregate: Aggregate,
    retention_max: i64,
    /// The share of values that must be known.
    share_min: f64,
    archives: Vec<Archive>,
}

impl Database {
    /// Reads the header. A file that is cut short is made as long as it should be; one that hekad 0.11 has made gets what
    /// Graphite needs to read it.
    ///
    /// # Errors
    /// The file is none.
    pub(super) fn open(file: File) -> Result<Database, DatabaseError> {
        let length = file.metadata()?.len();
        if length == 0 {
            return Err(DatabaseError::Empty);
        }
        let mut header = [0; HEADER_SIZE as usize];
        file.read_exact_at(&mut header, 0).map_err(|_| DatabaseError::Damaged)?;
        if header.iter().all(|byte| *byte == 0) {
            return Err(DatabaseError::Empty);
        }
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_be_bytes);
        let count = number(&header[12..16]);
        if !(1..=ARCHIVES_MAX).contains(&count) {
            return Err(DatabaseError::Damaged);
        }
        let mut table = vec![0; count as usize * ARCHIVE_SIZE as usize];
        file.read_exact_at(&mut table, HEADER_SIZE).map_err(|_| DatabaseError::Damaged)?;
        let mut archives = Vec::new();
        for entry in table.chunks_exact(ARCHIVE_SIZE as usize) {
            let [offset, step, points] = [&entry[..4], &entry[4..8], &entry[8..12]].map(number);
            if step == 0 || points == 0 || u64::from(offset) < HEADER_SIZE + table.len() as u64 {
                return Err(DatabaseError::Damaged);
            }
            archives.push(Archive { offset: offset.into(), step: step.into(), points: points.into() });
        }
        let aggregate = Aggregate::of(number(&header[..4])).ok_or(DatabaseError::Damaged)?;
        let end = archives.iter().map(|archive| archive.offset + archive.size()).max().unwrap_or(0);
        if length < end {
            // No file that was only cut short is so large.
            if end > FILE_SIZE_MAX {
                return Err(DatabaseError::Damaged);
            }
            file.set_len(end)?;
        }
        older_layout::mark(&file, aggregate, &archives)?;
        let share_min = f32::from_be_bytes([header[8], header[9], header[10], header[11]]).into();
        let retention_max = number(&header[4..8]).into();
        Ok(Database { file, aggregate, retention_max, share_min, archives })
    }

    /// Keeps a value.
    ///
    /// # Errors
    /// The time is not covered, or the system's.
    pub(super) fn update(&self, value: f64, time_s: i64, now_s: i64) -> Result<(), DatabaseError> {
        let age = now_s - time_s;
        if age < 0 || age >= self.retention_max {
            return Err(DatabaseError::NotCovered);
        }
        let covering = self.archives.iter().position(|archive| archive.retention() >= age);
        let covering = covering.ok_or(DatabaseError::NotCovered)?;
        let (finest, coarser) = self.archives[covering..].split_first().ok_or(DatabaseError::NotCovered)?;
        let interval = finest.interval(time_s);
        self.write(finest, Point { time_s: interval, value })?;
        let mut finer = finest;
        for archive in coarser {
            if !self.propagate(interval, finer, archive)? {
                break;
            }
            finer = archive;
        }
        Ok(())
    }

    /// Makes a point of the coarser archive from those of the finer one. Says whether enough of them are known.
    fn propagate(&self, time_s: i64, finer: &Archive, coarser: &Archive) -> Result<bool, DatabaseError> {
        let interval = coarser.interval(time_s);
        let start = finer.place(interval, self.base(finer)?);
        let span = (coarser.step / finer.step).unsigned_abs() * POINT_SIZE;
        let end = (start + span) % finer.size();
        // A range that would be empty is the whole archive.
        let bytes = if start < end {
            self.read(finer.offset + start, end - start)?
        } else {
            let mut bytes = self.read(finer.offset + start, finer.size() - start)?;
            bytes.extend(self.read(finer.offset, end)?);
            bytes
        };
        let points = bytes.chunks_exact(POINT_SIZE as usize).map(Point::read);
        let times = (0..).map(|number| interval + number * finer.step);
        let known: Vec<f64> = points
            .zip(times)
            .filter(|(point, time)| point.time_s == *time)
            .map(|(point, _)| point.value)
            .collect();
        let all = bytes.len() / POINT_SIZE as usize;
        #[expect(clippy::cast_precision_loss, reason = "a file has fewer points than that")]
        let share = known.len() as f64 / all as f64;
        match self.aggregate.of_values(&known, all) {
            Some(value) if share >= self.share_min => {
                self.write(coarser, Point { time_s: interval, value })?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// The time of an archive's first point.
    fn base(&self, archive: &Archive) -> io::Result<i64> {
        Ok(Point::read(&self.read(archive.offset, POINT_SIZE)?).time_s)
    }

    fn read(&self, offset: u64, size: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn write(&self, archive: &Archive, point: Point) -> io::Result<()> {
        let place = archive.place(point.time_s, self.base(archive)?);
        self.file.write_all_at(&point.bytes(), archive.offset + place)
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Writes a point to a place.
pub(super) fn write_point(file: &File, offset: u64, point: Point) -> io::Result<()> {
    file.write_all_at(&point.bytes(), offset)
}

#[cfg(test)]
mod tests;
