//! Reads the text of a path.

use heka_message::golang::quote::quoted;

use super::{Axis, Kind, Path, Predicate, Step};

/// Predicates within predicates.
const DEPTH_MAX: usize = 50;

/// What is wrong with the text of a path.
#[derive(Debug, thiserror::Error)]
#[error("compiling xml path {path}:{at}: {why}")]
pub(in super::super) struct PathError {
    /// The text, quoted.
    path: String,
    /// Bytes in front of the trouble.
    at: usize,
    why: String,
}

impl Path {
    /// Reads a path.
    ///
    /// # Errors
    /// The text is no path, or uses what is not known here.
    pub(in super::super) fn new(text: &str) -> Result<Path, PathError> {
        let mut compiler = Compiler { text, at: 0, depth: 0 };
        let path = if text.is_empty() { Err("empty path".into()) } else { compiler.whole_path() };
        path.map_err(|why: String| PathError { path: quoted(text.as_bytes()), at: compiler.at, why })
    }
}

struct Compiler<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

type Compiled<T> = Result<T, String>;

impl<'t> Compiler<'t> {
    fn whole_path(&mut self) -> Compiled<Path> {
        self.skip_spaces();
        let rooted = self.skip("/");
        self.skip_spaces();
        let path = if rooted && self.rest().is_empty() {
            // All that there is: the first element with all that is in it.
            Path { steps: vec![step(Axis::Child, Some(Kind::Element), None)], rooted }
        } else {
            self.path(rooted)?
        };
        match self.rest().chars().next() {
            Some(unexpected) => Err(format!("unexpected '{unexpected}'")),
            None => Ok(path),
        }
    }

    /// Steps between slashes. A path in a predicate has no root: slashes in front of it mean "anywhere below".
    fn path(&mut self, rooted: bool) -> Compiled<Path> {
        let mut steps: Vec<Step> = Vec::new();
        loop {
            self.skip_spaces();
            let mut step = self.step()?;
            step.meets_again = steps.iter().any(|before| !before.axis.keeps_apart());
            steps.push(step);
            if !self.skip("/") {
                return Ok(Path { steps, rooted });
            }
        }
    }

    fn step(&mut self) -> Compiled<Step> {
        if self.rest().starts_with('/') {
            return Ok(step(Axis::DescendantOrSelf, None, None));
        }
        let mut step = if self.skip("@") {
            let name = self.name().ok_or("missing name after @")?;
            step(Axis::Attribute, Some(Kind::Attribute), Some(name))
        } else {
            self.node_test()?
        };
        self.skip_spaces();
        while self.skip("[") {
            let predicate = self.either()?;
            step.predicates.push(predicate);
            if !self.skip("]") {
                return Err(self.expected("]"));
            }
            self.skip_spaces();
        }
        Ok(step)
    }

    fn node_test(&mut self) -> Compiled<Step> {
        let mut name = self.name().ok_or("missing name")?;
        self.skip_spaces();
        match name {
            "." => return Ok(step(Axis::Itself, None, None)),
            ".." => return Ok(step(Axis::Parent, None, None)),
            _ => {}
        }
        let mut axis = Axis::Child;
        if self.skip(":") {
            if !self.skip(":") {
                return Err("missing ':'".into());
            }
            axis = Axis::named(name).ok_or_else(|| format!("unsupported axis: \"{name}\""))?;
            self.skip_spaces();
            name = self.name().ok_or("missing name")?;
            self.skip_spaces();
        }
        if self.skip("(") {
            return self.kind_test(axis, name);
        }
        match axis {
            Axis::Attribute => Ok(step(axis, Some(Kind::Attribute), Some(name))),
            // A step to itself may come from an attribute.
            Axis::Itself if name != "*" => Ok(step(axis, None, Some(name))),
            _ => Ok(step(axis, Some(Kind::Element), Some(name))),
        }
    }

    /// `text()` and the like, behind the parenthesis.
    fn kind_test(&mut self, axis: Axis, test: &str) -> Compiled<Step> {
        let kind = match test {
            "node" => None,
            "text" => Some(Kind::Text),
            "comment" => Some(Kind::Comment),
            "processing-instruction" => Some(Kind::Instruction),
            _ => return Err(format!("unsupported expression: {test}()")),
        };
        if axis == Axis::Attribute {
            return Err(format!("{test}() cannot succeed on axis \"attribute\""));
        }
        self.skip_spaces();
        let name = self.literal()?;
        if name.is_some() && kind != Some(Kind::Instruction) {
            return Err(format!("{test}() has no arguments"));
        }
        self.skip_spaces();
        if !self.skip(")") {
            return Err(format!("{test}() missing ')'"));
        }
        Ok(Step { name: name.map(Into::into), ..step(axis, kind, None) })
    }

