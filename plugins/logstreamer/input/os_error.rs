//! Texts of file errors as Go prints them.

use std::io;
use std::path::Path;

/// `<operation> <path>: <reason>`.
pub(super) fn os_error(operation: &str, path: &Path, error: &io::Error) -> String {
    format!("{operation} {}: {}", path.display(), reason(error))
}

/// The reason alone: in lower case and without the number that Rust appends.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_words_it() {
        let error = std::fs::File::open("/no/such/file").unwrap_err();
        assert_eq!(
            os_error("open", Path::new("/no/such/file"), &error),
            "open /no/such/file: no such file or directory"
        );
        assert_eq!(reason(&io::Error::other("Odd thing")), "odd thing");
    }
}
