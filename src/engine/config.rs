//! Reading a configuration: files, environment, language, and the options that the engine itself consumes.
//!
//! | module | holds |
//! |---|---|
//! | [`load`] | a file or a directory of files becomes [`Loaded`] |
//! | [`environment`] | `%ENV[NAME]` in a file's text |
//! | [`dialect`] | the language |
//! | [`hekad`] | the options of `[hekad]` |
//! | [`common`] | the options that all plugins of a kind have |
//! | [`os_error`] | the system's errors in Go's words |

pub mod common;
pub mod dialect;
pub mod environment;
pub mod hekad;
pub mod load;
pub mod os_error;

pub use common::{Buffering, CommonFo, CommonInput, CommonSplitter, FullAction, Retries};
pub use dialect::SyntaxError;
pub use environment::EnvironmentError;
pub use hekad::{Hekad, QueueSync};
pub use load::{ConfigFile, LoadError, Loaded, Place, Section, load, load_all};
