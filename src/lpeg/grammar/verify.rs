//! Rejects grammars that could run forever.

use std::ffi::c_int;

use crate::analysis::is_nullable;
use crate::node::{Node, Tag, callee, second};
use crate::state::State;

use super::MAX_RULES;

/// The keys of the rules that a chain of left calls went through.
struct Path {
    keys: [u16; MAX_RULES],
    len: usize,
    /// Calls that may still be followed: rules that call others twice or more are walked through again and again.
    calls: u32,
}

const MAX_CALLS: u32 = 1_000_000;

/// Why a grammar is rejected: the key of a rule that is left recursive, or none if the chain was only too long.
struct Rejected(Option<u16>);

/// Checks the grammar that is `tree`, raising an error for a rule that may call itself without consuming anything or
/// that repeats an empty match. The environment is on top of the stack.
pub(super) fn check(l: State, tree: &[Node]) {
    for_used_rules(tree, |rule| {
        if let Err(Rejected(key)) =
            walk(tree, rule + 1, &mut Path { keys: [0; MAX_RULES], len: 0, calls: MAX_CALLS }, false)
        {
            match key {
                Some(key) => raise(l, c"rule '%s' may be left recursive", key),
                None => l.error(c"too many left calls in grammar"),
            }
        }
    });
    for_used_rules(tree, |rule| {
        if has_empty_loop(tree, rule + 1) {
            raise(l, c"empty loop in rule '%s'", tree[rule].key());
        }
    });
}

fn raise(l: State, format: &std::ffi::CStr, key: u16) -> ! {
    l.raw_get_at(-1, c_int::from(key));
    l.error_text(format, l.printable(-1))
}

fn for_used_rules(tree: &[Node], check: impl Fn(usize)) {
    let mut rule = 1;
    while tree[rule].tag() == Tag::Rule {
        if tree[rule].key() != 0 {
            check(rule);
        }
        rule = second(tree, rule);
    }
}

/// Follows everything that can be reached without consuming. Returns whether the pattern can match the empty string,
/// or `nullable` where it does not say.
fn walk(tree: &[Node], mut i: usize, path: &mut Path, mut nullable: bool) -> Result<bool, Rejected> {
    let entered = path.len;
    let result = loop {
        match tree[i].tag() {
            Tag::Char | Tag::Set | Tag::Any | Tag::False | Tag::OpenCall => break nullable,
            Tag::True | Tag::Behind => break true,
            Tag::Not | Tag::And | Tag::Rep => {
                nullable = true;
                i += 1;
            }
            Tag::Capture | Tag::RunTime => i += 1,
            Tag::Call => {
                path.calls = path.calls.checked_sub(1).ok_or(Rejected(None))?;
                i = callee(tree, i);
            }
            Tag::Seq => {
                if !walk(tree, i + 1, path, false)? {
                    break nullable;
                }
                i = second(tree, i);
            }
            Tag::Choice => {
                nullable = walk(tree, i + 1, path, nullable)?;
                i = second(tree, i);
            }
            Tag::Rule => {
                if path.len >= MAX_RULES {
                    return Err(reject(path));
                }
                path.keys[path.len] = tree[i].key();
                path.len += 1;
                i += 1;
            }
            // Inside of a predicate or a repetition the answer is known already.
            Tag::Grammar => break nullable || is_nullable(tree, i),
        }
    };
    path.len = entered;
    Ok(result)
}

fn reject(path: &Path) -> Rejected {
    let keys = &path.keys[..path.len];
    let repeated = (0..keys.len()).rev().find(|&i| keys[..i].contains(&keys[i]));
    Rejected(repeated.map(|i| keys[i]))
}

fn has_empty_loop(tree: &[Node], mut i: usize) -> bool {
    loop {
        match tree[i].tag() {
            Tag::Rep if is_nullable(tree, i + 1) => return true,
            Tag::Rep | Tag::Not | Tag::And | Tag::Behind | Tag::Capture | Tag::RunTime => i += 1,
            Tag::Seq | Tag::Choice => {
                if has_empty_loop(tree, i + 1) {
                    return true;
                }
                i = second(tree, i);
            }
            _ => return false,
        }
    }
}
