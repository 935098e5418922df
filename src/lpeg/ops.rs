//! The functions and operators that combine patterns.

use std::ffi::c_int;

use crate::analysis::{fixed_len, has_captures, is_nullable, never_fails};
use crate::charset::Charset;
use crate::node::{Node, Tag, as_charset, second, shift_keys};
use crate::pattern::{Pattern, check_key_count, copy_values};
use crate::state::State;

/// Bytes that a look-behind may step back.
const MAX_BEHIND: usize = u8::MAX as usize;

/// Nodes that a pattern may have: offsets are 32-bit.
const MAX_NODES: usize = i32::MAX as usize / 2;

/// Defines functions for Lua from functions over [`State`].
macro_rules! lua_functions {
    ($($(#[$doc:meta])* $name:ident => $body:path;)*) => {
        $($(#[$doc])* pub(crate) unsafe extern "C-unwind" fn $name(raw: *mut mlua::ffi::lua_State) -> c_int {
            // SAFETY: Lua calls this with a valid state; no frame of this crate holds a value with a destructor.
            $body(unsafe { State::new(raw) })
        })*
    };
}
pub(crate) use lua_functions;

lua_functions! {
    /// `lpeg.P(value)`
    lua_p => p;
    /// `lpeg.S(string)`
    lua_set => set;
    /// `lpeg.R(range, ...)`
    lua_range => range;
    /// `lpeg.V(name)`
    lua_variable => variable;
    /// `lpeg.B(p)`
    lua_behind => behind;
    /// `p1 * p2`
    lua_seq => seq;
    /// `p1 + p2`
    lua_choice => choice;
    /// `p1 - p2`
    lua_minus => minus;
    /// `p ^ n`
    lua_power => power;
    /// `#p`
    lua_and => and;
    /// `-p`
    lua_not => not;
    /// `lpeg.type(value)`
    lua_type => type_of;
}

fn p(l: State) -> c_int {
    l.check_any(1);
    Pattern::coerce(l, 1);
    l.set_top(1);
    1
}

fn set(l: State) -> c_int {
    let bytes = l.check_bytes(1);
    let mut set = Charset::EMPTY;
    bytes.iter().for_each(|&b| set.insert(b));
    Pattern::push_charset(l, set);
    1
}

fn range(l: State) -> c_int {
    let mut set = Charset::EMPTY;
    for arg in 1..=l.top() {
        let ends = l.check_bytes(arg);
        l.arg_check(ends.len() == 2, arg, c"range must have two characters");
        (ends[0]..=ends[1]).for_each(|b| set.insert(b));
    }
    Pattern::push_charset(l, set);
    1
}

fn variable(l: State) -> c_int {
    l.arg_check(!l.is_none_or_nil(1), 1, c"non-nil value expected");
    let mut pattern = Pattern::push_leaf(l, Node::new(Tag::OpenCall));
    let key = pattern.own_value(l, 1);
    pattern.tree_mut()[0] = Node::new(Tag::OpenCall).set_key(key);
    1
}

fn behind(l: State) -> c_int {
    let body = Pattern::coerce(l, 1);
    l.arg_check(!has_captures(body.tree(), 0), 1, c"pattern have captures");
    let len = fixed_len(body.tree(), 0);
    l.arg_check(len.is_some(), 1, c"pattern may not have fixed length");
    let len = len.unwrap_or(0);
    l.arg_check(len <= MAX_BEHIND, 1, c"pattern too long to look behind");
    wrap(l, Node::with_n(Tag::Behind, len));
    1
}

/// Pushes a pattern with `root` over the pattern that the value at index 1 stands for.
pub(crate) fn wrap(l: State, root: Node) -> Pattern {
    let body = Pattern::coerce(l, 1);
    let mut pattern = Pattern::push_new(l, 1 + body.tree().len(), body.depth() + 1);
    pattern.tree_mut()[0] = root;
    pattern.tree_mut()[1..].copy_from_slice(body.tree());
    pattern.share_values(l, 1);
    pattern
}

fn and(l: State) -> c_int {
    wrap(l, Node::new(Tag::And));
    1
}

fn not(l: State) -> c_int {
    wrap(l, Node::new(Tag::Not));
    1
}

/// `false * x` is `false`; `true` is the unit. (`x * false` is not `false`: `x` may call functions.)
fn seq(l: State) -> c_int {
    let (a, b) = (Pattern::coerce(l, 1), Pattern::coerce(l, 2));
    let (first, last) = (a.tree()[0].tag(), b.tree()[0].tag());
    if first == Tag::False || last == Tag::True {
        l.push_value(1);
    } else if first == Tag::True {
        l.push_value(2);
    } else {
        join(l, Tag::Seq, a, b);
    }
    1
}

/// The choice between two sets is their union; nothing comes after what never fails; `false` is the unit.
fn choice(l: State) -> c_int {
    let (a, b) = (Pattern::coerce(l, 1), Pattern::coerce(l, 2));
    if let (Some(x), Some(y)) = (as_charset(a.tree(), 0), as_charset(b.tree(), 0)) {
        Pattern::push_charset(l, x.union(y));
    } else if never_fails(a.tree(), 0) || b.tree()[0].tag() == Tag::False {
        l.push_value(1);
    } else if a.tree()[0].tag() == Tag::False {
        l.push_value(2);
    } else {
        join(l, Tag::Choice, a, b);
    }
    1
}

/// `-p2 * p1`, or for two sets their difference.
fn minus(l: State) -> c_int {
    let (a, b) = (Pattern::coerce(l, 1), Pattern::coerce(l, 2));
    if let (Some(x), Some(y)) = (as_charset(a.tree(), 0), as_charset(b.tree(), 0)) {
        Pattern::push_charset(l, x.minus(y));
        return 1;
    }
    let (n1, n2) = (a.tree().len(), b.tree().len());
    let depth = a.depth().max(b.depth() + 2);
    let mut pattern = Pattern::push_new(l, checked(l, 2 + n1 + n2), depth);
    let tree = pattern.tree_mut();
    tree[0] = Node::with_n(Tag::Seq, 2 + n2);
    tree[1] = Node::new(Tag::Not);
    tree[2..2 + n2].copy_from_slice(b.tree());
    tree[2 + n2..].copy_from_slice(a.tree());
    join_values(l, pattern, a, b, 2..2 + n2);
    1
}

/// Pushes `a op b`. If `a` is an `op` itself, `b` becomes the end of its chain, so that chains lean to the right.
fn join(l: State, op: Tag, a: Pattern, b: Pattern) {
    let (left, right) = (a.tree(), b.tree());
    let mut end = 0;
    while left[end].tag() == op {
        end = second(left, end);
    }
    let len = checked(l, 1 + left.len() + right.len());
    let depth = (a.depth() + 1).max(b.depth());
    let depth = if end > 0 { a.depth().max(b.depth()) } else { depth };
    let mut pattern = Pattern::push_new(l, len, depth);
    let tree = pattern.tree_mut();
    tree[..end].copy_from_slice(&left[..end]);
    tree[end] = Node::with_n(op, 1 + left.len() - end);
    tree[end + 1..=left.len()].copy_from_slice(&left[end..]);
    tree[left.len() + 1..].copy_from_slice(right);
    join_values(l, pattern, a, b, left.len() + 1..len);
}

/// Gives the new pattern on top of the stack the values of the patterns at 1 and 2; the tree of the latter was copied
/// to `b_at`.
fn join_values(l: State, mut pattern: Pattern, a: Pattern, b: Pattern, b_at: std::ops::Range<usize>) {
    l.get_env(1);
    l.get_env(2);
    let same = l.raw_equal(-1, -2);
    l.pop(2);
    if b.keys() == 0 || (same && a.keys() == b.keys()) {
        pattern.share_values(l, 1);
    } else if a.keys() == 0 {
        pattern.share_values(l, 2);
    } else {
        let keys = a.keys() + b.keys();
        check_key_count(l, keys);
        l.create_table(keys as c_int, 0);
        copy_values(l, 1, a.keys(), 0);
        copy_values(l, 2, b.keys(), a.keys());
        pattern.set_keys(keys);
        l.set_env(-2);
        shift_keys(&mut pattern.tree_mut()[b_at], a.keys() as u16);
    }
}

/// `p^n`: at least `n` times for `n >= 0`, else at most `-n` times.
fn power(l: State) -> c_int {
    let n = l.check_integer(2);
    let body = Pattern::coerce(l, 1);
    let (tree1, size) = (body.tree(), body.tree().len());
    let count = n.unsigned_abs();
    let total = count.checked_add(1).and_then(|c| c.checked_mul(size + 3)).unwrap_or(usize::MAX);
    checked(l, total);
    let mut pattern;
    if n >= 0 {
        if is_nullable(tree1, 0) {
            l.error(c"loop body may accept empty string");
        }
        pattern = Pattern::push_new(l, (count + 1) * (size + 1), body.depth() + 1);
        at_least(pattern.tree_mut(), tree1, count);
    } else {
        // Options nest: each one more is inside the one before.
        pattern = Pattern::push_new(
            l,
            count * (size + 3) - 1,
            body.depth().saturating_add(count as u32).saturating_add(1),
        );
        at_most(pattern.tree_mut(), tree1, count);
    }
    pattern.share_values(l, 1);
    1
}

/// `p p ... p p*`
fn at_least(tree: &mut [Node], body: &[Node], count: usize) {
    let step = body.len() + 1;
    for i in 0..count {
        tree[i * step] = Node::with_n(Tag::Seq, step);
        tree[i * step + 1..][..body.len()].copy_from_slice(body);
        lean_right(tree, i * step, (i + 1) * step);
    }
    tree[count * step] = Node::new(Tag::Rep);
    tree[count * step + 1..].copy_from_slice(body);
}

/// `(p (p ... (p / true) ... / true) / true)`
fn at_most(tree: &mut [Node], body: &[Node], count: usize) {
    let step = body.len() + 2;
    for i in 0..count {
        let left = count - i;
        let at = i * step;
        tree[at] = Node::with_n(Tag::Choice, left * (body.len() + 3) - 2);
        if left > 1 {
            tree[at + 1] = Node::with_n(Tag::Seq, body.len() + 1);
            tree[at + 2..][..body.len()].copy_from_slice(body);
            lean_right(tree, at + 1, at + step);
        } else {
            tree[at + 1..][..body.len()].copy_from_slice(body);
            lean_right(tree, at, at + 1 + body.len());
        }
    }
}

/// Turns `(a op b) op c` at `i` into `a op (b op c)` until no left child up to `end` is an `op`.
fn lean_right(tree: &mut [Node], mut i: usize, end: usize) {
    let op = tree[i].tag();
    while i < end && tree[i].tag() == op {
        let outer = tree[i].n() as usize;
        if tree[i + 1].tag() != op {
            i += outer;
            continue;
        }
        let inner = tree[i + 1].n() as usize;
        tree.copy_within(i + 2..i + 1 + inner, i + 1);
        tree[i] = Node::with_n(op, inner);
        tree[i + inner] = Node::with_n(op, outer - inner);
    }
}

fn checked(l: State, nodes: usize) -> usize {
    if nodes > MAX_NODES {
        l.error(c"pattern too big");
    }
    nodes
}

fn type_of(l: State) -> c_int {
    if Pattern::is_pattern(l, 1) {
        l.push_bytes(b"pattern");
    } else {
        l.push_nil();
    }
    1
}
