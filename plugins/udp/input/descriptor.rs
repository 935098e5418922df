//! Sockets that hekad inherited, by number.

use std::os::fd::OwnedFd;

use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

use crate::addressing::reason;

/// The number in `fd:N`: decimal, `0x` hexadecimal, `0b` binary, `0` or `0o` octal.
///
/// # Errors
/// Go's text.
pub(super) fn number(text: &str) -> Result<i32, String> {
    let wrong = |why: &str| format!("strconv.ParseUint: parsing {text:?}: {why}");
    let lower = text.to_ascii_lowercase();
    let (digits, radix) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (&lower[..], 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(wrong("invalid syntax"));
    }
    i32::from_str_radix(digits, radix).map_err(|_| wrong("value out of range"))
}

/// A duplicate of an open descriptor. The kernel is asked through this process's own handle, as it would be for another
/// process: that needs no trust in the number.
///
/// # Errors
/// There is no such descriptor, or the system has no such handles (Linux before 5.6, some container policies).
pub(super) fn duplicate(number: i32) -> Result<OwnedFd, String> {
    let why = |error: rustix::io::Errno| format!("file file+net udpFile: {}", reason(&error.into()));
    let this = pidfd_open(getpid(), PidfdFlags::empty()).map_err(why)?;
    pidfd_getfd(this, number, PidfdGetfdFlags::empty()).map_err(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_several_bases() {
        assert_eq!(number("3"), Ok(3));
        assert_eq!(number("0x1F"), Ok(31));
        assert_eq!(number("017"), Ok(15));
        assert_eq!(number("0"), Ok(0));
        assert_eq!(number("x"), Err("strconv.ParseUint: parsing \"x\": invalid syntax".into()));
        assert_eq!(number("09"), Err("strconv.ParseUint: parsing \"09\": invalid syntax".into()));
        assert_eq!(
            number("99999999999"),
            Err("strconv.ParseUint: parsing \"99999999999\": value out of range".into())
        );
    }
}
