use proptest::prelude::*;

use super::*;

const FLEET: &str = "<?xml version='1.0'?>\n\
    <fleet><!-- two -->\
    <ship id='s1' tons='900'><name>Alda</name><crew rank='first'><name>Bo</name><age>31</age></crew>\
    <crew rank='cook'><name>Cy</name><age>62</age></crew><?dock north?></ship>\
    <ship id='s2'><name>Dora</name><crew rank='first'><name>Ed</name><age>31</age></crew><note>not <i>in</i> port</note></ship>\
    </fleet>";

fn document(text: &str) -> Document {
    let mut document = Document::default();
    document.read(text.as_bytes()).unwrap();
    document
}

/// The values of all nodes that a path leads to, each node once.
fn all(path: &str) -> Vec<String> {
    let document = document(FLEET);
    let mut found = Vec::new();
    Path::new(path).unwrap().any(&document, ROOT, &mut |node| {
        if !found.contains(&node) {
            found.push(node);
        }
        false
    });
    found.into_iter().map(|node| document.value(node).into_owned()).collect()
}

fn first(path: &str) -> Option<String> {
    Path::new(path).unwrap().first(&document(FLEET)).map(Cow::into_owned)
}

fn error(path: &str) -> String {
    Path::new(path).unwrap_err().to_string()
}

#[test]
fn steps_go_from_child_to_child() {
    assert_eq!(all("/fleet/ship/name"), ["Alda", "Dora"]);
    assert_eq!(all("fleet/*/name"), ["Alda", "Dora"]);
    assert_eq!(all("/fleet/ship/../ship/./name"), ["Alda", "Dora"]);
    assert_eq!(all("/ship"), [""; 0]);
    assert_eq!(first("/fleet/ship/crew").unwrap(), "Bo31");
    assert_eq!(first("/").unwrap(), first("/fleet").unwrap());
    assert_eq!(first("/fleet/ship/none"), None);
}

#[test]
fn two_slashes_are_anywhere_below() {
    assert_eq!(all("//name"), ["Alda", "Bo", "Cy", "Dora", "Ed"]);
    assert_eq!(all("/fleet//crew/name"), ["Bo", "Cy", "Ed"]);
    assert_eq!(all("//ship//name"), ["Alda", "Bo", "Cy", "Dora", "Ed"]);
    assert_eq!(all("//@tons"), ["900"]);
}

#[test]
fn attributes_and_other_kinds_of_nodes() {
    assert_eq!(all("/fleet/ship/@id"), ["s1", "s2"]);
    assert_eq!(all("/fleet/ship/attribute::*"), ["s1", "900", "s2"]);
    assert_eq!(all("/fleet/ship/@tons/../name"), ["Alda"]);
    assert_eq!(all("//note/text()"), ["not ", " port"]);
    assert_eq!(all("//note/node()"), ["not ", "in", " port"]);
    assert_eq!(all("/fleet/comment()"), [" two "]);
    assert_eq!(all("//processing-instruction()"), ["version='1.0'", "north"]);
    assert_eq!(all("//processing-instruction('dock')"), ["north"]);
    assert_eq!(all("//dock"), [""; 0]);
}

#[test]
fn every_axis() {
    for (path, found) in [
        ("//age/ancestor::ship/@id", &["s1", "s2"][..]),
        ("//age/ancestor-or-self::age", &["31", "62", "31"]),
        ("//ship/child::name", &["Alda", "Dora"]),
        ("/descendant::crew/@rank", &["first", "cook", "first"]),
        ("//note/descendant-or-self::i", &["in"]),
        ("//crew[2]/following::name", &["Dora", "Ed"]),
        ("//ship/name/following-sibling::crew/name", &["Bo", "Cy", "Ed"]),
        ("//i/parent::note/i", &["in"]),
        ("//note/preceding::name", &["Ed", "Dora", "Cy", "Bo", "Alda"]),
        ("//crew/preceding-sibling::*", &["Alda", "Bo31", "Dora"]),
        ("//name/self::name", &["Alda", "Bo", "Cy", "Dora", "Ed"]),
        ("//@rank/self::rank", &["first", "cook", "first"]),
        ("//@rank/following-sibling::*", &[]),
    ] {
        assert_eq!(all(path), found, "{path}");
    }
}

