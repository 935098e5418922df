//! Checks a script without running it: is it there, does it compile, are the modules there that it requires?

use std::collections::HashSet;

use crate::require::Modules;
use crate::settings::Settings;
use crate::source;

/// Checks the script of these settings, and the modules in Lua that it requires by a name in quotes.
///
/// # Errors
/// The first thing that is wrong, in Lua's words where it has some.
pub(crate) fn check(settings: &Settings) -> Result<(), String> {
    let modules = Modules::new(settings.module_directory.as_deref(), &settings.share_dir);
    let name = settings.script.to_string_lossy().into_owned();
    let mut waiting = vec![(name, source::script(settings)?)];
    let mut seen = HashSet::new();
    while let Some((file, text)) = waiting.pop() {
        compile(&file, &text)?;
        for (module, line) in required(&String::from_utf8_lossy(&text)) {
            let wrong = |why: String| format!("{file}:{line}: {why}");
            if !seen.insert(module.clone()) {
                continue;
            }
            if settings.kind.disabled.contains(&module.as_bytes()) {
                return Err(wrong(format!("module '{module}' disabled")));
            }
            match modules.source(&module) {
                Some((file, text)) => waiting.push((file, text.map_err(wrong)?)),
                None if Modules::is_built_in(&module) => {}
                None => return Err(wrong(format!("module '{module}' not found"))),
            }
        }
    }
    Ok(())
}

fn compile(file: &str, text: &[u8]) -> Result<(), String> {
    // As for a script that is run, a first line that starts with # is none.
    let text = match text {
        [b'#', ..] => text.iter().position(|&byte| byte == b'\n').map_or(&[][..], |end| &text[end..]),
        _ => text,
    };
    source::compile(text, file)
}

/// Names of modules in `require "x"` and `require("x")` outside of comments, with their lines. Names that are computed are
/// not seen.
fn required(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut rest = Scan { text, at: 0 };
    while let Some(word) = rest.word() {
        if word == "require"
            && let Some(name) = rest.name()
        {
            found.push((name.to_string(), text[..rest.at].matches('\n').count() + 1));
        }
    }
    found
}

/// A place in Lua source.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next word that stands neither in a comment nor in a string.
    fn word(&mut self) -> Option<&'a str> {
        loop {
            let rest = self.rest();
            let first = rest.chars().next()?;
            let len = if let Some(comment) = rest.strip_prefix("--") {
                2 + long(comment).unwrap_or_else(|| comment.find('\n').unwrap_or(comment.len()))
            } else if let Some(len) = long(rest) {
                len
            } else if matches!(first, '"' | '\'') {
                quoted(rest)
            } else if first.is_ascii_alphabetic() || first == '_' {
                let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                self.at += len;
                return Some(&rest[..len]);
            } else {
                first.len_utf8()
            };
            self.at += len;
        }
    }

    /// The string that follows, with or without a bracket before it.
    fn name(&mut self) -> Option<&'a str> {
        let blanks = |text: &'a str| text.trim_start();
        let mut rest = blanks(self.rest());
        let bracket = rest.strip_prefix('(');
        rest = bracket.map_or(rest, blanks);
        if !rest.starts_with(['"', '\'']) {
            return None;
        }
        let len = quoted(rest);
        // `require("a" .. b)` names nothing.
        if bracket.is_some() && !rest[len..].trim_start().starts_with(')') {
            return None;
        }
        self.at = self.text.len() - rest.len() + len;
        rest.get(1..len.checked_sub(1)?).filter(|name| !name.contains('\\'))
    }
}

/// Length of the quoted string at the start of `text`.
fn quoted(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            byte if byte == bytes[0] => return at + 1,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// Length of the `[[...]]` or `[=[...]=]` at the start of `text`, if one is there.
fn long(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('[')?;
    let level = inner.bytes().take_while(|&byte| byte == b'=').count();
    inner[level..].strip_prefix('[')?;
    let close = format!("]{}]", "=".repeat(level));
    Some(text.find(&close).map_or(text.len(), |at| at + close.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        required(text).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn names_in_code_are_found() {
        let text = "#!x\nrequire 'a'\nlocal b = require(\"b.c\")\nrequire\n(\n'd')";
        let expected = [("a".to_string(), 2), ("b.c".into(), 3), ("d".into(), 6)];
        assert_eq!(required(text), expected);
    }

    #[test]
    fn comments_strings_and_computed_names_are_passed() {
        let text = "-- require 'a'\n--[[ require 'b' ]] x = \"require 'c'\" [==[ require 'd' ]] ]==]\n\
                    require('e' .. f) my_require 'g' require(h) require 'i\\'' 'ü' require 'last'";
        assert_eq!(names(text), ["last"]);
    }

    #[test]
    fn a_script_is_checked_and_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("x.lua");
        let mut settings = Settings::new(&crate::OUTPUT, &script);
        settings.module_directory = Some(folder.path().to_string_lossy().into_owned());
        assert!(check(&settings).unwrap_err().contains("No such file"));
        std::fs::write(&script, "require 'm' require 'cjson' require 'io' error('is not run')").unwrap();
        assert!(check(&settings).unwrap_err().ends_with("x.lua:1: module 'm' not found"));
        std::fs::write(folder.path().join("m.lua"), "x = = 1").unwrap();
        assert!(check(&settings).unwrap_err().contains("m.lua:1: unexpected symbol"));
        std::fs::write(folder.path().join("m.lua"), "require 'm'").unwrap();
        check(&settings).unwrap();
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_scanned(text in "(?s).{0,60}|[-\\[\\]='\"\\\\ ()a require]{0,60}") {
            required(&text);
        }
    }
}
