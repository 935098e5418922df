//! Compares output with what was recorded.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::case::{Compare, Form};
use crate::error::CaseError;
use crate::glob;
use crate::place::Place;
use crate::shape::{shape, split_lines};

/// How much of a differing line is shown, in characters.
const SHOWN: usize = 300;

/// The files of a comparison; one that is not a pattern need not exist.
pub fn files(compare: &Compare, place: &Place) -> Vec<PathBuf> {
    if compare.glob { glob::paths(&place.out, &compare.file) } else { vec![place.out.join(&compare.file)] }
}

/// The file with the text that an output should have.
fn expected(compare: &Compare, place: &Place) -> PathBuf {
    let name = compare.file.replace('/', "__").replace('*', "_");
    place.case_dir.join("expected").join(name)
}

/// Makes what an output is now the text that it should have, but for those that are written by hand.
pub fn record(compare: &Compare, place: &Place) -> Result<(), CaseError> {
    if compare.form == Form::Contains {
        return Ok(());
    }
    let path = expected(compare, place);
    let got = place.neutral(&shape(&raw(compare, place)?, compare)?);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(CaseError::at(folder))?;
    }
    fs::write(&path, got).map_err(CaseError::at(&path))
}

/// Compares one output; the error tells the first difference.
pub fn compare(compare: &Compare, place: &Place) -> Result<(), CaseError> {
    let path = expected(compare, place);
    let want = String::from_utf8(fs::read(&path).map_err(CaseError::at(&path))?)
        .map_err(|e| CaseError::Process(format!("{}: {e}", path.display())))?;
    let got = place.neutral(&shape(&raw(compare, place)?, compare)?);
    if compare.form == Form::Contains {
        let missing = split_lines(&want).into_iter().find(|line| !line.is_empty() && !got.contains(line));
        return match missing {
            Some(line) => Err(CaseError::Differs(format!("{} lacks: {line}", compare.file))),
            None => Ok(()),
        };
    }
    match difference(&want, &got) {
        Some(why) => Err(CaseError::Differs(format!("{}{why}", compare.file))),
        None => Ok(()),
    }
}

fn raw(compare: &Compare, place: &Place) -> Result<Vec<u8>, CaseError> {
    let mut raw = Vec::new();
    for path in files(compare, place) {
        let Ok(meta) = fs::metadata(&path) else { continue };
        if compare.form == Form::Names {
            let name = path.strip_prefix(&place.out).unwrap_or(&path);
            raw.extend(format!("{:o} {}\n", meta.permissions().mode() & 0o7777, name.display()).into_bytes());
            continue;
        }
        if compare.titles {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            raw.extend(format!("== {name}\n").into_bytes());
        }
        raw.extend(fs::read(&path).map_err(CaseError::at(&path))?);
    }
    Ok(raw)
}

/// The first difference, as what follows the file's name.
fn difference(want: &str, got: &str) -> Option<String> {
    if want == got {
        return None;
    }
    let (a, b) = (split_lines(want), split_lines(got));
    for (number, (x, y)) in a.iter().zip(&b).enumerate() {
        if x != y {
            return Some(format!(" line {}: expected {} | got {}", number + 1, cut(x), cut(y)));
        }
    }
    Some(format!(": expected {} lines, got {}", a.len(), b.len()))
}

fn cut(line: &str) -> &str {
    line.char_indices().nth(SHOWN).map_or(line, |(end, _)| &line[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_told() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(difference("a\nb\n", "a\nc\n").unwrap(), " line 2: expected b | got c");
        assert_eq!(difference("a\nb\n", "a\n").unwrap(), ": expected 2 lines, got 1");
        assert_eq!(difference("a\r\n", "a\n").unwrap(), ": expected 1 lines, got 1");
    }
}
