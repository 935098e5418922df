//! The tree of a pattern: a flat array of eight-byte nodes in prefix order.
//!
//! The first child of a node follows it; the second child is `n` nodes further on. Offsets are relative, so a subtree
//! is copied into a larger tree as it is. Sequences and choices always lean to the right: no left child of a `Seq` is
//! a `Seq`, and likewise for `Choice`.

use crate::charset::Charset;

/// Kinds of nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Tag {
    /// The byte `n`.
    Char,
    /// A byte of the set in the next [`SET_WORDS`] nodes.
    Set,
    /// Any byte.
    Any,
    /// The empty match.
    True,
    /// No match.
    False,
    /// Zero or more of the child.
    Rep,
    /// First child, then second.
    Seq,
    /// First child, or else second.
    Choice,
    /// Succeeds, consuming nothing, where the child fails.
    Not,
    /// Succeeds, consuming nothing, where the child succeeds.
    And,
    /// Call of the rule `n` nodes away; `key` is its name.
    Call,
    /// Call of the rule named by `key`, not yet bound to a grammar.
    OpenCall,
    /// A rule: the child is its body, the second child the next rule or `True`; `key` is its name once it is used.
    Rule,
    /// A grammar of `n` nodes in all; the child is the list of its rules.
    Grammar,
    /// The child matches the `n` bytes before the current position.
    Behind,
    /// A capture of a [`Kind`] over the child; `key` is its value.
    Capture,
    /// A match-time capture over the child; `key` is its function.
    RunTime,
}

const TAGS: [Tag; 17] = [
    Tag::Char,
    Tag::Set,
    Tag::Any,
    Tag::True,
    Tag::False,
    Tag::Rep,
    Tag::Seq,
    Tag::Choice,
    Tag::Not,
    Tag::And,
    Tag::Call,
    Tag::OpenCall,
    Tag::Rule,
    Tag::Grammar,
    Tag::Behind,
    Tag::Capture,
    Tag::RunTime,
];

/// Kinds of captures. The last three exist in compiled code only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    /// `Cp()`
    Position,
    /// `Cc(value)`
    Const,
    /// `Cb(name)`
    Backref,
    /// `Carg(n)`
    Arg,
    /// `C(p)`
    Simple,
    /// `Ct(p)`; in compiled code `key` is the number of its shape cache.
    Table,
    /// `p / function`
    Function,
    /// `p / table`
    Query,
    /// `p / string`
    Text,
    /// `p / number`
    Num,
    /// `Cs(p)`
    Subst,
    /// `Cf(p, function)`
    Fold,
    /// `Cg(p, name)`; anonymous when `key` is 0.
    Group,
    /// One value returned by a match-time capture.
    Runtime,
    /// `p / tonumber`
    ToNumber,
    /// `Cf(p, rawset)`
    FoldRawset,
}

const KINDS: [Kind; 16] = [
    Kind::Position,
    Kind::Const,
    Kind::Backref,
    Kind::Arg,
    Kind::Simple,
    Kind::Table,
    Kind::Function,
    Kind::Query,
    Kind::Text,
    Kind::Num,
    Kind::Subst,
    Kind::Fold,
    Kind::Group,
    Kind::Runtime,
    Kind::ToNumber,
    Kind::FoldRawset,
];

impl Kind {
    /// Whether the key of such a capture is an index into the table of Lua values.
    fn has_value_key(self) -> bool {
        !matches!(self, Kind::Arg | Kind::Num)
    }
}

/// Nodes that hold the bits of a set.
pub(crate) const SET_WORDS: usize = 4;

/// One node: tag in bits 0-7, capture kind in 8-15, key in 16-31, `n` in 32-63. The words of a set are nodes too.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub(crate) struct Node(u64);

impl Node {
    /// A node with nothing but a tag.
    pub(crate) fn new(tag: Tag) -> Self {
        Self(tag as u64)
    }

    /// A node with a tag and `n`.
    pub(crate) fn with_n(tag: Tag, n: usize) -> Self {
        Self::new(tag).set_n(n as i32)
    }

    /// A capture.
    pub(crate) fn capture(kind: Kind, key: u16) -> Self {
        Self(Tag::Capture as u64 | (kind as u64) << 8 | u64::from(key) << 16)
    }

