//! Patterns as Lua sees them: a userdata that holds a header and the tree. The Lua values that a pattern refers to are
//! in its environment, a sequence that patterns made from one another may share and that is never changed once it is
//! in use. The compiled code is a userdata too, kept by a field of the environment.

use std::ffi::c_int;
use std::mem::size_of;

use mlua::ffi;

use crate::builtin;
use crate::charset::Charset;
use crate::compile::compile;
use crate::grammar;
use crate::node::{Node, SET_WORDS, Tag, put_charset};
use crate::program::Program;
use crate::state::{PATTERN_TYPE, State};

/// Nesting that a pattern may have. Walking a pattern recurses, and a thread's stack is not endless.
const MAX_DEPTH: u32 = 1000;

/// Field of the environment that keeps the compiled code alive.
const CODE_FIELD: &std::ffi::CStr = c"code";

#[repr(C)]
struct Header {
    code: *mut Program,
    len: u32,
    depth: u32,
    keys: u32,
    reserved: u32,
}

/// A pattern that is on the Lua stack.
#[derive(Clone, Copy)]
pub(crate) struct Pattern(*mut Header);

impl Pattern {
    /// Pushes a new pattern of `len` nodes, all `True`, with an empty environment.
    pub(crate) fn push_new(l: State, len: usize, depth: u32) -> Self {
        if depth > MAX_DEPTH {
            l.error(c"pattern is nested too deeply");
        }
        let header: *mut Header = l.new_userdata(size_of::<Header>() + len * size_of::<Node>()).cast();
        // SAFETY: the block has room for the header and `len` nodes, and Lua aligns it for any type.
        unsafe {
            header.write(Header { code: std::ptr::null_mut(), len: len as u32, depth, keys: 0, reserved: 0 });
            let nodes: *mut Node = header.add(1).cast();
            (0..len).for_each(|i| nodes.add(i).write(Node::new(Tag::True)));
        }
        l.get_field(ffi::LUA_REGISTRYINDEX, PATTERN_TYPE);
        // Any empty sequence does for an environment; this one is at hand.
        l.push_value(-1);
        l.set_env(-3);
        l.set_metatable(-2);
        Self(header)
    }

    /// Pushes a pattern of one node.
    pub(crate) fn push_leaf(l: State, node: Node) -> Self {
        let mut pattern = Self::push_new(l, 1, 1);
        pattern.tree_mut()[0] = node;
        pattern
    }

    /// Pushes a pattern that matches one byte of a set.
    pub(crate) fn push_charset(l: State, set: Charset) -> Self {
        let mut pattern = Self::push_new(l, 1 + SET_WORDS, 1);
        put_charset(pattern.tree_mut(), 0, set);
        pattern
    }

    /// Whether the value at `idx` is a pattern.
    pub(crate) fn is_pattern(l: State, idx: c_int) -> bool {
        if l.type_of(idx) != ffi::LUA_TUSERDATA || !l.get_metatable(idx) {
            return false;
        }
        l.get_field(ffi::LUA_REGISTRYINDEX, PATTERN_TYPE);
        let same = l.raw_equal(-1, -2);
        l.pop(2);
        same
    }

    /// The pattern at `idx`; an argument error if it is not one.
    pub(crate) fn check(l: State, idx: c_int) -> Self {
        Self(l.check_userdata(idx, PATTERN_TYPE).cast())
    }

    /// The pattern in a userdata block that is known to be one.
    ///
    /// # Safety
    /// The block has the metatable of patterns.
    pub(crate) unsafe fn from_block(block: *mut std::ffi::c_void) -> Self {
        Self(block.cast())
    }

    /// The pattern at `idx`, made in place from a value that stands for one (string, number, boolean, table, function).
    pub(crate) fn coerce(l: State, idx: c_int) -> Self {
        let pattern = match l.type_of(idx) {
            ffi::LUA_TSTRING => from_text(l, l.check_bytes(idx)),
            ffi::LUA_TNUMBER => from_count(l, l.to_integer(idx)),
            ffi::LUA_TBOOLEAN => {
                Self::push_leaf(l, Node::new(if l.to_bool(idx) { Tag::True } else { Tag::False }))
            }
            ffi::LUA_TTABLE => grammar::push(l, idx),
            ffi::LUA_TFUNCTION => {
                let mut pattern = Self::push_new(l, 2, 2);
                let key = pattern.own_value(l, idx);
                pattern.tree_mut()[0] = Node::new(Tag::RunTime).set_key(key);
                pattern
            }
            _ => return Self::check(l, idx),
        };
        l.replace(idx);
        pattern
    }

    /// The tree.
    pub(crate) fn tree<'a>(self) -> &'a [Node] {
        // SAFETY: `push_new` wrote `len` nodes behind the header; the pattern is on the stack while it is used.
        unsafe { std::slice::from_raw_parts(self.0.add(1).cast(), (*self.0).len as usize) }
    }

    /// The tree, to be filled. Only for a pattern that Lua code has not seen yet.
    pub(crate) fn tree_mut<'a>(&mut self) -> &'a mut [Node] {
        // SAFETY: as in `tree`; nothing else refers to a pattern under construction.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(1).cast(), (*self.0).len as usize) }
    }

    /// Number of values in the environment.
    pub(crate) fn keys(self) -> u32 {
        // SAFETY: the header is initialised.
        unsafe { (*self.0).keys }
    }

    /// Nesting of the tree.
    pub(crate) fn depth(self) -> u32 {
        // SAFETY: the header is initialised.
        unsafe { (*self.0).depth }
    }

