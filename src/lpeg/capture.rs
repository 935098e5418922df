//! Captures as the machine records them: a tree in prefix order.

use crate::node::Kind;

/// No capture.
pub(crate) const NONE: u32 = u32::MAX;

/// One capture.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Cap {
    /// Where it starts in the subject.
    pub(crate) start: u32,
    /// Where it ends. Not yet known while it is open.
    pub(crate) end: u32,
    /// The capture after it and all that is inside it. Not yet known while it is open.
    pub(crate) next: u32,
    /// The capture that it is inside of, or [`NONE`].
    pub(crate) parent: u32,
    /// Of a value of a match-time capture: its place on the Lua stack. Of a back reference: the group, plus one, once
    /// it was looked up.
    pub(crate) aux: u32,
    /// Its value, or what its kind makes of the key.
    pub(crate) key: u16,
    /// What it is.
    pub(crate) kind: Kind,
}

impl Cap {
    /// Whether it is a group with a name.
    pub(crate) fn is_named(&self) -> bool {
        self.kind == Kind::Group && self.key != 0
    }
}