    /// One word of a set.
    pub(crate) fn word(bits: u64) -> Self {
        Self(bits)
    }

    /// The node with another `n`.
    pub(crate) fn set_n(self, n: i32) -> Self {
        Self(self.0 & 0xffff_ffff | u64::from(n as u32) << 32)
    }

    /// The node with another key.
    pub(crate) fn set_key(self, key: u16) -> Self {
        Self(self.0 & !0xffff_0000 | u64::from(key) << 16)
    }

    /// Its tag. Not for the words of a set.
    pub(crate) fn tag(self) -> Tag {
        TAGS[(self.0 & 0xff) as usize % TAGS.len()]
    }

    /// Its capture kind.
    pub(crate) fn kind(self) -> Kind {
        KINDS[(self.0 >> 8 & 0xff) as usize % KINDS.len()]
    }

    /// Its key.
    pub(crate) fn key(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Its number.
    pub(crate) fn n(self) -> i32 {
        (self.0 >> 32) as i32
    }

    /// Nodes to skip to get to the next node in prefix order.
    pub(crate) fn width(self) -> usize {
        if self.tag() == Tag::Set { 1 + SET_WORDS } else { 1 }
    }
}

/// Index of the second child of the node at `i`.
pub(crate) fn second(tree: &[Node], i: usize) -> usize {
    i + tree[i].n() as usize
}

/// Index of the rule that the call at `i` calls.
pub(crate) fn callee(tree: &[Node], i: usize) -> usize {
    (i as isize + tree[i].n() as isize) as usize
}

/// The set of bytes that the node at `i` accepts, if it accepts exactly one byte of a set.
pub(crate) fn as_charset(tree: &[Node], i: usize) -> Option<Charset> {
    match tree[i].tag() {
        Tag::Char => Some(Charset::single(tree[i].n() as u8)),
        Tag::Any => Some(Charset::FULL),
        Tag::Set => Some(Charset(std::array::from_fn(|w| tree[i + 1 + w].0))),
        _ => None,
    }
}

/// Writes a set at `i`.
pub(crate) fn put_charset(tree: &mut [Node], i: usize, set: Charset) {
    tree[i] = Node::new(Tag::Set);
    for (w, bits) in set.0.into_iter().enumerate() {
        tree[i + 1 + w] = Node::word(bits);
    }
}

/// Adds `offset` to every key that is an index into the table of Lua values.
pub(crate) fn shift_keys(tree: &mut [Node], offset: u16) {
    let mut i = 0;
    while offset > 0 && i < tree.len() {
        let node = tree[i];
        let keyed = match node.tag() {
            Tag::OpenCall | Tag::Call | Tag::RunTime | Tag::Rule => true,
            Tag::Capture => node.kind().has_value_key(),
            _ => false,
        };
        if keyed && node.key() > 0 {
            tree[i] = node.set_key(node.key() + offset);
        }
        i += node.width();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_keeps_its_parts() {
        let node = Node::capture(Kind::Group, 700).set_n(-5);
        assert_eq!((node.tag(), node.kind(), node.key(), node.n()), (Tag::Capture, Kind::Group, 700, -5));
        assert_eq!(node.set_key(9).n(), -5);
        for (i, tag) in TAGS.into_iter().enumerate() {
            assert_eq!((tag as usize, Node::new(tag).tag()), (i, tag));
        }
        for (i, kind) in KINDS.into_iter().enumerate() {
            assert_eq!((kind as usize, Node::capture(kind, 0).kind()), (i, kind));
        }
    }

    #[test]
    fn shifting_skips_sets_and_plain_numbers() {
        let mut tree = [Node::new(Tag::True); 8];
        put_charset(&mut tree, 0, Charset(std::array::from_fn(|_| Node::capture(Kind::Group, 3).0)));
        tree[5] = Node::capture(Kind::Group, 3);
        tree[6] = Node::capture(Kind::Arg, 3);
        let before = tree;
        shift_keys(&mut tree, 10);
        assert!(tree[..5] == before[..5]);
        assert_eq!((tree[5].key(), tree[6].key()), (13, 3));
    }
}