    /// Declares how many values the environment, set by the caller, has.
    pub(crate) fn set_keys(self, keys: u32) {
        // SAFETY: the header is initialised.
        unsafe { (*self.0).keys = keys }
    }

    /// Gives the new pattern on top of the stack an environment with the value at `idx` alone. Returns its key: 0 for
    /// nil, which needs no place.
    pub(crate) fn own_value(self, l: State, idx: c_int) -> u16 {
        l.create_table(1, 0);
        self.add_value_and_set(l, 0, idx)
    }

    /// Gives the new pattern on top of the stack the values of the pattern at `from`, and the value at `idx`.
    pub(crate) fn inherit_and_own(self, l: State, from: c_int, idx: c_int) -> u16 {
        let keys = Self::check(l, from).keys();
        l.create_table(keys as c_int + 1, 0);
        copy_values(l, from, keys, 0);
        self.add_value_and_set(l, keys, idx)
    }

    /// Gives the new pattern on top of the stack the very environment of the pattern at `from`.
    pub(crate) fn share_values(self, l: State, from: c_int) {
        self.set_keys(Self::check(l, from).keys());
        l.get_env(from);
        l.set_env(-2);
    }

    fn add_value_and_set(self, l: State, keys: u32, idx: c_int) -> u16 {
        let key = if l.type_of(idx) == ffi::LUA_TNIL {
            0
        } else {
            check_key_count(l, keys + 1);
            l.push_value(idx);
            l.raw_set_at(-2, keys as c_int + 1);
            self.set_keys(keys + 1);
            keys + 1
        };
        if key == 0 {
            self.set_keys(keys);
        }
        l.set_env(-2);
        key as u16
    }

    /// The compiled code; compiles the pattern at `idx` first if it has none.
    #[inline(always)]
    pub(crate) fn program(self, l: State, idx: c_int) -> *mut Program {
        // SAFETY: the header is initialised.
        let code = unsafe { (*self.0).code };
        if code.is_null() { self.compile(l, idx) } else { code }
    }

    #[cold]
    fn compile(self, l: State, idx: c_int) -> *mut Program {
        l.check_stack(8, c"too many values");
        l.get_env(idx);
        grammar::reject_open_calls(l, self.tree());
        // An environment may be shared with other patterns; the code is this one's alone.
        l.create_table(self.keys() as c_int, 1);
        copy_values(l, idx, self.keys(), 0);
        let size = match self.build(l, None) {
            Ok(size) => size,
            Err(_) => l.error(c"pattern too big"),
        };
        let block: *mut Program = l.new_userdata(size).cast();
        // The second run is deterministic; running twice spares keeping vectors alive over a call that may raise.
        if self.build(l, Some(block)).is_err() {
            l.error(c"pattern too big");
        }
        l.set_field(-2, CODE_FIELD);
        l.set_env(idx);
        l.pop(1);
        // SAFETY: the header is initialised; the block is reachable from the pattern's environment.
        unsafe { (*self.0).code = block };
        block
    }

    /// Compiles with the environment at -1 (or -2 under the block) and returns the size of the block, filling it if given.
    fn build(self, l: State, block: Option<*mut Program>) -> Result<usize, crate::compile::TooBig> {
        let env = l.top() - c_int::from(block.is_some());
        let lookup = |key| builtin::of_value(l, env, key);
        let done = compile(self.tree(), &lookup)?;
        if let Some(block) = block {
            // SAFETY: the first run, with the same result, gave the size of this block.
            unsafe { Program::write(block, &done.code, &done.sets, done.tables, &done.literals) };
        }
        Ok(Program::size_of(done.code.len(), done.sets.len(), done.tables, done.literals.len()))
    }
}

/// Raises an error if a pattern would hold more values than a key can tell apart.
pub(crate) fn check_key_count(l: State, keys: u32) {
    if keys > u32::from(u16::MAX) {
        l.error(c"too many Lua values in pattern");
    }
}

/// Appends the first `keys` values of the pattern at `from` to the table on top of the stack, which has `at` already.
pub(crate) fn copy_values(l: State, from: c_int, keys: u32, at: u32) {
    l.get_env(from);
    for key in 1..=keys as c_int {
        l.raw_get_at(-1, key);
        l.raw_set_at(-3, at as c_int + key);
    }
    l.pop(1);
}

fn from_text(l: State, text: &[u8]) -> Pattern {
    let mut pattern = Pattern::push_new(l, (2 * text.len()).max(2) - 1, 1);
    fill_sequence(pattern.tree_mut(), 0, text.len(), |i| Node::with_n(Tag::Char, usize::from(text[i])));
    pattern
}

/// `n` bytes, or for a negative number: fewer than `-n` bytes left.
fn from_count(l: State, n: isize) -> Pattern {
    if n == 0 {
        return Pattern::push_leaf(l, Node::new(Tag::True));
    }
    let (count, at) = (n.unsigned_abs(), usize::from(n < 0));
    if count > i32::MAX as usize / 4 {
        l.error(c"pattern too big");
    }
    let mut pattern = Pattern::push_new(l, 2 * count - 1 + at, 2);
    pattern.tree_mut()[0] = Node::new(Tag::Not);
    fill_sequence(pattern.tree_mut(), at, count, |_| Node::new(Tag::Any));
    pattern
}

/// Writes a sequence of `count` leaves at `at`.
fn fill_sequence(tree: &mut [Node], at: usize, count: usize, leaf: impl Fn(usize) -> Node) {
    for i in 0..count {
        let here = at + 2 * i;
        if i + 1 < count {
            tree[here] = Node::with_n(Tag::Seq, 2);
            tree[here + 1] = leaf(i);
        } else {
            tree[here] = leaf(i);
        }
    }
}
