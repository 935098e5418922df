//! LPeg in Rust for Lua 5.1.
