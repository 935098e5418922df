//! The Lua sandbox host.
