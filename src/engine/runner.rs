//! The loops that run plugins: the engine owns the loop, a plugin only does its one thing.

pub mod append;
mod child;
pub mod decode;
pub mod deliver;
pub mod filter;
pub mod inject;
pub mod inlet;
pub mod input;
pub mod intake;
pub mod outgoing;
pub mod output;
pub mod retry;
pub mod ticker;
