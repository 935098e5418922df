//! Records that an output has rejected for good: kept on the disk with the reason, for somebody to look at, to send again or
//! to give up.
//!
//! Each output has a queue of its own below `<base_dir>/queue/dead`. Its thread alone appends to it and reads it; from
//! outside it is asked by a file ([`Request`]) to send letters again or to forget them, also while hekad runs.
//!
//! | module | holds |
//! |---|---|
//! | [`letter`] | a rejected message with output and reason, in the form of a message |
//! | [`folder`] | where the letters of an output lie |
//! | [`request`] | what is asked of an output from outside |
//! | [`store`] | the queue of letters, its bound, and how far they are dealt with |
//! | [`owner`] | all of that in the hands of an output's thread |

pub mod folder;
pub mod letter;
pub mod owner;
pub mod request;
pub mod store;

pub use folder::Folder;
pub use letter::Letter;
pub use owner::DeadLetters;
pub use request::Request;
pub use store::Store;