#[test]
fn predicates() {
    for (path, found) in [
        ("/fleet/ship[2]/name", &["Dora"][..]),
        ("//crew[1]/name", &["Bo", "Ed"]),
        ("//crew[3]", &[]),
        ("//ship[@tons]/@id", &["s1"]),
        ("//ship[note]/@id", &["s2"]),
        ("//crew[@rank='cook']/name", &["Cy"]),
        ("//crew[ age = \"31\" ]/name", &["Bo", "Ed"]),
        ("//ship[crew/name='Cy']/@id", &["s1"]),
        ("//ship[//i]/@id", &["s2"]),
        ("//name[.='Bo']/../age", &["31"]),
        ("//note[contains(., 'not in p')]", &["not in port"]),
        ("//ship[not(note)]/@id", &["s1"]),
        ("//crew[@rank='first' and age='31' or name='Cy']/name", &["Bo", "Cy", "Ed"]),
        ("//crew[age='31' and (name='Ed' or name='Cy')]/name", &["Ed"]),
        ("//crew[not(age='31' or name='Bo')]/name", &["Cy"]),
        ("//crew[@rank='first'][1]/name", &["Bo", "Ed"]),
        ("//ship[crew[@rank='cook']/age='62']/name", &["Alda"]),
        (" // child :: crew [ @rank = 'cook' ] / name ", &["Cy"]),
    ] {
        assert_eq!(all(path), found, "{path}");
    }
}

#[test]
fn what_is_no_path() {
    for (path, why) in [
        ("", "0: empty path"),
        ("/foo)", "4: unexpected ')'"),
        ("/foo[", "5: missing name"),
        ("/foo/", "5: missing name"),
        ("/foo[@id)]", "8: unexpected ')'"),
        ("/foo[(@id]", "9: expected ')'"),
        ("/foo[@]", "6: missing name after @"),
        ("/foo[a=b]", "7: expected a literal string"),
        ("/foo[a='b]", "8: missing \"'\""),
        ("/foo[0]", "6: positions start at 1"),
        ("/foo[-1]", "7: positions must be positive"),
        ("/foo[99999999999999999999]", "25: the position is too large"),
        ("/foo[contains(a)]", "15: contains() expected ',' followed by a literal string"),
        ("/foo[not(a]", "10: not() missing ')'"),
        ("/x:foo", "3: missing ':'"),
        ("/foo()", "5: unsupported expression: foo()"),
        ("/node(", "6: node() missing ')'"),
        ("/near::node()", "7: unsupported axis: \"near\""),
        ("/attribute::text()", "17: text() cannot succeed on axis \"attribute\""),
        ("comment('x')", "11: comment() has no arguments"),
        ("foo | bar", "4: unexpected '|'"),
    ] {
        assert_eq!(error(path), format!("compiling xml path \"{path}\":{why}"));
    }
    let deep = format!("a{}b", "[a".repeat(100));
    assert!(error(&deep).ends_with("too many predicates within predicates"));
}

#[test]
fn a_deep_text_is_walked_in_bounded_time() {
    // Without knowing where it has been the walk would take 2000 ** 5 steps.
    let deep = format!("{}{}", "<a>".repeat(2000), "</a>".repeat(2000));
    let path = Path::new("//a//a//a//a//a//b").unwrap();
    assert_eq!(path.first(&document(&deep)), None);
}

proptest! {
    #[test]
    fn any_text_is_a_path_or_refused(text in "[/@a.*:()\\[\\]='1| \\-]{0,30}") {
        if let Ok(path) = Path::new(&text) {
            path.first(&document(FLEET));
        }
    }
}
