//! The system's errors in Go's words, which Heka's texts show.

use std::io;
use std::path::Path;

/// The reason of a failed call: as the system gives it, with a small first letter.
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// A failed call on a file: `open /x: no such file or directory`.
pub fn describe(call: &str, path: &Path, error: &io::Error) -> String {
    format!("{call} {}: {}", path.display(), reason(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_worded_as_go_does() {
        let error = io::Error::from_raw_os_error(2);
        assert_eq!(describe("open", Path::new("/x"), &error), "open /x: no such file or directory");
        assert_eq!(reason(&io::Error::from_raw_os_error(21)), "is a directory");
        assert_eq!(reason(&io::Error::other("Odd")), "odd");
    }
}
