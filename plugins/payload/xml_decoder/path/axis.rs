//! Directions in which a step looks for nodes.

use super::super::document::{Document, Kind, ROOT};

/// An axis of XPath.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Ancestor,
    AncestorOrSelf,
    Attribute,
    Child,
    Descendant,
    DescendantOrSelf,
    Following,
    FollowingSibling,
    Parent,
    Preceding,
    PrecedingSibling,
    Itself,
}

impl Axis {
    /// The axis of a name.
    pub(super) fn named(name: &str) -> Option<Axis> {
        Some(match name {
            "ancestor" => Axis::Ancestor,
            "ancestor-or-self" => Axis::AncestorOrSelf,
            "attribute" => Axis::Attribute,
            "child" => Axis::Child,
            "descendant" => Axis::Descendant,
            "descendant-or-self" => Axis::DescendantOrSelf,
            "following" => Axis::Following,
            "following-sibling" => Axis::FollowingSibling,
            "parent" => Axis::Parent,
            "preceding" => Axis::Preceding,
            "preceding-sibling" => Axis::PrecedingSibling,
            "self" => Axis::Itself,
            _ => return None,
        })
    }

    /// Whether different nodes never lead to the same one.
    pub(super) fn keeps_apart(self) -> bool {
        matches!(self, Axis::Attribute | Axis::Child | Axis::Itself)
    }

    /// Shows `visit` the nodes of this axis seen from `from`, the nearest first, until it returns true; says whether it
    /// did.
    pub(super) fn walk(self, document: &Document, from: usize, visit: &mut dyn FnMut(usize) -> bool) -> bool {
        let nodes = &document.nodes;
        let end = nodes[from].end;
        let no_attribute = |&at: &usize| nodes[at].kind != Kind::Attribute;
        let ancestors =
            || std::iter::successors(Some(from), |&at| (at != ROOT).then(|| nodes[at].parent)).skip(1);
        let siblings = |first: usize, stop: usize| {
            let next = move |&at: &usize| Some(nodes[at].end).filter(|&next| next < stop);
            std::iter::successors(Some(first).filter(|&first| first < stop), next).filter(no_attribute)
        };
        let parent = nodes[from].parent;
        match self {
            Axis::Itself => visit(from),
            Axis::Parent => ancestors().next().is_some_and(visit),
            Axis::Ancestor => ancestors().any(visit),
            Axis::AncestorOrSelf => visit(from) || ancestors().any(visit),
            Axis::Attribute => (from + 1..end).take_while(|&at| nodes[at].kind == Kind::Attribute).any(visit),
            Axis::Child => siblings(from + 1, end).any(visit),
            Axis::Descendant => (from + 1..end).filter(no_attribute).any(visit),
            Axis::DescendantOrSelf => visit(from) || (from + 1..end).filter(no_attribute).any(visit),
            Axis::Following => (end..nodes.len()).filter(no_attribute).any(visit),
            Axis::Preceding => {
                (0..from).rev().filter(no_attribute).filter(|&at| nodes[at].end <= from).any(visit)
            }
            _ if from == ROOT || nodes[from].kind == Kind::Attribute => false,
            Axis::FollowingSibling => siblings(end, nodes[parent].end).any(visit),
            Axis::PrecedingSibling => (parent + 1..from)
                .rev()
                .filter(no_attribute)
                .filter(|&at| nodes[at].parent == parent)
                .any(visit),
        }
    }
}
