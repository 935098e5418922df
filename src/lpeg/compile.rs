//! From tree to code.

mod choice;
mod link;

use crate::analysis::{First, first, fixed_len, has_captures, is_nullable, needs_follow};
use crate::charset::Charset;
use crate::node::{Kind, Node, Tag, as_charset, second};
use crate::program::{Inst, Op, SetInfo};

/// Sets and literal lengths are 16-bit operands.
const MAX_OPERAND: usize = u16::MAX as usize;

/// A pattern needs more sets than an instruction can name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooBig;

/// Lua functions that the machine can do the work of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builtin {
    /// `tonumber`
    ToNumber,
    /// `rawset`
    RawSet,
}

/// Code under construction.
pub(crate) struct Compiler<'a> {
    tree: &'a [Node],
    builtin: &'a dyn Fn(u16) -> Option<Builtin>,
    /// The instructions.
    pub(crate) code: Vec<Inst>,
    /// The sets they name.
    pub(crate) sets: Vec<SetInfo>,
    /// The bytes of their literals.
    pub(crate) literals: Vec<u8>,
    /// Number of table captures.
    pub(crate) tables: usize,
    too_big: bool,
}

/// What is known when a piece of code starts: the next byte exists and is in this set.
type Guard = Option<Charset>;

/// Compiles a tree without open calls. `builtin` tells whether a value of the pattern is a function that needs no call.
pub(crate) fn compile<'a>(
    tree: &'a [Node],
    builtin: &'a dyn Fn(u16) -> Option<Builtin>,
) -> Result<Compiler<'a>, TooBig> {
    let (code, sets, literals) = (Vec::new(), Vec::new(), Vec::new());
    let mut c = Compiler { tree, builtin, code, sets, literals, tables: 0, too_big: false };
    c.generate(0, false, None, Charset::FULL);
    c.emit(Inst::new(Op::End));
    c.emit(Inst::new(Op::GiveUp));
    link::thread_jumps(&mut c.code);
    if c.too_big { Err(TooBig) } else { Ok(c) }
}

