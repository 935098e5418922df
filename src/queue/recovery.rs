//! What a queue finds on disk when it opens, and how it repairs it.
//!
//! Only the last segment is read, and those before it that were not synced yet when the process died, so that
//! opening takes no longer with a backlog. (A segment that was synced has been cut to its size; one that was not
//! still ends in zeros.)
//!
//! What follows the last good record is cut off. Bad bytes between good records are one of two things. A record
//! that was damaged is left for readers to skip. A *hole*, a sector that reads as never written, is what an
//! interrupted sync leaves: what follows it was not acknowledged either, and is cut off with all segments after
//! it, so that it does not overtake what its sender will send again. Zeros of a message are no hole; but damage that
//! is a whole sector of zeros cannot be told from one, in a segment that was open.

mod scan;

use crate::error::{Event, EventKind, QueueError};
use crate::fs::{Map, uninterrupted};
use crate::queue::{Options, SyncMode};
use crate::record::Frame;
use crate::segment::{Segment, id_of, path_of};
use heka_fault::fault;
use scan::{Scan, is_padded};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Where a queue goes on.
pub(crate) struct Recovered {
    pub(crate) segments: BTreeMap<u64, Arc<Segment>>,
    pub(crate) next_segment: u64,
    pub(crate) next_sequence: u64,
    pub(crate) last_time_ns: u64,
    pub(crate) cut_bytes: u64,
}

/// A segment that was read.
struct Found {
    id: u64,
    map: Map,
    scan: Scan,
    /// How much of it to keep.
    keep: usize,
}

/// Lists the segments of a queue, repairs the last ones and finds where to go on.
pub(crate) fn recover(dir: &Path, options: &Options) -> Result<Recovered, QueueError> {
    let files = uninterrupted(|| options.fs.list(dir)).map_err(QueueError::io("list", dir))?;
    let mut lengths: BTreeMap<u64, u64> = files
        .into_iter()
        .filter_map(|(name, len)| Some((id_of(&name)?, len.min(u64::from(u32::MAX)))))
        .collect();

    let mut found = read_last(dir, options, &lengths)?;
    drop_unacknowledged(&mut found);
    fault!("recovery-scanned");
    let mut recovered = Recovered {
        segments: BTreeMap::new(),
        next_segment: lengths.last_key_value().map_or(1, |(id, _)| id + 1).max(options.first_segment),
        next_sequence: 0,
        last_time_ns: 0,
        cut_bytes: 0,
    };
    // The last first: what shows that something is missing goes last, should this be interrupted as well.
    for segment in found.iter().rev() {
        if let Some(last) = &segment.scan.last {
            recovered.next_sequence = recovered.next_sequence.max(last.sequence.saturating_add(1));
            recovered.last_time_ns = recovered.last_time_ns.max(last.time_ns);
        }
        let path = path_of(dir, segment.id);
        if segment.keep == 0 && segment.map.len() > 0 && !is_padded(&segment.map) {
            // Not torn, for it was closed; whatever it is, it is not for this queue to destroy.
            set_aside(&path, options)?;
            lengths.remove(&segment.id);
            continue;
        }
        recovered.cut_bytes += cut(&path, &segment.map, segment.keep, options)?;
        if segment.keep > 0 {
            lengths.insert(segment.id, segment.keep as u64);
        } else {
            // Not left empty: an empty segment is what remains of one that lost its size.
            uninterrupted(|| options.fs.unlink(&path)).map_err(QueueError::io("remove", &path))?;
            fault!("recovery-removed");
            lengths.remove(&segment.id);
        }
    }
    if options.sync != SyncMode::None && found.iter().any(|segment| segment.keep == 0) {
        uninterrupted(|| options.fs.fsync_dir(dir)).map_err(QueueError::io("sync folder", dir))?;
    }
    fault!("recovery-sealed");
    let mut base = 0;
    for (id, len) in lengths {
        recovered.segments.insert(id, Arc::new(Segment::new(id, path_of(dir, id), base, len, true)));
        base += len;
    }
    Ok(recovered)
}

