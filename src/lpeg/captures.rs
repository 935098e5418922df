//! The functions and the operator that make captures.

use std::ffi::c_int;

use mlua::ffi;

use crate::node::{Kind, Node, Tag};
use crate::ops::{lua_functions, wrap};
use crate::pattern::{Pattern, check_key_count};
use crate::state::State;

/// Numbers of `Carg(n)` and `p / n`.
const MAX_NUMBER: isize = i16::MAX as isize;

lua_functions! {
    /// `lpeg.C(p)`
    lua_simple => simple;
    /// `lpeg.Ct(p)`
    lua_table => table;
    /// `lpeg.Cs(p)`
    lua_subst => subst;
    /// `lpeg.Cg(p [, name])`
    lua_group => group;
    /// `lpeg.Cf(p, function)`
    lua_fold => fold;
    /// `lpeg.Cmt(p, function)`
    lua_match_time => match_time;
    /// `lpeg.Cp()`
    lua_position => position;
    /// `lpeg.Carg(n)`
    lua_arg => arg;
    /// `lpeg.Cb(name)`
    lua_backref => backref;
    /// `lpeg.Cc(...)`
    lua_const => constants;
    /// `p / value`
    lua_div => div;
}

fn simple(l: State) -> c_int {
    wrap(l, Node::capture(Kind::Simple, 0));
    1
}

fn table(l: State) -> c_int {
    wrap(l, Node::capture(Kind::Table, 0));
    1
}

fn subst(l: State) -> c_int {
    wrap(l, Node::capture(Kind::Subst, 0));
    1
}

/// Pushes a capture of the value at index 2 over the pattern at index 1.
fn with_value(l: State, root: impl Fn(u16) -> Node) -> c_int {
    let mut pattern = wrap(l, root(0));
    let key = pattern.inherit_and_own(l, 1, 2);
    pattern.tree_mut()[0] = root(key);
    1
}

fn group(l: State) -> c_int {
    if l.is_none_or_nil(2) {
        wrap(l, Node::capture(Kind::Group, 0));
        return 1;
    }
    name_as_string(l, 2);
    with_value(l, |key| Node::capture(Kind::Group, key))
}

/// Names of groups are strings: a number becomes one, as in LPeg 0.12. (Other values are LPeg 1.0's.)
fn name_as_string(l: State, idx: c_int) {
    if l.type_of(idx) == ffi::LUA_TNUMBER {
        l.check_bytes(idx);
    }
}

fn fold(l: State) -> c_int {
    l.check_type(2, ffi::LUA_TFUNCTION);
    with_value(l, |key| Node::capture(Kind::Fold, key))
}

fn match_time(l: State) -> c_int {
    l.check_type(2, ffi::LUA_TFUNCTION);
    with_value(l, |key| Node::new(Tag::RunTime).set_key(key))
}

/// Pushes a capture that matches the empty string.
fn push_empty(l: State, kind: Kind, key: u16) -> Pattern {
    let mut pattern = Pattern::push_new(l, 2, 2);
    pattern.tree_mut()[0] = Node::capture(kind, key);
    pattern
}

fn position(l: State) -> c_int {
    push_empty(l, Kind::Position, 0);
    1
}

fn arg(l: State) -> c_int {
    let n = l.check_integer(1);
    l.arg_check((1..=MAX_NUMBER).contains(&n), 1, c"invalid argument index");
    push_empty(l, Kind::Arg, n as u16);
    1
}

fn backref(l: State) -> c_int {
    if l.type_of(1) <= ffi::LUA_TNIL {
        l.check_bytes(1);
    }
    name_as_string(l, 1);
    let mut pattern = push_empty(l, Kind::Backref, 0);
    let key = pattern.own_value(l, 1);
    pattern.tree_mut()[0] = Node::capture(Kind::Backref, key);
    1
}

/// `Cc(...)`: one constant, or a group of several.
fn constants(l: State) -> c_int {
    let count = l.top();
    if count == 0 {
        Pattern::push_leaf(l, Node::new(Tag::True));
        return 1;
    }
    let values = count as usize;
    let nodes = if count == 1 { 2 } else { 3 * values };
    let mut pattern = Pattern::push_new(l, nodes, 4);
    check_key_count(l, count as u32);
    l.create_table(count, 0);
    let tree = pattern.tree_mut();
    let mut at = 0;
    if count > 1 {
        tree[0] = Node::capture(Kind::Group, 0);
        at = 1;
    }
    let mut keys = 0;
    for i in 1..=count {
        let mut key = 0;
        if l.type_of(i) != ffi::LUA_TNIL {
            keys += 1;
            key = keys;
            l.push_value(i);
            l.raw_set_at(-2, c_int::from(key));
        }
        if i < count {
            tree[at] = Node::with_n(Tag::Seq, 3);
            at += 1;
        }
        tree[at] = Node::capture(Kind::Const, key);
        at += 2;
    }
    pattern.set_keys(u32::from(keys));
    l.set_env(-2);
    1
}

fn div(l: State) -> c_int {
    let kind = match l.type_of(2) {
        ffi::LUA_TFUNCTION => Kind::Function,
        ffi::LUA_TTABLE => Kind::Query,
        ffi::LUA_TSTRING => Kind::Text,
        ffi::LUA_TNUMBER => {
            let n = l.to_integer(2);
            l.arg_check((0..=MAX_NUMBER).contains(&n), 1, c"invalid number");
            wrap(l, Node::capture(Kind::Num, n as u16));
            return 1;
        }
        _ => {
            l.arg_check(false, 2, c"invalid replacement value");
            return 0;
        }
    };
    with_value(l, |key| Node::capture(kind, key))
}
