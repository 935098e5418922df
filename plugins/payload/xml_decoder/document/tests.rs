use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Document, Malformed> {
    let mut document = Document::default();
    document.read(text.as_bytes()).map(|()| document)
}

/// Kind, name and value of all nodes but the root.
fn nodes(text: &str) -> Vec<(Kind, String, String)> {
    let document = read(text).unwrap();
    let node =
        |at: usize| (document.nodes[at].kind, document.name(at).to_string(), document.value(at).into_owned());
    (1..document.nodes.len()).map(node).collect()
}

fn node(kind: Kind, name: &str, value: &str) -> (Kind, String, String) {
    (kind, name.into(), value.into())
}

#[test]
fn every_kind_of_node_in_document_order() {
    use Kind::{Attribute, Comment, Element, Instruction, Text};
    assert_eq!(
        nodes(
            "<?xml version='1.0'?><!DOCTYPE a><n:a x='1' n:y=\"&lt;2&#x41;\">t&amp;&#66;<!-- c --><?do  it?><b/></n:a>"
        ),
        [
            node(Instruction, "xml", "version='1.0'"),
            node(Element, "a", "t&B"),
            node(Attribute, "x", "1"),
            node(Attribute, "y", "<2A"),
            node(Text, "", "t&B"),
            node(Comment, "", " c "),
            node(Instruction, "do", "it"),
            node(Element, "b", ""),
        ]
    );
}

#[test]
fn a_cdata_section_is_a_text_of_its_own() {
    assert_eq!(
        nodes("<a>x<![CDATA[<&>]]>y</a>"),
        [
            node(Kind::Element, "a", "x<&>y"),
            node(Kind::Text, "", "x"),
            node(Kind::Text, "", "<&>"),
            node(Kind::Text, "", "y"),
        ]
    );
}

#[test]
fn elements_know_what_is_inside_of_them() {
    let document = read("<a i='1'><b>x</b>y</a><c/>").unwrap();
    let ends: Vec<_> = document.nodes.iter().map(|node| (node.parent, node.end)).collect();
    assert_eq!(ends, [(0, 7), (0, 6), (1, 3), (1, 5), (3, 5), (1, 6), (0, 7)]);
    assert_eq!(document.value(ROOT), "xy");
}

#[test]
fn every_line_end_becomes_a_newline() {
    assert_eq!(nodes("<a>1\r\n2\r3\n4\r</a>")[0].2, "1\n2\n3\n4\n");
}

#[test]
fn text_without_any_markup_is_a_text() {
    assert_eq!(nodes("no xml"), [node(Kind::Text, "", "no xml")]);
    assert_eq!(nodes(""), []);
}

#[test]
fn what_is_malformed() {
    for text in [
        "<a>",
        "<a></b>",
        "</a>",
        "<a",
        "<a x=1/>",
        "<a x/>",
        "<a x='<'/>",
        "<a>&nope;</a>",
        "<a>&lt</a>",
        "<a>a & b</a>",
        "<a>]]></a>",
        "<a>&#0;</a>",
        "<a x='&#1;'/>",
        "<a>\u{1}</a>",
        "<a><!-- -- --></a>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
    ] {
        assert_eq!(read(text).err(), Some(Malformed), "{text}");
    }
    assert_eq!(Document::default().read(b"<a>\xff</a>"), Err(Malformed));
}

#[test]
fn one_document_after_another() {
    let mut document = Document::default();
    document.read(b"<a>1</a>").unwrap();
    document.read(b"<b><c>").unwrap_err();
    document.read(b"<d>2</d>").unwrap();
    assert_eq!((document.nodes.len(), document.name(1), &*document.value(1)), (3, "d", "2"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[<>/a&;'\" =!?\\-\\[\\]x#]{0,60}") {
        if let Ok(document) = read(&text) {
            for (at, node) in document.nodes.iter().enumerate() {
                prop_assert!(node.parent <= at && node.end > at && node.end <= document.nodes.len());
                document.value(at);
            }
        }
    }

    #[test]
    fn what_is_escaped_comes_back(value in "[ -~\\t\\n\u{a0}-\u{d7ff}\u{e000}-\u{fffd}]{0,40}") {
        let escaped = quick_xml::escape::escape(&value);
        let document = read(&format!("<a x=\"{escaped}\">{escaped}</a>")).unwrap();
        prop_assert_eq!(document.value(1), value.as_str());
        prop_assert_eq!(document.value(2), value.as_str());
    }
}