/// Reads the segments that may not have been synced, and as many more as it takes to know the last sequence.
/// Oldest first.
fn read_last(dir: &Path, options: &Options, lengths: &BTreeMap<u64, u64>) -> Result<Vec<Found>, QueueError> {
    let mut found: Vec<Found> = Vec::new();
    let mut unsynced = true;
    let mut sequence_known = false;
    for (&id, &len) in lengths.iter().rev() {
        let path = path_of(dir, id);
        let map = uninterrupted(|| options.fs.map(&path)).map_err(QueueError::io("map", &path))?;
        let padded = len == 0 || is_padded(&map);
        // One that was synced, before one that is empty, tells whether that has lost something.
        let judges = unsynced
            && found.last().is_some_and(|next| next.scan.first.is_none())
            && found.iter().any(|later| later.scan.first.is_some());
        if sequence_known && !(unsynced && padded) && !judges {
            break;
        }
        let mut scan = scan::scan(&map);
        scan.open_end |= len == 0;
        if !(unsynced && padded) {
            (scan.torn, scan.open_end) = (None, false);
        }
        unsynced &= padded;
        // Before copies, the first writing of the same records may have come further.
        let kept = scan.torn.as_ref().map_or(&scan.last, |(last, _)| last);
        sequence_known = kept.as_ref().is_some_and(|last| !last.is_copy());
        let keep = if unsynced || found.is_empty() { scan.end } else { map.len() };
        found.push(Found { id, map, scan, keep });
    }
    found.reverse();
    Ok(found)
}

/// Forgets what follows a hole.
fn drop_unacknowledged(found: &mut [Found]) {
    // Segments before copies could not be synced; what they lack is in the copies.
    let is_copied = |found: &Found| found.scan.first.as_ref().is_some_and(Frame::is_copy);
    let from = found.iter().rposition(is_copied).unwrap_or(0);
    // The sequence that comes next, where that is known: a queue begins at 0 in segment 1.
    let mut expected = Some(0);
    let mut last_id = 0;
    // Whether what was expected may have been lost, and whether something must have been.
    let (mut open_end, mut lost) = (false, false);
    let mut dropping = false;
    for segment in &mut found[from..] {
        if segment.id != last_id + 1 {
            // What was between was pruned; nothing is known to be missing.
            (expected, open_end, lost) = (None, false, false);
        }
        let gap = match (&segment.scan.first, expected) {
            (Some(first), Some(expected)) => first.sequence != expected,
            (Some(_), None) => lost,
            (None, _) => false,
        };
        last_id = segment.id;
        if dropping || (gap && open_end) {
            dropping = true;
            segment.keep = 0;
            segment.scan = Scan::default();
            continue;
        }
        if let Some((last, end)) = segment.scan.torn.take() {
            dropping = true;
            segment.keep = end;
            segment.scan.last = last;
        }
        expected = segment.scan.last.as_ref().map(|frame| frame.sequence.wrapping_add(1)).or(expected);
        open_end = segment.scan.open_end || (open_end && segment.scan.last.is_none());
        // It was not left for the next one without a record in it.
        lost = segment.scan.last.is_none() && (lost || segment.scan.open_end);
    }
}

/// Renames a file that has not one record in it, so that it is out of the way and kept.
fn set_aside(path: &Path, options: &Options) -> Result<(), QueueError> {
    let aside = path.with_extension("log.damaged");
    uninterrupted(|| options.fs.rename(path, &aside)).map_err(QueueError::io("set aside", path))?;
    fault!("recovery-set-aside");
    (options.log)(&Event { queue: options.name.clone(), path: path.to_owned(), kind: EventKind::SetAside });
    Ok(())
}

/// Cuts a segment to `end` and makes that durable. Returns how many bytes that were not padding went.
fn cut(path: &Path, map: &Map, end: usize, options: &Options) -> Result<u64, QueueError> {
    let report = |kind| {
        (options.log)(&Event { queue: options.name.clone(), path: path.to_owned(), kind });
    };
    let rest = &map.bytes(map.len())[end..];
    let bytes = rest.iter().rposition(|&byte| byte != 0).map_or(0, |last| last as u64 + 1);
    let cleaned = uninterrupted(|| options.fs.open(path)).and_then(|file| {
        if !rest.is_empty() {
            uninterrupted(|| file.truncate(end as u64))?;
            fault!("recovery-truncated");
        }
        if options.sync != SyncMode::None {
            uninterrupted(|| file.fdatasync())?;
            fault!("recovery-synced");
        }
        Ok(())
    });
    match cleaned {
        Err(error) if bytes > 0 => return Err(QueueError::io("cut", path)(error)),
        // Padding does no harm: readers do not look past `end`, and nothing is appended to this segment.
        Err(error) => report(EventKind::CleanupFailed(error)),
        Ok(()) if bytes > 0 => report(EventKind::TailTruncated { at: end as u64, bytes }),
        Ok(()) => {}
    }
    Ok(bytes)
}
