//! What can go wrong around a process under test.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

/// Why a step of a test could not be done; each text says what to look at.
#[derive(Debug, thiserror::Error)]
pub enum TestkitError {
    /// The operating system refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The reason given.
        source: io::Error,
    },
    /// Something did not happen in time.
    #[error("not within {limit:?}: {what}")]
    Late {
        /// What was awaited.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// The daemon ended while it was needed.
    #[error("the daemon ended by itself ({status}); its log ends with:\n{log}")]
    Ended {
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its standard error.
        log: String,
    },
}

impl TestkitError {
    /// Wraps an I/O error with what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> TestkitError {
        let what = what.into();
        move |source| TestkitError::Io { what, source }
    }
}
