//! Shell patterns: `*`, `?`, `[abc]`, `[!a-z]`.

use std::fs;
use std::path::{Path, PathBuf};

/// A name matches a pattern as a whole; `*` spans slashes.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    match_here(&pattern, &name)
}

fn match_here(pattern: &[char], name: &[char]) -> bool {
    match pattern {
        [] => name.is_empty(),
        ['*', rest @ ..] => (0..=name.len()).any(|skip| match_here(rest, &name[skip..])),
        ['?', rest @ ..] => !name.is_empty() && match_here(rest, &name[1..]),
        ['[', rest @ ..] => match (class(rest), name) {
            (Some((members, negated, after)), [c, name @ ..]) => {
                contains(members, *c) != negated && match_here(after, name)
            }
            (None, ['[', name @ ..]) => match_here(rest, name),
            _ => false,
        },
        [c, rest @ ..] => name.first() == Some(c) && match_here(rest, &name[1..]),
    }
}

/// Splits what follows a `[` into members, negation and the rest; `None` when the class is not closed.
fn class(text: &[char]) -> Option<(&[char], bool, &[char])> {
    let negated = text.first() == Some(&'!');
    let members = &text[usize::from(negated)..];
    // A bracket right at the start is a member.
    let end = members.iter().skip(1).position(|c| *c == ']')? + 1;
    Some((&members[..end], negated, &members[end + 1..]))
}

fn contains(members: &[char], c: char) -> bool {
    match members {
        [low, '-', high, rest @ ..] => (*low..=*high).contains(&c) || contains(rest, c),
        [member, rest @ ..] => *member == c || contains(rest, c),
        [] => false,
    }
}

/// The paths under `folder` that match a relative pattern, sorted. A wildcard spans no slash and no leading dot.
pub fn paths(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for part in pattern.split('/') {
        found = found.iter().flat_map(|folder| children(folder, part)).collect();
    }
    found.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    found
}

fn children(folder: &Path, pattern: &str) -> Vec<PathBuf> {
    if !pattern.contains(['*', '?', '[']) {
        let path = folder.join(pattern);
        return if path.symlink_metadata().is_ok() { vec![path] } else { Vec::new() };
    }
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names
        .filter(|name| (pattern.starts_with('.') || !name.starts_with('.')) && matches(pattern, name))
        .map(|name| folder.join(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("sandbox/*", "sandbox/a", true),
            ("*", "a/b", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[]]", "]", true),
            ("[a", "[a", true),
            ("*.log", "x.log.1", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
