//! The tree of a parsed pattern.

use super::RegexError;

/// Go's limit of nesting.
const MAX_HEIGHT: u32 = 1000;
/// Go's limit of the compiled size, in instructions.
const MAX_SIZE: u64 = (128 << 20) / 40;
/// Go's limit of a counted repetition, nested ones multiplied.
pub(super) const MAX_REPEAT: u32 = 1000;

/// A part of a pattern with what is known of the whole below it.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Levels of nodes, this one included.
    height: u32,
    /// Instructions in Go's compiled form, about.
    size: u64,
    /// Product of the counts of nested counted repetitions.
    repeats: u32,
    /// Whether U+FFFD can be part of a match.
    pub(super) sees_invalid: bool,
}

/// What a node matches.
#[derive(Debug)]
pub(super) enum Kind {
    Empty,
    /// Nothing at all, such as a surrogate.
    Never,
    /// A character; with `fold` in any letter case.
    Literal {
        literal: char,
        fold: bool,
    },
    /// A class as the `regex` crate reads it, brackets and flags included.
    Class(String),
    /// Any character; a newline only if so.
    Any {
        newline: bool,
    },
    Look(Look),
    Capture(Box<Node>),
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat(Box<Node>, Repeat),
}

/// An empty-width test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    BeginText,
    EndText,
    BeginLine,
    EndLine,
    WordBoundary,
    NoWordBoundary,
}

/// A repetition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Repeat {
    pub(super) min: u32,
    /// `None`: any number.
    pub(super) max: Option<u32>,
    pub(super) greedy: bool,
    /// Written with braces.
    pub(super) counted: bool,
}

impl Node {
    pub(super) fn leaf(kind: Kind, sees_invalid: bool) -> Node {
        Node { kind, height: 1, size: 1, repeats: 1, sees_invalid }
    }

    pub(super) fn capture(node: Node, pattern: &str) -> Result<Node, RegexError> {
        let Node { height, size, repeats, sees_invalid, .. } = node;
        let kind = Kind::Capture(Box::new(node));
        Node { kind, height: height + 1, size: size + 2, repeats, sees_invalid }.check(pattern)
    }

    pub(super) fn concat(nodes: Vec<Node>, pattern: &str) -> Result<Node, RegexError> {
        Node::list(nodes, Kind::Concat, 0, pattern)
    }

    pub(super) fn alternate(nodes: Vec<Node>, pattern: &str) -> Result<Node, RegexError> {
        let bars = nodes.len().saturating_sub(1) as u64;
        Node::list(nodes, Kind::Alternate, bars, pattern)
    }

    fn list(
        mut nodes: Vec<Node>,
        kind: impl Fn(Vec<Node>) -> Kind,
        extra: u64,
        pattern: &str,
    ) -> Result<Node, RegexError> {
        match nodes.len() {
            0 => return Ok(Node::leaf(Kind::Empty, false)),
            1 => return Ok(nodes.remove(0)),
            _ => {}
        }
        // A run of plain characters is one node in Go.
        let height = nodes.iter().map(|node| node.height).max().unwrap_or(0) + 1;
        let size = nodes.iter().map(|node| node.size).sum::<u64>() + extra;
        let repeats = nodes.iter().map(|node| node.repeats).max().unwrap_or(1);
        let sees_invalid = nodes.iter().any(|node| node.sees_invalid);
        Node { kind: kind(nodes), height, size, repeats, sees_invalid }.check(pattern)
    }

    /// Repeats a node; `None` when nested counts multiply to more than [`MAX_REPEAT`].
    pub(super) fn repeat(node: Node, repeat: Repeat, pattern: &str) -> Result<Option<Node>, RegexError> {
        let Node { height, size, repeats, sees_invalid, .. } = node;
        let Repeat { min, max, counted, .. } = repeat;
        let count = max.unwrap_or(min);
        let repeats = match (counted, max) {
            (true, Some(0)) => 1,
            (true, _) => repeats.saturating_mul(count.max(1)),
            (false, _) => repeats,
        };
        let size = match (min, max) {
            (0, None) => 2 + size,
            (min, None) => 1 + u64::from(min) * size,
            (min, Some(max)) => (u64::from(max) * size + u64::from(max - min)).max(1),
        };
        let kind = Kind::Repeat(Box::new(node), repeat);
        let node = Node { kind, height: height + 1, size, repeats, sees_invalid }.check(pattern)?;
        Ok(Some(node).filter(|_| !counted || count < 2 || repeats <= MAX_REPEAT))
    }

    fn check(self, pattern: &str) -> Result<Node, RegexError> {
        if self.size > MAX_SIZE {
            return Err(RegexError::new("expression too large", pattern));
        }
        if self.height > MAX_HEIGHT {
            return Err(RegexError::new("expression nests too deeply", pattern));
        }
        Ok(self)
    }
}
