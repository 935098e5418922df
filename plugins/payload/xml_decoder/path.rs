//! Paths into an XML text: the part of XPath 1.0 that Heka knows.
//!
//! A path is steps between slashes. A step is a name, `*`, `.`, `..`, `@name`, `node()`, `text()`, `comment()` or
//! `processing-instruction()`, on any axis of XPath but `namespace`, with predicates in brackets: a position, a path that
//! must exist, `path='text'`, `contains(path,'text')`, `not(...)`, joined by `and`, `or` and parentheses. Names match
//! whatever their prefix is.

mod axis;
mod compile;

use std::borrow::Cow;
use std::collections::HashSet;

use self::axis::Axis;
use super::document::{Document, Kind, ROOT};

/// A path, ready to be followed.
#[derive(Debug)]
pub(super) struct Path {
    steps: Vec<Step>,
    /// It starts at the top of the text, not at the node that it is applied to.
    rooted: bool,
}

#[derive(Debug)]
struct Step {
    axis: Axis,
    /// `None` is any.
    kind: Option<Kind>,
    /// `None` is any.
    name: Option<String>,
    predicates: Vec<Predicate>,
    /// The steps before may lead to one node in several ways.
    meets_again: bool,
}

#[derive(Debug)]
enum Predicate {
    /// Counted from 1 among the nodes of the step that come from the same node.
    Position(usize),
    Exists(Path),
    Equals(Path, String),
    Contains(Path, String),
    Not(Box<Predicate>),
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
}

impl Path {
    /// The value of the first node that the path leads to, if any. The first is that of a walk which goes on from a node
    /// before it looks at the node's next sibling.
    pub(super) fn first<'d>(&self, document: &'d Document) -> Option<Cow<'d, str>> {
        let mut first = None;
        self.any(document, ROOT, &mut |node| {
            first = Some(node);
            true
        });
        first.map(|node| document.value(node))
    }

    /// Whether `accept` takes one of the nodes that the path leads to.
    fn any(&self, document: &Document, context: usize, accept: &mut dyn FnMut(usize) -> bool) -> bool {
        let context = if self.rooted { ROOT } else { context };
        Walk { document, accept, met: HashSet::new() }.go_on(&self.steps, context)
    }
}

struct Walk<'w> {
    document: &'w Document,
    accept: &'w mut dyn FnMut(usize) -> bool,
    /// The nodes from which the walk went on, each with the number of steps that were left. Going on from there again
    /// would lead nowhere new.
    met: HashSet<(usize, usize)>,
}

impl Walk<'_> {
    fn go_on(&mut self, steps: &[Step], from: usize) -> bool {
        let Some((step, rest)) = steps.split_first() else { return (self.accept)(from) };
        if step.meets_again && !self.met.insert((steps.len(), from)) {
            return false;
        }
        let document = self.document;
        let mut positions = vec![0; step.predicates.len()];
        step.axis.walk(document, from, &mut |node| {
            step.fits(document, node, &mut positions) && self.go_on(rest, node)
        })
    }
}

impl Step {
    /// `positions` counts the nodes that came to each predicate.
    fn fits(&self, document: &Document, node: usize, positions: &mut [usize]) -> bool {
        let kind = document.nodes[node].kind;
        let mut predicates = self.predicates.iter().zip(positions);
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.name.as_ref().is_none_or(|name| name == document.name(node))
            && predicates.all(|(predicate, position)| {
                *position += 1;
                predicate.holds(document, node, *position)
            })
    }
}

impl Predicate {
    fn holds(&self, document: &Document, node: usize, position: usize) -> bool {
        match self {
            Predicate::Position(wanted) => *wanted == position,
            Predicate::Exists(path) => path.any(document, node, &mut |_| true),
            Predicate::Equals(path, text) => {
                path.any(document, node, &mut |found| document.value(found) == text.as_str())
            }
            Predicate::Contains(path, text) => {
                path.any(document, node, &mut |found| document.value(found).contains(text))
            }
            Predicate::Not(predicate) => !predicate.holds(document, node, position),
            Predicate::All(all) => all.iter().all(|predicate| predicate.holds(document, node, position)),
            Predicate::Any(any) => any.iter().any(|predicate| predicate.holds(document, node, position)),
        }
    }
}

#[cfg(test)]
mod tests;