    /// Predicates joined by `or`.
    fn either(&mut self) -> Compiled<Predicate> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("too many predicates within predicates".into());
        }
        let mut any = vec![self.both()?];
        while self.skip_word("or") {
            any.push(self.both()?);
        }
        self.skip_spaces();
        self.depth -= 1;
        Ok(only(any).unwrap_or_else(Predicate::Any))
    }

    /// Predicates joined by `and`.
    fn both(&mut self) -> Compiled<Predicate> {
        let mut all = vec![self.predicate()?];
        while self.skip_word("and") {
            all.push(self.predicate()?);
        }
        Ok(only(all).unwrap_or_else(Predicate::All))
    }

    fn predicate(&mut self) -> Compiled<Predicate> {
        self.skip_spaces();
        if self.skip("(") {
            let inner = self.either()?;
            return if self.skip(")") { Ok(inner) } else { Err(self.expected(")")) };
        }
        if let Some(position) = self.position()? {
            return Ok(Predicate::Position(position));
        }
        if self.skip("contains(") {
            return self.contains();
        }
        if self.skip("not(") {
            let inner = self.either()?;
            return if self.skip(")") {
                Ok(Predicate::Not(Box::new(inner)))
            } else {
                Err("not() missing ')'".into())
            };
        }
        let start = self.at;
        let path = self.path(false)?;
        let text = self.text.get(start..self.at).unwrap_or_default().trim_end();
        if text.strip_prefix('-').is_some_and(|number| number.parse::<u64>().is_ok()) {
            return Err("positions must be positive".into());
        }
        self.skip_before_sign();
        if !self.skip("=") {
            return Ok(Predicate::Exists(path));
        }
        self.skip_spaces();
        let text = self.literal()?.ok_or("expected a literal string")?;
        Ok(Predicate::Equals(path, text.into()))
    }

    /// `contains(` is read.
    fn contains(&mut self) -> Compiled<Predicate> {
        let path = self.path(false)?;
        self.skip_spaces();
        if !self.skip(",") {
            return Err("contains() expected ',' followed by a literal string".into());
        }
        self.skip_spaces();
        let text = self.literal()?.ok_or("expected a literal string")?;
        self.skip_spaces();
        if !self.skip(")") {
            return Err("contains() missing ')'".into());
        }
        Ok(Predicate::Contains(path, text.into()))
    }

    fn position(&mut self) -> Compiled<Option<usize>> {
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return Ok(None);
        }
        let number = self.take(digits).parse().map_err(|_| "the position is too large")?;
        if number == 0 { Err("positions start at 1".into()) } else { Ok(Some(number)) }
    }

    /// A text in quotes, if there is one.
    fn literal(&mut self) -> Compiled<Option<&'t str>> {
        for quote in ['"', '\''] {
            if self.rest().starts_with(quote) {
                self.take(1);
                let length = self.rest().find(quote).ok_or(match quote {
                    '"' => "missing '\"'",
                    _ => "missing \"'\"",
                })?;
                let text = self.take(length);
                self.take(1);
                return Ok(Some(text));
            }
        }
        Ok(None)
    }

    fn name(&mut self) -> Option<&'t str> {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.-".contains(byte) || !byte.is_ascii();
        let length = match self.rest().starts_with('*') {
            true => 1,
            false => self.rest().bytes().take_while(is_name).count(),
        };
        (length > 0).then(|| self.take(length))
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> &'t str {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    fn skip(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn skip_spaces(&mut self) -> bool {
        let spaces = self.rest().bytes().take_while(|&byte| byte == b' ').count();
        self.at += spaces;
        spaces > 0
    }

    /// Skips spaces if an `=` follows. Those in front of `and` and `or` must stay.
    fn skip_before_sign(&mut self) {
        let mark = self.at;
        self.skip_spaces();
        if !self.rest().starts_with('=') {
            self.at = mark;
        }
    }

    /// A word with space behind it. There is always space or a bracket in front.
    fn skip_word(&mut self, word: &str) -> bool {
        let mark = self.at;
        self.skip_spaces();
        if self.skip(word) && self.skip_spaces() {
            return true;
        }
        self.at = mark;
        false
    }

    fn expected(&self, what: &str) -> String {
        match self.rest().starts_with(')') {
            true => "unexpected ')'".into(),
            false => format!("expected '{what}'"),
        }
    }
}

/// A step without predicates; the name `*` is any.
fn step(axis: Axis, kind: Option<Kind>, name: Option<&str>) -> Step {
    let name = name.filter(|&name| name != "*").map(Into::into);
    Step { axis, kind, name, predicates: Vec::new(), meets_again: false }
}

/// The one predicate, or all of them.
fn only(mut predicates: Vec<Predicate>) -> Result<Predicate, Vec<Predicate>> {
    match predicates.pop() {
        Some(one) if predicates.is_empty() => Ok(one),
        Some(last) => {
            predicates.push(last);
            Err(predicates)
        }
        None => Err(predicates),
    }
}
