//! Docker's API as far as the `docker` family needs it, over a Unix socket, TCP or TLS. Podman serves it, too.

mod connection;
mod container;
mod endpoint;
mod watch;

pub(crate) use self::connection::{ApiError, Engine, Next};
pub(crate) use self::container::{Container, Wanted};
pub(crate) use self::endpoint::DEFAULT_ENDPOINT;
pub(crate) use self::watch::{Backoff, Lines, watch};
