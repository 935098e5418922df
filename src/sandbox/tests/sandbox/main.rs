//! Scripts in sandboxes, from outside: what they see, what they may do, what happens when they break a limit.

#![allow(clippy::unwrap_used, reason = "tests")]

mod encode;
mod environment;
mod errors;
mod host_functions;
mod limits;
mod modules;
mod preservation;
mod reentry;
mod support;
mod work;
mod write_message;
