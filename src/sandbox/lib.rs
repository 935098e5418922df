//! The Lua sandbox host.
//!
//! | module | holds |
//! |---|---|
//! | [`sandbox`] | [`Sandbox`], one script in one state: calls, errors, termination |
//! | [`settings`], [`kind`] | what a sandbox is opened with, and what each kind of plugin gives its scripts |
//! | [`messages`], [`layout`] | the plugin's side of a running call; filling in headers of injected messages |
//! | [`options`], [`report`] | what plugins of all kinds share: their options, their figures |
//! | `environment`, `require`, `error_handling`, `charged`, `os_library`, `string_library`, `table_library` | the globals and libraries that scripts see |
//! | `api` | the host functions, a file a group |
//! | `encode` | tables to protobuf |
//! | `memory`, `budget`, `output` | the limits |
//! | `preserve` | global variables over restarts |
//! | `source`, [`embedded`], `native` | scripts and modules: from files, from the binary, in Rust |
//!
//! Lua is PUC 5.1 through its C API. A Lua error is a `longjmp` over the frames of host functions, so these own nothing
//! that would need dropping: what they need lies in the host, which the state's allocator points to.

mod api;
mod budget;
mod charged;
mod check;
pub mod embedded;
mod encode;
mod environment;
mod error_handling;
mod host;
pub mod kind;
pub mod layout;
mod memory;
pub mod messages;
mod native;
mod number;
pub mod options;
mod os_library;
mod output;
mod preserve;
mod random;
pub mod report;
mod require;
pub mod sandbox;
pub mod settings;
mod source;
mod string_library;
mod table_library;

pub use kind::{DECODER, ENCODER, FILTER, INPUT, Kind, OUTPUT};
pub use layout::{Defaults, Layout};
pub use messages::{Injected, InjectedPayload, Messages, NoMessages, Refused, Source};
pub use options::{SandboxConfig, SandboxEncoderConfig};
pub use random::random_uuid;
pub use report::{Counts, Figures};
pub use sandbox::{Outcome, Sandbox, write_state};
pub use settings::{Reencoding, Settings, Variable};
pub use source::check_preserved;
