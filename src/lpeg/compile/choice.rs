//! Code for choices, repetitions and predicates.
//!
//! A choice point is pushed only where the next byte cannot decide: if one alternative can be ruled out by its first
//! set, a test replaces it.

use crate::analysis::{fails_by_head, first, fixed_len, has_captures};
use crate::charset::Charset;
use crate::node::{Tag, as_charset, second};
use crate::program::{Inst, Op};

use super::{Compiler, Guard};

impl Compiler<'_> {
    /// `p1 + p2 + ...`, at `i`. Chains may be long, so this walks along them.
    pub(super) fn choice(&mut self, mut i: usize, optional: bool, mut guard: Guard, follow: Charset) {
        let mut leave = Vec::new();
        while self.tree[i].tag() == Tag::Choice {
            let (p1, p2) = (i + 1, second(self.tree, i));
            let p2_empty = self.tree[p2].tag() == Tag::True;
            let first1 = first(self.tree, p1, Charset::FULL);
            let by_head = fails_by_head(self.tree, p1);
            let disjoint = || first1.set.is_disjoint(first(self.tree, p2, follow).set);
            if by_head || (first1.is_testable() && disjoint()) {
                // test -> L1; p1; jump L2; L1: p2; L2:
                let test = self.test(&first1, guard);
                self.generate(p1, false, narrowed(test, &first1.set, guard), follow);
                if !p2_empty {
                    leave.push(self.emit_at(Inst::new(Op::Jump)));
                }
                self.land_all(test);
            } else if optional && p2_empty {
                // The choice on the stack leads to where this one would.
                self.partial_commit_next();
                self.generate(p1, true, None, Charset::FULL);
            } else {
                // test -> L1; choice L1; p1; commit L2; L1: p2; L2:
                let test = self.test(&first1, guard);
                let choice = self.emit_at(Inst::new(Op::Choice));
                self.generate(p1, p2_empty, narrowed(test, &first1.set, guard), Charset::FULL);
                leave.push(self.emit_at(Inst::new(Op::Commit)));
                self.land(choice);
                self.land_all(test);
            }
            (i, guard) = (p2, None);
        }
        self.generate(i, optional, None, follow);
        leave.into_iter().for_each(|at| self.land(at));
    }

    /// Zero or more of the pattern at `body`.
    pub(super) fn repetition(&mut self, body: usize, optional: bool, follow: Charset) {
        if let Some(set) = as_charset(self.tree, body) {
            let set = self.set(set);
            return self.emit(Inst { key: set, ..Inst::new(Op::Span) });
        }
        let head = first(self.tree, body, Charset::FULL);
        if fails_by_head(self.tree, body) || (head.is_testable() && head.set.is_disjoint(follow)) {
            // L1: test -> L2; p; jump L1; L2:
            let test = self.test_set(head.set);
            self.generate(body, false, Some(head.set), Charset::FULL);
            self.emit(Inst { a: test as u32, ..Inst::new(Op::Jump) });
            return self.land(test);
        }
        // test -> L2; choice L2; L1: p; partial commit L1; L2:
        let test = self.test(&head, None);
        let choice = if optional {
            self.partial_commit_next();
            None
        } else {
            Some(self.emit_at(Inst::new(Op::Choice)))
        };
        let again = self.code.len();
        self.skip_to_stop(body);
        self.generate(body, false, None, Charset::FULL);
        self.emit(Inst { a: again as u32, ..Inst::new(Op::PartialCommit) });
        self.land_all(choice);
        self.land_all(test);
    }

    /// In `(1 - p)^0` the bytes that `p` cannot start with need no trial: run over them first.
    fn skip_to_stop(&mut self, body: usize) {
        if self.tree[body].tag() != Tag::Seq || self.tree[body + 1].tag() != Tag::Not {
            return;
        }
        let consumer = second(self.tree, body);
        let stop = first(self.tree, body + 2, Charset::FULL);
        if stop.is_testable()
            && !self.is_nullable(body + 2)
            && let Some(any) = as_charset(self.tree, consumer)
        {
            let run = any.minus(stop.set);
            if run != Charset::EMPTY {
                let set = self.set(run);
                self.emit(Inst { key: set, ..Inst::new(Op::Span) });
                self.partial_commit_next();
            }
        }
    }

    /// `-p`, with `p` at `body`.
    pub(super) fn not(&mut self, body: usize, guard: Guard) {
        let head = first(self.tree, body, Charset::FULL);
        let test = self.test(&head, guard);
        if fails_by_head(self.tree, body) {
            self.emit(Inst::new(Op::Fail));
        } else {
            let choice = self.emit_at(Inst::new(Op::Choice));
            self.generate(body, false, narrowed(test, &head.set, guard), Charset::FULL);
            self.emit(Inst::new(Op::FailTwice));
            self.land(choice);
        }
        self.land_all(test);
    }

    /// `#p`, with `p` at `body`.
    pub(super) fn and(&mut self, body: usize, guard: Guard) {
        match fixed_len(self.tree, body) {
            Some(len) if !has_captures(self.tree, body) => {
                self.generate(body, false, guard, Charset::FULL);
                if len > 0 {
                    self.emit(Inst { a: len as u32, ..Inst::new(Op::Behind) });
                }
            }
            _ => {
                let choice = self.emit_at(Inst::new(Op::Choice));
                self.generate(body, false, guard, Charset::FULL);
                let commit = self.emit_at(Inst::new(Op::BackCommit));
                self.land(choice);
                self.emit(Inst::new(Op::Fail));
                self.land(commit);
            }
        }
    }

    fn partial_commit_next(&mut self) {
        let at = self.emit_at(Inst::new(Op::PartialCommit));
        self.land(at);
    }
}

/// What is known behind a test that was emitted, or else what was known before.
fn narrowed(test: Option<usize>, set: &Charset, guard: Guard) -> Guard {
    if test.is_some() { Some(*set) } else { guard }
}
