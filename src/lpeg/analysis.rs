//! What can be said of a pattern without running it. All answers are conservative.

use crate::charset::Charset;
use crate::node::{Node, Tag, as_charset, callee, second};

/// Calls followed before an answer is given up: grammars may recurse, and rules that call others twice or more are looked
/// into again and again.
const MAX_CALLS: u32 = 1000;
/// The same for whether a pattern may match without consuming, which decides whether a grammar is refused.
const MAX_NULLABLE_CALLS: u32 = 100_000;

/// Whether the pattern can match without consuming anything. Open calls count as "no"; that is checked again once the
/// grammar is complete.
pub(crate) fn is_nullable(tree: &[Node], i: usize) -> bool {
    passes_empty(tree, i, false, &mut { MAX_NULLABLE_CALLS }).unwrap_or(true)
}

/// Whether the pattern never fails.
pub(crate) fn never_fails(tree: &[Node], i: usize) -> bool {
    passes_empty(tree, i, true, &mut { MAX_CALLS }).unwrap_or(false)
}

/// `None` if there were too many calls to follow.
fn passes_empty(tree: &[Node], mut i: usize, surely: bool, calls: &mut u32) -> Option<bool> {
    loop {
        match tree[i].tag() {
            Tag::Char | Tag::Set | Tag::Any | Tag::False | Tag::OpenCall => return Some(false),
            Tag::Rep | Tag::True => return Some(true),
            Tag::Not | Tag::Behind => return Some(!surely),
            Tag::And if !surely => return Some(true),
            Tag::RunTime if surely => return Some(false),
            Tag::And | Tag::RunTime | Tag::Capture | Tag::Grammar | Tag::Rule => i += 1,
            Tag::Call => {
                *calls = calls.checked_sub(1)?;
                i = callee(tree, i);
            }
            Tag::Seq => {
                if !passes_empty(tree, i + 1, surely, calls)? {
                    return Some(false);
                }
                i = second(tree, i);
            }
            Tag::Choice => {
                if passes_empty(tree, i + 1, surely, calls)? {
                    return Some(true);
                }
                i = second(tree, i);
            }
        }
    }
}

/// Number of bytes that every match of the pattern has, if it is the same for all.
pub(crate) fn fixed_len(tree: &[Node], i: usize) -> Option<usize> {
    let mut calls = MAX_CALLS;
    fixed_len_within(tree, i, &mut calls)
}

fn fixed_len_within(tree: &[Node], mut i: usize, calls: &mut u32) -> Option<usize> {
    // Bytes in front of `i`, and what the alternatives so far add up to.
    let (mut len, mut agreed) = (0, None);
    loop {
        let total = match tree[i].tag() {
            Tag::Char | Tag::Set | Tag::Any => len + 1,
            Tag::False | Tag::True | Tag::Not | Tag::And | Tag::Behind => len,
            Tag::Rep | Tag::RunTime | Tag::OpenCall => return None,
            Tag::Capture | Tag::Rule | Tag::Grammar => {
                i += 1;
                continue;
            }
            Tag::Call => {
                *calls = calls.checked_sub(1)?;
                i = callee(tree, i);
                continue;
            }
            Tag::Seq => {
                len += fixed_len_within(tree, i + 1, calls)?;
                i = second(tree, i);
                continue;
            }
            Tag::Choice => {
                let this = len + fixed_len_within(tree, i + 1, calls)?;
                if agreed.replace(this).is_some_and(|others| others != this) {
                    return None;
                }
                i = second(tree, i);
                continue;
            }
        };
        return agreed.is_none_or(|others| others == total).then_some(total);
    }
}

/// Whether a match of the pattern can produce captures.
pub(crate) fn has_captures(tree: &[Node], i: usize) -> bool {
    has_captures_outside(tree, i, &mut Vec::new())
}

/// As `has_captures`; rules that have been looked into already are not looked into again.
fn has_captures_outside(tree: &[Node], mut i: usize, seen: &mut Vec<usize>) -> bool {
    loop {
        match tree[i].tag() {
            Tag::Capture | Tag::RunTime => return true,
            Tag::Char | Tag::Set | Tag::Any | Tag::True | Tag::False | Tag::OpenCall => return false,
            Tag::Rep | Tag::Not | Tag::And | Tag::Behind | Tag::Grammar | Tag::Rule => i += 1,
            Tag::Call => {
                i = callee(tree, i);
                if seen.contains(&i) {
                    return false;
                }
                seen.push(i);
            }
            Tag::Seq | Tag::Choice => {
                if has_captures_outside(tree, i + 1, seen) {
                    return true;
                }
                i = second(tree, i);
            }
        }
    }
}

/// The bytes that a match can start with.
#[derive(Clone, Copy)]
pub(crate) struct First {
    /// At a byte outside this set (followed by anything) the pattern fails.
    pub(crate) set: Charset,
    /// The pattern may succeed at the end of the subject, so no test on the next byte can stand for it.
    pub(crate) empty: bool,
    /// A match-time capture runs before the pattern can tell, so the pattern must not be skipped.
    pub(crate) runs: bool,
}

impl First {
    fn of(set: Charset) -> Self {
        Self { set, empty: false, runs: false }
    }

