//! The graph in Graphviz's language.

use super::{DecoderNode, Graph, Node, ReaderWay};

/// Shows a graph. Splitters, decoders and encoders are drawn once for each plugin that uses them, as each has an instance
/// of its own.
pub(super) fn show(graph: &Graph) -> String {
    let mut text = String::from("digraph hekad {\n  rankdir=LR;\n  node [shape=box];\n");
    text += "  input_queue [label=\"input queue\", shape=cylinder];\n";
    text += "  filter_queue [label=\"filter queue\", shape=cylinder];\n";
    for (at, way) in graph.inputs.iter().enumerate() {
        let mut steps = vec![(format!("input{at}"), way.input.label())];
        steps.extend(way.splitter.iter().map(|node| (format!("input{at}_splitter"), node.label())));
        steps.extend(way.decoder.iter().map(|of| (format!("input{at}_decoder"), of.node.label())));
        steps.iter().for_each(|(id, label)| node(id, label, &mut text));
        let ids: Vec<&str> = steps.iter().map(|(id, _)| id.as_str()).chain(["input_queue"]).collect();
        text += &format!("  {};\n", ids.join(" -> "));
        if let Some(decoder) = &way.decoder {
            subs(&format!("input{at}_decoder"), decoder, &mut text);
        }
    }
    readers("filter", &graph.filters, &mut text);
    readers("output", &graph.outputs, &mut text);
    text += "}\n";
    text
}

fn subs(id: &str, decoder: &DecoderNode, text: &mut String) {
    for (at, sub) in decoder.subs.iter().enumerate() {
        let sub_id = format!("{id}_{at}");
        node(&sub_id, &sub.node.label(), text);
        *text += &format!("  {id} -> {sub_id} [style=dashed];\n");
        subs(&sub_id, sub, text);
    }
}

fn readers(kind: &str, ways: &[ReaderWay], text: &mut String) {
    for (at, way) in ways.iter().enumerate() {
        let id = format!("{kind}{at}");
        node(&id, &way.reader.label(), text);
        for queue in ["input_queue", "filter_queue"] {
            *text += &format!("  {queue} -> {id} [label={}];\n", quoted(&way.matcher));
        }
        if kind == "filter" {
            *text += &format!("  {id} -> filter_queue;\n");
        }
        if let Some(encoder) = &way.encoder {
            encoded(&id, encoder, text);
        }
    }
}

fn encoded(id: &str, encoder: &Node, text: &mut String) {
    node(&format!("{id}_encoder"), &encoder.label(), text);
    *text += &format!("  {id} -> {id}_encoder [style=dashed];\n");
}

fn node(id: &str, label: &str, text: &mut String) {
    *text += &format!("  {id} [label={}];\n", quoted(label));
}

fn quoted(label: &str) -> String {
    format!("\"{}\"", label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn labels_are_quoted() {
        assert_eq!(quoted("Type =~ /\\d\"/\nx"), "\"Type =~ /\\\\d\\\"/\\nx\"");
    }
}
