//! The graph as text.

use super::{DecoderNode, Graph, ReaderWay};

/// Shows a graph.
pub(super) fn show(graph: &Graph) -> String {
    let mut text = String::from("inputs -> input queue\n");
    for way in &graph.inputs {
        text += &format!("  {}", way.input.label());
        if let Some(splitter) = &way.splitter {
            text += &format!(" -> {}", splitter.label());
        }
        if let Some(decoder) = &way.decoder {
            text += &format!(" -> {}", decoder.node.label());
        }
        text += " -> input queue\n";
        if let Some(decoder) = &way.decoder {
            subs(decoder, 3, &mut text);
        }
    }
    readers(
        "filters: both queues -> matcher -> filter -> filter queue",
        &graph.filters,
        " -> filter queue",
        &mut text,
    );
    readers("outputs: both queues -> matcher -> output", &graph.outputs, "", &mut text);
    text
}

fn subs(decoder: &DecoderNode, depth: usize, text: &mut String) {
    for sub in &decoder.subs {
        *text += &format!("{}calls {}\n", "  ".repeat(depth), sub.node.label());
        subs(sub, depth + 1, text);
    }
}

fn readers(title: &str, ways: &[ReaderWay], end: &str, text: &mut String) {
    *text += &format!("\n{title}\n");
    for way in ways {
        *text += &format!("  {} -> {}", way.matcher, way.reader.label());
        if let Some(encoder) = &way.encoder {
            *text += &format!(" as {}", encoder.label());
        }
        *text += end;
        text.push('\n');
    }
}
