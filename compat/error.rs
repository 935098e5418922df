//! Why a case failed.

use std::io;
use std::path::{Path, PathBuf};

/// A case does not pass; the text is what the runner prints.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// `case.toml` is not understood.
    #[error("{}: {why}", path.display())]
    Case {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        why: String,
    },
    /// A file, socket or process could not be used.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// The reason given.
        source: io::Error,
    },
    /// The process under test behaved in another way than recorded.
    #[error("{0}")]
    Process(String),
    /// Output is no Heka stream where one is compared.
    #[error("{0}")]
    Stream(String),
    /// A mask is no regular expression.
    #[error("mask {pattern:?}: {why}")]
    Mask {
        /// The pattern as written.
        pattern: String,
        /// What the parser says.
        why: String,
    },
    /// Output differs from what was recorded.
    #[error("{0}")]
    Differs(String),
}

impl CaseError {
    /// Wraps an I/O error with the path it is about.
    pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> CaseError {
        CaseError::io(path.display().to_string())
    }

    /// Wraps an I/O error with what was tried.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> CaseError {
        let what = what.into();
        move |source| CaseError::Io { what, source }
    }
}
