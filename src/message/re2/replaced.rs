//! Text in which each invalid byte is a character.

use std::ops::Range;

/// A copy of a haystack that has U+FFFD for each byte that is not part of valid UTF-8.
#[derive(Debug)]
pub(super) struct Replaced {
    pub(super) text: Vec<u8>,
    /// Where the replacements end in the copy, ascending.
    ends: Vec<usize>,
}

/// Bytes that a replacement is longer than what it replaces.
const SURPLUS: usize = char::REPLACEMENT_CHARACTER.len_utf8() - 1;

impl Replaced {
    /// `None` when the haystack is valid.
    #[inline]
    pub(super) fn new(haystack: &[u8]) -> Option<Replaced> {
        match std::str::from_utf8(haystack) {
            Ok(_) => None,
            Err(error) => Some(Replaced::copy(haystack, error.valid_up_to())),
        }
    }

    fn copy(haystack: &[u8], mut valid: usize) -> Replaced {
        let mut replaced = Replaced { text: Vec::with_capacity(haystack.len() + SURPLUS), ends: Vec::new() };
        let mut rest = haystack;
        while valid < rest.len() {
            replaced.text.extend_from_slice(&rest[..valid]);
            replaced.text.extend_from_slice("\u{fffd}".as_bytes());
            replaced.ends.push(replaced.text.len());
            rest = &rest[valid + 1..];
            valid = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
        }
        replaced.text.extend_from_slice(rest);
        replaced
    }

    /// The range in the haystack for one in the copy.
    pub(super) fn original(&self, range: Range<usize>) -> Range<usize> {
        let original = |at| at - SURPLUS * self.ends.partition_point(|&end| end <= at);
        original(range.start)..original(range.end)
    }

    /// The position in the copy for one in the haystack.
    pub(super) fn position(&self, original: usize) -> usize {
        // The replacement number n (from 0) ends at ends[n] in the copy, at ends[n] - (n + 1) * SURPLUS here.
        let mut before = 0;
        let mut left = self.ends.len();
        while left > 0 {
            let half = left / 2;
            let middle = before + half;
            if self.ends[middle] - (middle + 1) * SURPLUS <= original {
                before = middle + 1;
                left -= half + 1;
            } else {
                left = half;
            }
        }
        original + before * SURPLUS
    }
}
