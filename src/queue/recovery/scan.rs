//! What one segment holds, and whether a power cut took a part of it.

use crate::fs::Map;
use crate::record::{Frame, good_at, next_good, parse};

/// A disk writes sectors of this many bytes whole or not at all.
const SECTOR: usize = 512;
/// So many zeros at the start of a sector that was written are the end of a longer run of them in its message. Fewer may
/// be a number.
const MESSAGE_ZEROS: usize = 9;

/// What a segment holds.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) first: Option<Frame>,
    /// The last good record, and the place after it.
    pub(crate) last: Option<Frame>,
    pub(crate) end: usize,
    /// The same before the first hole that good records follow.
    pub(crate) torn: Option<(Option<Frame>, usize)>,
    /// What should come at `end` may have been lost: there is a hole, or nothing at all.
    pub(crate) open_end: bool,
}

/// Whether a segment still has the zeros it was preallocated with: it was not closed, and may not have been synced.
pub(crate) fn is_padded(map: &Map) -> bool {
    map.bytes(map.len()).last() == Some(&0)
}

/// Reads all of a segment, passing damage.
pub(crate) fn scan(map: &Map) -> Scan {
    let bytes = map.bytes(map.len());
    let mut scan = Scan::default();
    loop {
        let good = match good_at(bytes, scan.end) {
            Some(good) => good,
            None => {
                let Some((at, good)) = next_good(bytes, scan.end) else { break };
                if scan.torn.is_none() && has_hole(bytes, scan.end, at) {
                    scan.torn = Some((scan.last, scan.end));
                }
                scan.end = at;
                good
            }
        };
        scan.first = scan.first.or(Some(good));
        scan.last = Some(good);
        scan.end += good.end;
    }
    scan.open_end = is_padded(map) && has_open_end(bytes, scan.end);
    scan
}

/// Whether the record that should begin at `from` was lost or torn, rather than damaged.
fn has_open_end(bytes: &[u8], from: usize) -> bool {
    let len = bytes.get(from..).and_then(parse).map_or(2 * SECTOR, |frame| frame.end);
    let to = (from + len).next_multiple_of(SECTOR).min(bytes.len());
    has_hole(bytes, from, to)
}

/// Whether a sector that should hold a part of the bad bytes `from..to` reads as never written.
///
/// A part of a sector before `to` does not count: a good record begins in the rest of it. Nor do zeros of a message: a
/// sector is filled from its start, so if the next one was written and begins with zeros, they go on from this one.
fn has_hole(bytes: &[u8], from: usize, to: usize) -> bool {
    let mut at = from;
    let mut zeros = false;
    while at < to {
        let sector_end = ((at / SECTOR + 1) * SECTOR).min(bytes.len());
        let part = &bytes[at..sector_end.min(to)];
        let leading = part.iter().position(|&byte| byte != 0).unwrap_or(part.len());
        if leading < part.len() || sector_end > to {
            if zeros && leading < MESSAGE_ZEROS {
                return true;
            }
            zeros = false;
        } else if at == from {
            // No record begins with zeros.
            return true;
        } else {
            zeros = true;
        }
        at = sector_end;
    }
    zeros
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_sector_is_a_hole_and_a_damaged_one_is_not() {
        let mut bytes = vec![7u8; 4 * SECTOR];
        assert!(!has_hole(&bytes, 100, 1800));
        bytes[600] = 0;
        assert!(!has_hole(&bytes, 100, 1800));
        bytes[100..512].fill(0);
        assert!(has_hole(&bytes, 100, 1800), "the rest of the sector that an older write left");
        assert!(!has_hole(&bytes, 99, 1800));
        bytes[512..1024].fill(0);
        assert!(has_hole(&bytes, 99, 1800), "a whole sector");
        bytes[512] = 7;
        bytes[1536..1800].fill(0);
        assert!(!has_hole(&bytes, 99, 1800), "zeros before a good record in the same sector were written");
    }

    #[test]
    fn zeros_that_go_on_in_a_written_sector_are_a_message() {
        let mut bytes = vec![7u8; 4 * SECTOR];
        bytes[512..1024 + MESSAGE_ZEROS - 1].fill(0);
        assert!(has_hole(&bytes, 99, 1800), "a number behind a hole");
        bytes[1024..1024 + MESSAGE_ZEROS].fill(0);
        assert!(!has_hole(&bytes, 99, 1800));
        assert!(!has_hole(&bytes, 99, 1024 + MESSAGE_ZEROS), "up to a good record");
        assert!(has_hole(&bytes, 512, 1800), "a record does not begin with zeros");
        bytes[600] = 7;
        assert!(!has_hole(&bytes, 99, 1800));
        bytes[512..2048].fill(0);
        assert!(has_hole(&bytes, 99, 2048), "nothing was written behind");
    }

    #[test]
    fn an_empty_segment_may_have_lost_all() {
        assert!(scan(&Map::of_bytes(vec![0; 4096])).open_end);
        assert!(!scan(&Map::of_bytes(vec![7; 4096])).open_end);
    }
}
