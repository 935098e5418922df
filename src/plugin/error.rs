//! Why a plugin ended.

/// An error that ends a plugin's run. Restart rules and `can_exit` decide what follows.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// The run failed; the text is what Heka logs as `Input 'X' error: ...` or `Plugin 'X' error: ...`.
    #[error("{0}")]
    Run(String),
    /// A sandbox ended itself or was ended; the runner does not announce it a second time with `heka.terminated`.
    #[error("{0}")]
    Terminated(String),
}

impl PluginError {
    /// A [`PluginError::Run`] of anything that prints.
    pub fn run(why: impl std::fmt::Display) -> PluginError {
        PluginError::Run(why.to_string())
    }
}
