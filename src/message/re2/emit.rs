//! Tree to the `regex` crate's syntax, every flag spelt out.

use std::fmt::Write;

use super::node::{Kind, Look, Node, Repeat};

/// The node as a pattern for `regex::bytes`.
pub(super) fn emit(node: &Node) -> String {
    let mut out = String::new();
    put(node, &mut out);
    out
}

fn put(node: &Node, out: &mut String) {
    match &node.kind {
        Kind::Empty => {}
        Kind::Never => out.push_str(r"[^\x{0}-\x{10FFFF}]"),
        Kind::Literal { literal, fold } => put_literal(*literal, *fold, out),
        Kind::Class(text) => out.push_str(text),
        Kind::Any { newline: true } => out.push_str("(?s:.)"),
        Kind::Any { newline: false } => out.push_str(r"[^\n]"),
        Kind::Look(look) => out.push_str(match look {
            Look::BeginText => r"\A",
            Look::EndText => r"\z",
            Look::BeginLine => "(?m:^)",
            Look::EndLine => "(?m:$)",
            Look::WordBoundary => r"(?-u:\b)",
            // The second part holds between characters only: the first alone would also match inside one.
            Look::NoWordBoundary => r"(?:(?-u:\B)(?:\b|\B))",
        }),
        Kind::Capture(inner) => {
            out.push('(');
            put(inner, out);
            out.push(')');
        }
        Kind::Concat(nodes) => {
            for node in nodes {
                put_grouped(node, matches!(node.kind, Kind::Alternate(_)), out);
            }
        }
        Kind::Alternate(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    out.push('|');
                }
                put(node, out);
            }
        }
        Kind::Repeat(inner, repeat) => {
            put_grouped(inner, true, out);
            put_repeat(*repeat, out);
        }
    }
}

fn put_grouped(node: &Node, grouped: bool, out: &mut String) {
    if grouped {
        out.push_str("(?:");
    }
    put(node, out);
    if grouped {
        out.push(')');
    }
}

fn put_literal(literal: char, fold: bool, out: &mut String) {
    if fold {
        out.push_str("(?i:");
    }
    if literal.is_ascii_alphanumeric() || !literal.is_ascii() {
        out.push(literal);
    } else {
        // Writing to a string does not fail.
        let _ = write!(out, "\\x{:02X}", u32::from(literal));
    }
    if fold {
        out.push(')');
    }
}

fn put_repeat(repeat: Repeat, out: &mut String) {
    // Writing to a string does not fail.
    let _ = match (repeat.min, repeat.max) {
        (0, None) => write!(out, "*"),
        (1, None) => write!(out, "+"),
        (0, Some(1)) => write!(out, "?"),
        (min, None) => write!(out, "{{{min},}}"),
        (min, Some(max)) => write!(out, "{{{min},{max}}}"),
    };
    if !repeat.greedy {
        out.push('?');
    }
}
