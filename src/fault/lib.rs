//! Named points at which a test makes the process die or a call fail.
//!
//! [`fault!`] marks a moment between two steps on the disk; [`fail!`] stands for a call that may fail. Without the
//! feature `fault` both expand to nothing. With it the environment says what happens:
//!
//! | variable | holds |
//! |---|---|
//! | `HEKAD_FAULT` | `name:n`, several joined by commas: the process dies by SIGKILL when it passes that point the n-th time |
//! | `HEKAD_FAIL` | the same for calls: the n-th fails with EIO |
//! | `HEKAD_FAULT_TRACE` | a file that gets a line with its name for each point that is passed |
#![forbid(unsafe_code)]

#[cfg(feature = "fault")]
mod armed;

#[cfg(feature = "fault")]
pub use armed::{die, failing, is_here};

/// Marks a point by name. A name is used once.
///
/// `fault!("name")` may end the process there. `fault!("name", before)` does `before` and then ends it: half of a write,
/// say, that is done whole when the process lives on.
#[cfg(feature = "fault")]
#[macro_export]
macro_rules! fault {
    ($name:literal) => {
        if $crate::is_here($name) {
            $crate::die()
        }
    };
    ($name:literal, $before:expr) => {
        if $crate::is_here($name) {
            let _ = $before;
            $crate::die()
        }
    };
}

/// Marks a point by name; nothing without the feature `fault`.
#[cfg(not(feature = "fault"))]
#[macro_export]
macro_rules! fault {
    ($($any:tt)*) => {};
}

/// A call that a test makes fail: `Err` when it is this one's turn, else `Ok(())`.
#[cfg(feature = "fault")]
#[macro_export]
macro_rules! fail {
    ($name:literal) => {
        $crate::failing($name)
    };
}

/// A call that a test makes fail; always `Ok(())` without the feature `fault`.
#[cfg(not(feature = "fault"))]
#[macro_export]
macro_rules! fail {
    ($name:literal) => {
        ::std::io::Result::Ok(())
    };
}
