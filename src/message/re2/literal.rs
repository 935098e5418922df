//! Which patterns are nothing but text.

use super::node::{Kind, Look, Node};

/// The literal text at the front of a pattern.
#[derive(Clone, Debug, Default)]
pub(super) struct Literal {
    pub(super) prefix: String,
    /// Whether the text is all there is.
    pub(super) complete: bool,
    /// Whether the text stands between `^` and `$`, which Go's answer leaves out.
    pub(super) anchored: bool,
}

impl Literal {
    pub(super) fn of(root: &Node) -> Literal {
        if let Some(prefix) = anchored_text(root) {
            return Literal { prefix, complete: true, anchored: true };
        }
        let mut prefix = String::new();
        let complete = push_text(root, &mut prefix);
        Literal { prefix, complete, anchored: false }
    }
}

/// The text between one `^` and one `$`.
fn anchored_text(root: &Node) -> Option<String> {
    let Kind::Concat(nodes) = &root.kind else { return None };
    let [first, text @ .., last] = nodes.as_slice() else { return None };
    if !matches!(first.kind, Kind::Look(Look::BeginText)) || !matches!(last.kind, Kind::Look(Look::EndText)) {
        return None;
    }
    let mut prefix = String::new();
    let plain = text.iter().all(|node| {
        let captures = matches!(node.kind, Kind::Capture(_));
        !captures && push_text(node, &mut prefix)
    });
    (plain && !prefix.is_empty()).then_some(prefix)
}

/// Appends the literal text at the front of a node; whether that is the whole node.
fn push_text(node: &Node, prefix: &mut String) -> bool {
    match &node.kind {
        Kind::Empty => true,
        Kind::Alternate(nodes) => nodes.iter().all(|node| matches!(node.kind, Kind::Empty)),
        Kind::Literal { literal, fold: false } if *literal != char::REPLACEMENT_CHARACTER => {
            prefix.push(*literal);
            true
        }
        Kind::Capture(inner) => push_text(inner, prefix),
        Kind::Concat(nodes) => nodes.iter().all(|node| push_text(node, prefix)),
        Kind::Repeat(inner, repeat) if repeat.max == Some(repeat.min) => {
            (0..repeat.min).all(|_| push_text(inner, prefix))
        }
        _ => false,
    }
}
