//! `checkpoint.txt`: where the old hekad's reader stood in a queue folder.
//!
//! The text is `<file number> <byte offset>` and nothing else. The old hekad wrote it over the text before and cut the file
//! to the new length afterwards, so a crash between the two leaves the last digits of the older, longer text behind the
//! newer. A power cut may leave the file empty or cut short.

use std::fs;
use std::io;
use std::path::Path;

/// Name of the file in a queue folder.
pub(super) const FILE_NAME: &str = "checkpoint.txt";
/// A file that is longer is none of the old hekad's.
const MAX_BYTES: usize = 64;

/// What a queue folder says about its reader's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Checkpoint {
    /// There is no file: nothing was delivered yet, or not enough for a first one.
    Missing,
    /// A place.
    At {
        /// Number of the file.
        file: u64,
        /// Everything before it in that file was delivered.
        offset: u64,
    },
    /// The text is no place; says why.
    Damaged(&'static str),
}

impl Checkpoint {
    /// Reads the file of a queue folder.
    ///
    /// # Errors
    /// It is there but cannot be read.
    pub(super) fn read(folder: &Path) -> io::Result<Checkpoint> {
        match fs::read(folder.join(FILE_NAME)) {
            Ok(text) => Ok(Checkpoint::parse(&text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Checkpoint::Missing),
            Err(error) => Err(error),
        }
    }

    /// Understands the text. A line end that an editor put behind it is no damage.
    pub(super) fn parse(text: &[u8]) -> Checkpoint {
        let text = text.trim_ascii_end();
        if text.is_empty() {
            return Checkpoint::Damaged("it is empty");
        }
        if text.len() > MAX_BYTES {
            return Checkpoint::Damaged("it is too long");
        }
        let Some((file, offset)) = std::str::from_utf8(text).ok().and_then(|text| text.split_once(' '))
        else {
            return Checkpoint::Damaged("it is no file number and offset");
        };
        // No number but 0 begins with 0: what follows it is stale.
        let offset = if offset.starts_with('0') && decimal(offset).is_some() { "0" } else { offset };
        match (decimal(file), decimal(offset)) {
            (Some(file), Some(offset)) => Checkpoint::At { file, offset },
            (None, _) => Checkpoint::Damaged("its file number is no number"),
            (_, None) => Checkpoint::Damaged("its offset is no number"),
        }
    }
}

/// A number in digits only.
pub(super) fn decimal(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The offsets that an offset may have been before stale digits got behind it: its own text without the last digit, the
/// last two, and so on, the longest first.
pub(super) fn without_stale_digits(offset: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(offset / 10), |shorter| Some(shorter / 10)).take_while(|shorter| *shorter > 0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_place_and_every_kind_of_damage() {
        let at = |file, offset| Checkpoint::At { file, offset };
        assert_eq!(Checkpoint::parse(b"12 345678"), at(12, 345_678));
        assert_eq!(Checkpoint::parse(b"0 0\n"), at(0, 0));
        assert_eq!(Checkpoint::parse(b"7 0345"), at(7, 0));
        for text in
            ["", "\n", "12", "12 ", "x", "a b", "1 x", "1 2 3", "-1 5", "1 -5", "+1 5", "1  5", " 1 5"]
        {
            assert!(matches!(Checkpoint::parse(text.as_bytes()), Checkpoint::Damaged(_)), "{text:?}");
        }
        assert!(matches!(Checkpoint::parse(b"99999999999999999999 1"), Checkpoint::Damaged(_)));
        assert!(matches!(Checkpoint::parse(&[b'1'; 100]), Checkpoint::Damaged(_)));
        assert!(matches!(Checkpoint::parse(&[0; 9]), Checkpoint::Damaged(_)));
    }

    #[test]
    fn a_file_that_is_not_there_is_no_damage() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Checkpoint::read(dir.path()).unwrap(), Checkpoint::Missing);
        fs::write(dir.path().join(FILE_NAME), "3 46").unwrap();
        assert_eq!(Checkpoint::read(dir.path()).unwrap(), Checkpoint::At { file: 3, offset: 46 });
    }

    #[test]
    fn digits_go_from_the_end() {
        assert_eq!(without_stale_digits(512_678).collect::<Vec<_>>(), [51_267, 5_126, 512, 51, 5]);
        assert_eq!(without_stale_digits(7).count(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_bytes_are_understood_or_damage(text: Vec<u8>, file: u64, offset: u64) {
            Checkpoint::parse(&text);
            let whole = format!("{file} {offset}");
            prop_assert_eq!(Checkpoint::parse(whole.as_bytes()), Checkpoint::At { file, offset });
        }
    }
}
