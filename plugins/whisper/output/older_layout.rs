//! Files of hekad 0.11: it put points where they would lie if each archive's first point had the number of the aggregation as
//! its time. Graphite takes an archive without first point for empty, and so saw nothing until that one was written, which
//! takes up to two years for the coarsest archive.
//!
//! A first point of a time long ago that gives all others the places they have makes such a file one like any other.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::aggregate::Aggregate;
use super::database::{Archive, POINT_SIZE, Point, write_point};

/// Gives the archives of such a file the first point that they lack.
///
/// # Errors
/// The system's.
pub(super) fn mark(file: &File, aggregate: Aggregate, archives: &[Archive]) -> io::Result<()> {
    for archive in archives {
        let mut first = [0; POINT_SIZE as usize];
        file.read_exact_at(&mut first, archive.offset)?;
        if Point::read(&first).time_s == 0
            && let Some(base_s) = base(file, aggregate, archive)?
        {
            write_point(file, archive.offset, Point { time_s: base_s, value: 0.0 })?;
        }
    }
    Ok(())
}

/// The time that the first point must have for the others to lie right; `None`: there are no others, or nothing fits.
fn base(file: &File, aggregate: Aggregate, archive: &Archive) -> io::Result<Option<i64>> {
    let size = archive.points.unsigned_abs() * POINT_SIZE;
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, archive.offset)?;
    let number = i64::from(aggregate as u32);
    let base_s = (number + archive.step - 1).div_euclid(archive.step) * archive.step;
    let mut is_found = false;
    for (place, point) in (0..).zip(bytes.chunks_exact(POINT_SIZE as usize).map(Point::read)) {
        if point.time_s == 0 {
            continue;
        }
        is_found = true;
        if (point.time_s - base_s).div_euclid(archive.step).rem_euclid(archive.points) != place {
            return Ok(None);
        }
    }
    Ok(is_found.then_some(base_s))
}
