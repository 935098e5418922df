//! An AMQP 0-9-1 client for a plugin that waits on its own thread: one connection with one channel, whose socket is served
//! on a thread of its own, so that heartbeats go on while the plugin is busy.
//!
//! | module | holds |
//! |---|---|
//! | [`uri`] | `amqp://` URLs |
//! | [`target`] | how a broker is reached |
//! | [`wire`], [`method`], [`frame`], [`content`] | the protocol's data, as far as the plugins need it |
//! | [`link`] | the connection |
//! | [`pace`] | when to try again |

pub(crate) mod content;
mod frame;
pub(crate) mod link;
pub(crate) mod method;
pub(crate) mod pace;
pub(crate) mod target;
mod uri;
mod wire;

pub(crate) use self::link::{Event, Link, LinkError};
pub(crate) use self::method::{Incoming, Outgoing};
pub(crate) use self::pace::{Pace, Retries};
pub(crate) use self::target::Target;

/// A name that the protocol has room for.
///
/// # Errors
/// It is longer than 255 bytes; `key` is the option's.
pub(crate) fn check_name(key: &str, name: &str) -> Result<(), String> {
    if name.len() > wire::SHORT_STRING_MAX {
        return Err(format!("`{key}` can't be longer than {} bytes.", wire::SHORT_STRING_MAX));
    }
    Ok(())
}
