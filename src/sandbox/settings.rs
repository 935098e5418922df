//! What a sandbox is made of.

use std::path::PathBuf;

use crate::kind::Kind;

/// A value of the script's `[config]` table; what is none of these reads as nil.
#[derive(Clone, Debug, PartialEq)]
pub enum Variable {
    /// A string.
    String(String),
    /// A number; integers too.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
}

/// Whether the plugin passes on what `inject_message` encodes as it is, or as it looks once it was parsed and serialized
/// again: then a single number is written like a list of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reencoding {
    /// As it is.
    #[default]
    Never,
    /// Serialized again if [`crate::Layout::fill`] has headers to fill in.
    WhenIncomplete,
    /// Always serialized again.
    Always,
}

/// Everything that a sandbox is opened with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What kind of plugin runs it.
    pub kind: &'static Kind,
    /// The script's file. If it does not exist and lies where shipped scripts would (below `share_dir`), the embedded
    /// copy is taken.
    pub script: PathBuf,
    /// Folders of modules, separated by `;`. `None` is `lua_modules` below `share_dir`.
    pub module_directory: Option<String>,
    /// Where scripts and modules may be installed; they go before embedded ones.
    pub share_dir: PathBuf,
    /// Bytes that the Lua state may use; 0 is no limit.
    pub memory_limit: usize,
    /// VM instructions that a call may spend; 0 is no limit.
    pub instruction_limit: usize,
    /// Bytes of the output buffer, one of which is not used; 0 is no limit.
    pub output_limit: usize,
    /// What `read_config` gives.
    pub variables: Vec<(String, Variable)>,
    /// What becomes of injected messages.
    pub reencoding: Reencoding,
    /// Where global variables are kept between runs.
    pub state_file: Option<PathBuf>,
    /// Source that sets the global variables again, run in place of what is in the state file.
    pub state: Option<Vec<u8>>,
}

impl Settings {
    /// Heka's defaults for a script.
    pub fn new(kind: &'static Kind, script: impl Into<PathBuf>) -> Settings {
        Settings {
            kind,
            script: script.into(),
            module_directory: None,
            share_dir: PathBuf::from("/usr/share/heka"),
            memory_limit: 8 * 1024 * 1024,
            instruction_limit: 1_000_000,
            output_limit: 63 * 1024,
            variables: Vec::new(),
            reencoding: Reencoding::Never,
            state_file: None,
            state: None,
        }
    }
}
