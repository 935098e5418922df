//! Turns output into the text that is compared.
//!
//! The recordings were made with Python, so lines, sorting and regular expressions follow its rules here.

mod json;
mod lines;
mod mask;
mod message;

pub use json::{number as json_number, string as json_string};
pub use lines::{readable, split_lines};
pub use mask::Mask;
pub use message::stream_lines;

use crate::case::{Compare, Form};
use crate::error::CaseError;

/// Reads raw output as a comparison says: decoded, masked, sorted; with a newline at its end unless it is empty.
pub fn shape(raw: &[u8], compare: &Compare) -> Result<String, CaseError> {
    let default_ignore = ["Uuid".to_owned()];
    let ignore = compare.ignore.as_deref().unwrap_or(&default_ignore);
    let mut body = match compare.form {
        Form::Stream => stream_lines(raw, ignore)?.join("\n"),
        Form::StreamSorted => {
            let mut lines = stream_lines(raw, ignore)?;
            lines.sort();
            lines.join("\n")
        }
        Form::Lines => {
            let text = readable(raw);
            let mut lines = split_lines(&text);
            lines.sort_unstable();
            lines.join("\n")
        }
        Form::Text | Form::Contains | Form::Sorted | Form::Names => readable(raw),
    };
    for (pattern, replacement) in &compare.mask {
        body = Mask::new(pattern, replacement)?.apply(&body)?;
    }
    if compare.form == Form::Sorted || compare.sort {
        let mut lines: Vec<&str> = split_lines(&body);
        lines.retain(|line| !line.trim().is_empty());
        lines.sort_unstable();
        if compare.uniq {
            lines.dedup();
        }
        body = lines.join("\n");
    }
    if !body.is_empty() && !body.ends_with('\n') {
        body.push('\n');
    }
    Ok(body)
}
