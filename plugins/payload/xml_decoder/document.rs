//! An XML text as a flat list of nodes.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Index of the node that stands for the whole text.
pub(super) const ROOT: usize = 0;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An element, or the whole text.
    Element,
    /// An attribute. Those of an element stand right behind it.
    Attribute,
    /// Text without markup in it. A CDATA section is a text of its own.
    Text,
    /// A comment.
    Comment,
    /// A processing instruction, or the XML declaration.
    Instruction,
}

/// A node. What is inside of an element lies between it and its `end`.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// The element that it belongs to. The root is its own.
    pub(super) parent: usize,
    /// Index of the first node behind it and all that is inside of it.
    pub(super) end: usize,
    name: Range<usize>,
    text: Range<usize>,
}

/// The nodes of an XML text in document order. Its memory is kept from text to text.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) nodes: Vec<Node>,
    names: String,
    texts: String,
    /// The elements that are open.
    open: Vec<usize>,
}

/// The text is no XML.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl<E: std::error::Error> From<E> for Malformed {
    fn from(_: E) -> Malformed {
        Malformed
    }
}

impl Document {
    /// Reads an XML text in the place of what was read before. Any number of elements and any text may stand at the top;
    /// prefixes of names need not be declared, and are dropped.
    ///
    /// # Errors
    /// The text is not well-formed, not in UTF-8, or refers to an entity that XML does not define.
    pub(super) fn read(&mut self, text: &[u8]) -> Result<(), Malformed> {
        let text = std::str::from_utf8(text)?;
        self.nodes.clear();
        self.names.clear();
        self.texts.clear();
        self.open.clear();
        self.start("");
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        // A text goes on over references to entities and ends at markup.
        let mut text_start = None;
        loop {
            let event = reader.read_event()?;
            match &event {
                Event::Text(text) if text.contains("]]>") => return Err(Malformed),
                Event::Text(text) => {
                    text_start.get_or_insert(self.texts.len());
                    push_lines(&mut self.texts, text);
                    continue;
                }
                Event::GeneralRef(reference) => {
                    text_start.get_or_insert(self.texts.len());
                    self.texts.push(character(reference)?);
                    continue;
                }
                _ => {}
            }
            if let Some(start) = text_start.take() {
                self.leaf_since(Kind::Text, "", start)?;
            }
            match event {
                Event::Start(start) => self.element(&start)?,
                Event::Empty(start) => {
                    self.element(&start)?;
                    self.close()?;
                }
                Event::End(_) => self.close()?,
                Event::CData(text) => self.leaf(Kind::Text, "", &text)?,
                Event::Comment(text) => self.leaf(Kind::Comment, "", &text)?,
                Event::PI(instruction) => {
                    let content = instruction.content().trim_start();
                    self.leaf(Kind::Instruction, instruction.target(), content)?;
                }
                Event::Decl(declaration) => {
                    if !declaration
                        .encoding()
                        .transpose()?
                        .is_none_or(|name| name.eq_ignore_ascii_case("utf-8"))
                    {
                        return Err(Malformed);
                    }
                    let content = declaration.trim_start_matches("xml").trim_start();
                    self.leaf(Kind::Instruction, "xml", content)?;
                }
                Event::DocType(_) => {}
                Event::Eof => break,
                Event::Text(_) | Event::GeneralRef(_) => {}
            }
        }
        if self.open.len() > 1 {
            return Err(Malformed);
        }
        self.nodes[ROOT].end = self.nodes.len();
        Ok(())
    }

    /// A node's name without prefix.
    pub(super) fn name(&self, node: usize) -> &str {
        self.names.get(self.nodes[node].name.clone()).unwrap_or_default()
    }

    /// A node's value: of an element all text inside of it, of another node its text.
    pub(super) fn value(&self, node: usize) -> Cow<'_, str> {
        let text = |node: &Node| self.texts.get(node.text.clone()).unwrap_or_default();
        if self.nodes[node].kind != Kind::Element {
            return Cow::Borrowed(text(&self.nodes[node]));
        }
        let inside = &self.nodes[node + 1..self.nodes[node].end];
        let mut texts = inside.iter().filter(|node| node.kind == Kind::Text).map(text);
        let first = texts.next().unwrap_or_default();
        match texts.next() {
            None => Cow::Borrowed(first),
            Some(second) => Cow::Owned([first, second].into_iter().chain(texts).collect()),
        }
    }

    fn element(&mut self, start: &BytesStart<'_>) -> Result<(), Malformed> {
        self.start(start.local_name().as_ref());
        for attribute in start.attributes().with_checks(false) {
            let Attribute { key, value } = attribute?;
            if value.contains('<') {
                return Err(Malformed);
            }
            let text_start = self.texts.len();
            push_lines(&mut self.texts, &quick_xml::escape::unescape(&value)?);
            self.leaf_since(Kind::Attribute, key.local_name().as_ref(), text_start)?;
        }
        Ok(())
    }

    fn start(&mut self, name: &str) {
        let node = self.nodes.len();
        self.push(Kind::Element, name, self.texts.len());
        self.open.push(node);
    }

    fn close(&mut self) -> Result<(), Malformed> {
        // The root is never closed by a tag.
        let node = self.open.pop().filter(|&node| node != ROOT).ok_or(Malformed)?;
        self.nodes[node].end = self.nodes.len();
        Ok(())
    }

    fn leaf(&mut self, kind: Kind, name: &str, text: &str) -> Result<(), Malformed> {
        let start = self.texts.len();
        push_lines(&mut self.texts, text);
        self.leaf_since(kind, name, start)
    }

    /// A node whose text is what was written since.
    fn leaf_since(&mut self, kind: Kind, name: &str, text_start: usize) -> Result<(), Malformed> {
        if !self.texts[text_start..].chars().all(is_character) {
            return Err(Malformed);
        }
        self.push(kind, name, text_start);
        Ok(())
    }

    fn push(&mut self, kind: Kind, name: &str, text_start: usize) {
        let name_start = self.names.len();
        self.names.push_str(name);
        self.nodes.push(Node {
            kind,
            parent: self.open.last().copied().unwrap_or(ROOT),
            end: self.nodes.len() + 1,
            name: name_start..self.names.len(),
            text: text_start..self.texts.len(),
        });
    }
}

/// Appends a text; every kind of line end becomes `\n`.
fn push_lines(out: &mut String, text: &str) {
    for (number, part) in text.split('\r').enumerate() {
        if number > 0 && !part.starts_with('\n') {
            out.push('\n');
        }
        out.push_str(part);
    }
}

/// What a reference in a text stands for.
fn character(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(character);
    }
    let named = quick_xml::escape::resolve_xml_entity(reference).ok_or(Malformed)?;
    named.chars().next().ok_or(Malformed)
}

/// Whether XML allows the character.
fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests;