    fn open(set: Charset) -> Self {
        Self { set, empty: true, runs: false }
    }

    /// Of a choice.
    fn or(self, other: Self) -> Self {
        Self { set: self.set.union(other.set), empty: self.empty | other.empty, runs: self.runs | other.runs }
    }

    /// Whether a test on the next byte may stand in front of the pattern.
    pub(crate) fn is_testable(&self) -> bool {
        !self.empty && !self.runs
    }
}

/// The first set of a pattern that `follow` comes after.
pub(crate) fn first(tree: &[Node], i: usize, follow: Charset) -> First {
    // A match-time capture may lie behind what was not looked at.
    let unknown = First { set: Charset::FULL, empty: true, runs: true };
    first_within(tree, i, follow, &mut { MAX_CALLS }).unwrap_or(unknown)
}

/// `first`, or `None` if there were too many calls to follow.
fn first_within(tree: &[Node], mut i: usize, follow: Charset, calls: &mut u32) -> Option<First> {
    let mut sum = First::of(Charset::EMPTY);
    while tree[i].tag() == Tag::Choice {
        sum = sum.or(first_of_one(tree, i + 1, follow, calls)?);
        i = second(tree, i);
    }
    Some(sum.or(first_of_one(tree, i, follow, calls)?))
}

/// `first`, where chains of choices have been taken apart.
fn first_of_one(tree: &[Node], mut i: usize, mut follow: Charset, calls: &mut u32) -> Option<First> {
    loop {
        match tree[i].tag() {
            Tag::Char | Tag::Set | Tag::Any => {
                return Some(First::of(as_charset(tree, i).unwrap_or(Charset::FULL)));
            }
            Tag::True => return Some(First::open(follow)),
            Tag::False => return Some(First::of(Charset::EMPTY)),
            Tag::Capture | Tag::Grammar | Tag::Rule => i += 1,
            Tag::Call => {
                *calls = calls.checked_sub(1)?;
                i = callee(tree, i);
            }
            Tag::OpenCall => return Some(First::open(Charset::FULL)),
            Tag::Choice => return first_within(tree, i, follow, calls),
            Tag::Rep => {
                let body = first_within(tree, i + 1, follow, calls)?;
                return Some(First::open(body.set.union(follow)));
            }
            Tag::RunTime => {
                let body = first_within(tree, i + 1, Charset::FULL, calls)?;
                return Some(First { set: body.set, empty: false, runs: !body.is_testable() });
            }
            Tag::And => {
                let body = first_within(tree, i + 1, follow, calls)?;
                return Some(First { set: body.set.intersection(follow), ..body });
            }
            Tag::Not | Tag::Behind => {
                if let (Tag::Not, Some(set)) = (tree[i].tag(), as_charset(tree, i + 1)) {
                    return Some(First::open(set.complement()));
                }
                let body = first_within(tree, i + 1, follow, calls)?;
                return Some(First { set: follow, empty: true, runs: body.runs });
            }
            Tag::Seq => {
                if passes_empty(tree, i + 1, false, calls)? {
                    return first_of_nullable_seq(tree, i, follow, calls);
                }
                follow = Charset::FULL;
                i += 1;
            }
        }
    }
}

fn first_of_nullable_seq(tree: &[Node], i: usize, follow: Charset, calls: &mut u32) -> Option<First> {
    let b = first_within(tree, second(tree, i), follow, calls)?;
    let a = first_within(tree, i + 1, b.set, calls)?;
    Some(if a.is_testable() {
        a
    } else if a.runs || b.runs {
        First { set: a.set, empty: false, runs: true }
    } else {
        First { set: a.set, ..b }
    })
}

/// Whether the next byte alone decides if the pattern fails.
pub(crate) fn fails_by_head(tree: &[Node], i: usize) -> bool {
    fails_by_head_within(tree, i, &mut { MAX_CALLS }).unwrap_or(false)
}

fn fails_by_head_within(tree: &[Node], mut i: usize, calls: &mut u32) -> Option<bool> {
    loop {
        match tree[i].tag() {
            Tag::Char | Tag::Set | Tag::Any | Tag::False => return Some(true),
            Tag::True | Tag::Rep | Tag::RunTime | Tag::Not | Tag::Behind | Tag::OpenCall => {
                return Some(false);
            }
            Tag::Capture | Tag::Grammar | Tag::Rule | Tag::And => i += 1,
            Tag::Call => {
                *calls = calls.checked_sub(1)?;
                i = callee(tree, i);
            }
            Tag::Seq => {
                if !passes_empty(tree, second(tree, i), true, calls)? {
                    return Some(false);
                }
                i += 1;
            }
            Tag::Choice => {
                if !fails_by_head_within(tree, i + 1, calls)? {
                    return Some(false);
                }
                i = second(tree, i);
            }
        }
    }
}

/// Whether the code of a pattern depends on what follows it.
pub(crate) fn needs_follow(tree: &[Node], mut i: usize) -> bool {
    loop {
        match tree[i].tag() {
            Tag::Choice | Tag::Rep => return true,
            Tag::Capture => i += 1,
            Tag::Seq => i = second(tree, i),
            _ => return false,
        }
    }
}
