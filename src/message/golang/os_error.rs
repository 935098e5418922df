//! Errors of the operating system as Go words them.

use std::fmt::Display;
use std::io;

/// The text of an error without Rust's additions: `permission denied`.
pub fn errno_text(error: &io::Error) -> String {
    let text = error.to_string();
    if error.raw_os_error().is_none() {
        return text;
    }
    let text = text.rsplit_once(" (os error ").map_or(text.as_str(), |(text, _)| text);
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// The text of Go's `os.PathError`: `open /var/log/x: permission denied`.
pub fn path_error(operation: &str, path: impl Display, error: &io::Error) -> String {
    format!("{operation} {path}: {}", errno_text(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_lose_their_number() {
        let error = io::Error::from_raw_os_error(13);
        assert_eq!(errno_text(&error), "permission denied");
        assert_eq!(
            path_error("open", "/x", &io::Error::from_raw_os_error(28)),
            "open /x: no space left on device"
        );
        assert_eq!(errno_text(&io::Error::other("As it is")), "As it is");
    }
}