impl Compiler<'_> {
    /// Generates the pattern at `i`. `optional`: a choice to what follows is on the stack already and may be reused.
    /// `follow`: the first set of what follows.
    fn generate(&mut self, mut i: usize, optional: bool, mut guard: Guard, follow: Charset) {
        while self.tree[i].tag() == Tag::Seq {
            if let Some(rest) = self.literal(i) {
                guard = None;
                match rest {
                    Some(rest) => i = rest,
                    None => return,
                }
                continue;
            }
            let rest = second(self.tree, i);
            let next = if needs_follow(self.tree, i + 1) {
                first(self.tree, rest, follow).set
            } else {
                Charset::FULL
            };
            self.generate(i + 1, false, guard, next);
            if fixed_len(self.tree, i + 1) != Some(0) {
                guard = None;
            }
            i = rest;
        }
        match self.tree[i].tag() {
            Tag::Char | Tag::Set | Tag::Any => {
                self.one_of(as_charset(self.tree, i).unwrap_or(Charset::FULL), guard);
            }
            Tag::True => {}
            Tag::False => self.emit(Inst::new(Op::Fail)),
            Tag::Choice => self.choice(i, optional, guard, follow),
            Tag::Rep => self.repetition(i + 1, optional, follow),
            Tag::Not => self.not(i + 1, guard),
            Tag::And => self.and(i + 1, guard),
            Tag::Behind => {
                if self.tree[i].n() > 0 {
                    self.emit(Inst { a: self.tree[i].n() as u32, ..Inst::new(Op::Behind) });
                }
                self.generate(i + 1, false, None, Charset::FULL);
            }
            Tag::Capture => self.capture(i, guard, follow),
            Tag::RunTime => {
                self.emit(Inst::capture(Op::Open, Kind::Group, self.tree[i].key(), 0));
                self.generate(self.without_simple(i + 1), false, guard, Charset::FULL);
                self.emit(Inst::new(Op::CloseRunTime));
            }
            Tag::Grammar => self.grammar(i),
            // Marked by the callee's place in the tree; `grammar` puts in the address.
            Tag::Call => {
                let callee = crate::node::callee(self.tree, i) as u32;
                self.emit(Inst { a: callee, b: link::UNRESOLVED, ..Inst::new(Op::Call) });
            }
            Tag::Seq | Tag::OpenCall | Tag::Rule => self.emit(Inst::new(Op::Fail)),
        }
    }

    /// Two or more plain bytes in a row from the sequence at `i`: `Some(rest)` if there were, with what comes after.
    fn literal(&mut self, mut i: usize) -> Option<Option<usize>> {
        let start = self.literals.len();
        let rest = loop {
            let node = self.tree[i];
            match node.tag() {
                Tag::Char => {
                    self.literals.push(node.n() as u8);
                    break None;
                }
                Tag::Seq
                    if self.tree[i + 1].tag() == Tag::Char && self.literals.len() - start < MAX_OPERAND =>
                {
                    self.literals.push(self.tree[i + 1].n() as u8);
                    i = second(self.tree, i);
                }
                _ => break Some(i),
            }
        };
        let len = self.literals.len() - start;
        if !(2..=MAX_OPERAND).contains(&len) {
            self.literals.truncate(start);
            return None;
        }
        self.emit(Inst { key: len as u16, a: start as u32, ..Inst::new(Op::Literal) });
        Some(rest)
    }

    fn one_of(&mut self, set: Charset, guard: Guard) {
        let inst = match (guard, set.len()) {
            (Some(known), _) if known.is_subset(set) => Inst::new(Op::Skip),
            (_, 0) => Inst::new(Op::Fail),
            (_, 1) => Inst { b: set.bytes().next().unwrap_or(0), ..Inst::new(Op::Char) },
            (_, 256) => Inst::new(Op::Any),
            _ => Inst { key: self.set(set), ..Inst::new(Op::Set) },
        };
        self.emit(inst);
    }

    /// Emits a jump that is taken where the pattern with that first set must fail; `None` if no test can tell.
    fn test(&mut self, first: &First, guard: Guard) -> Option<usize> {
        if !first.is_testable() || guard.is_some_and(|known| known.is_subset(first.set)) {
            return None;
        }
        Some(self.test_set(first.set))
    }

    fn test_set(&mut self, set: Charset) -> usize {
        let inst = match set.len() {
            0 => Inst::new(Op::Jump),
            1 => Inst { b: set.bytes().next().unwrap_or(0), ..Inst::new(Op::TestChar) },
            256 => Inst::new(Op::TestAny),
            _ => Inst { key: self.set(set), ..Inst::new(Op::TestSet) },
        };
        self.emit(inst);
        self.code.len() - 1
    }

    /// A simple capture that holds all of the pattern at `i` adds nothing to captures that take the whole match when
    /// there is no other value: its body will do.
    fn without_simple(&self, i: usize) -> usize {
        let node = self.tree[i];
        let simple = node.tag() == Tag::Capture && node.kind() == Kind::Simple;
        if simple && !has_captures(self.tree, i + 1) { i + 1 } else { i }
    }

    fn capture(&mut self, i: usize, guard: Guard, follow: Charset) {
        let node = self.tree[i];
        let mut key = node.key();
        let kind = match (node.kind(), (self.builtin)(key)) {
            (Kind::Function, Some(Builtin::ToNumber)) => Kind::ToNumber,
            (Kind::Fold, Some(Builtin::RawSet)) => Kind::FoldRawset,
            (kind, _) => kind,
        };
        if kind == Kind::Table {
            self.tables += 1;
            key = self.tables.try_into().unwrap_or(0);
        }
        let body = match kind {
            Kind::Group | Kind::Function | Kind::ToNumber | Kind::Query => self.without_simple(i + 1),
            _ => i + 1,
        };
        let plain = !has_captures(self.tree, body);
        if let (Some(len), true) = (fixed_len(self.tree, body), plain) {
            self.generate(body, false, guard, follow);
            self.emit(Inst::capture(Op::Full, kind, key, len as u32));
        } else if let Some((op, set)) = self.span(body) {
            let set = self.set(set);
            self.emit(Inst::capture(op, kind, key, u32::from(set)));
        } else {
            self.emit(Inst::capture(Op::Open, kind, key, 0));
            self.generate(body, false, guard, follow);
            self.emit(Inst::new(Op::Close));
        }
    }

    /// Whether the pattern is a span of one set, and of how many bytes at least.
    fn span(&self, i: usize) -> Option<(Op, Charset)> {
        if self.tree[i].tag() == Tag::Rep {
            return Some((Op::CaptureSpan, as_charset(self.tree, i + 1)?));
        }
        let rest = (self.tree[i].tag() == Tag::Seq).then(|| second(self.tree, i))?;
        let head = as_charset(self.tree, i + 1)?;
        let tail = (self.tree[rest].tag() == Tag::Rep).then(|| as_charset(self.tree, rest + 1))??;
        (head == tail).then_some((Op::CaptureSpan1, head))
    }

    fn grammar(&mut self, i: usize) {
        let call = self.emit_at(Inst::new(Op::Call));
        let leave = self.emit_at(Inst::new(Op::Jump));
        self.land(call);
        let start = self.code.len();
        let mut places = Vec::new();
        let mut rule = i + 1;
        while self.tree[rule].tag() == Tag::Rule {
            places.push((rule as u32, self.code.len() as u32));
            self.generate(rule + 1, false, None, Charset::FULL);
            self.emit(Inst::new(Op::Ret));
            rule = second(self.tree, rule);
        }
        self.land(leave);
        link::resolve_calls(&mut self.code, start, &places);
    }

    /// The number of a set, which is added if it is new.
    fn set(&mut self, set: Charset) -> u16 {
        let at = self.sets.iter().position(|s| s.set == set).unwrap_or_else(|| {
            self.sets.push(SetInfo::new(set));
            self.sets.len() - 1
        });
        self.too_big |= at > MAX_OPERAND;
        at as u16
    }

    fn emit(&mut self, inst: Inst) {
        self.code.push(inst);
    }

    fn emit_at(&mut self, inst: Inst) -> usize {
        self.code.push(inst);
        self.code.len() - 1
    }

    /// Makes the jump at `at` lead to the next instruction.
    fn land(&mut self, at: usize) {
        self.code[at].a = self.code.len() as u32;
    }

    fn land_all(&mut self, at: Option<usize>) {
        if let Some(at) = at {
            self.land(at);
        }
    }

    fn is_nullable(&self, i: usize) -> bool {
        is_nullable(self.tree, i)
    }
}
