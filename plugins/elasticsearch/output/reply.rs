//! What a server says to a bulk request.

use heka_plugin::Fate;
use serde::Deserialize;
use serde_json::Value;

use super::{Trouble, bulk};
use crate::http_client::Reply;

/// Of a body so many bytes are told.
const TOLD_BYTES: usize = 4096;

/// A reply to a request as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It says what became of each record.
    Fates(Answered),
    /// Something in the request is at fault: another part of it may fare better.
    Refused(Refusal),
    /// Not now.
    Trouble(Trouble),
}

/// What became of the records of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answered {
    /// One a record.
    pub(super) fates: Vec<Fate>,
    /// Why some are to be sent again.
    pub(super) trouble: Option<Trouble>,
}

/// A request that will not be taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// It is too large.
    pub(super) too_large: bool,
    /// The reason.
    pub(super) text: String,
}

/// What is looked at first; with most replies it is all that matters.
#[derive(Deserialize)]
struct Head {
    errors: Option<bool>,
}

/// Reads a reply to a request with these records.
pub(super) fn read(reply: &Reply, records: &[&[u8]]) -> Answer {
    if reply.code == 413 {
        return Answer::Refused(Refusal { too_large: true, text: error_text(reply) });
    }
    if !is_object(&reply.body) {
        // A proxy without a server behind it, as a rule.
        let text = format!(
            "HTTP response didn't contain valid JSON. Status: {}. Body: {}",
            reply.status,
            body_text(reply)
        );
        return Answer::Trouble(trouble(reply, text));
    }
    match reply.code {
        200..=299 => read_items(reply, records),
        400 | 422 => Answer::Refused(Refusal { too_large: false, text: error_text(reply) }),
        _ => Answer::Trouble(trouble(reply, error_text(reply))),
    }
}

/// Whether a request was refused because its action lines have a `_type`.
pub(super) fn refuses_type(reply: &Reply) -> bool {
    let text = String::from_utf8_lossy(&reply.body);
    reply.code == 400 && text.contains("unknown parameter [_type]")
}

fn read_items(reply: &Reply, records: &[&[u8]]) -> Answer {
    let delivered = || Answered { fates: vec![Fate::Delivered; records.len()], trouble: None };
    if matches!(serde_json::from_slice(&reply.body), Ok(Head { errors: Some(false) })) {
        return Answer::Fates(delivered());
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let Some(items) = body.get("items").and_then(Value::as_array) else {
        let text = format!("HTTP response is no answer to a bulk request. Body: {}", body_text(reply));
        return Answer::Trouble(trouble(reply, text));
    };
    let items: Vec<(Fate, String)> = items.iter().map(fate).collect();
    if items.iter().all(|(fate, _)| *fate == Fate::Delivered)
        && body.get("errors") != Some(&Value::Bool(true))
    {
        // Old servers have no `errors`.
        if items.len() >= records.len() {
            return Answer::Fates(delivered());
        }
    }
    let counts: Option<Vec<usize>> = match records {
        // Whatever is in it, all is about it.
        [_] if !items.is_empty() => Some(vec![items.len()]),
        _ => records.iter().map(|record| bulk::actions(record)).collect(),
    };
    match counts.filter(|counts| counts.iter().sum::<usize>() == items.len()) {
        Some(counts) => Answer::Fates(answered(&items, &counts)),
        // Whose items they are can be told of single records only.
        None if records.len() > 1 => {
            Answer::Refused(Refusal { too_large: false, text: "the answer does not fit the request".into() })
        }
        None => {
            let text = format!("HTTP response has no items. Body: {}", body_text(reply));
            Answer::Trouble(trouble(reply, text))
        }
    }
}

/// The fates of records from those of their actions: `counts` of them each.
fn answered(items: &[(Fate, String)], counts: &[usize]) -> Answered {
    let mut items = items.iter();
    let mut fates = Vec::with_capacity(counts.len());
    let mut again: Option<&(Fate, String)> = None;
    let mut again_count = 0;
    for count in counts {
        let mut of_record = Fate::Delivered;
        for item in items.by_ref().take(*count) {
            match (&item.0, &of_record) {
                (Fate::Again, _) => {
                    again.get_or_insert(item);
                    of_record = Fate::Again;
                }
                (Fate::Rejected(_), Fate::Delivered) => of_record = item.0.clone(),
                _ => {}
            }
        }
        again_count += usize::from(of_record == Fate::Again);
        fates.push(of_record);
    }
    let trouble = again.map(|(_, why)| Trouble {
        kind: why.split(": ").next().unwrap_or_default().to_owned(),
        text: format!("{again_count} of {} messages are not taken now: {why}", counts.len()),
    });
    Answered { fates, trouble }
}

/// What became of an action, and why.
fn fate(item: &Value) -> (Fate, String) {
    let Some((action, said)) = item.as_object().and_then(|item| item.iter().next()) else {
        return (Fate::Again, format!("not an item: {}", cut(&item.to_string())));
    };
    let error = said.get("error").map(reason).unwrap_or_default();
    let Some(status) = said.get("status").and_then(Value::as_u64) else {
        // Before Elasticsearch 1.0.
        return match error.as_str() {
            "" => (Fate::Delivered, error),
            _ if error.contains("EsRejectedExecution") => (Fate::Again, error),
            _ => (Fate::Rejected(format!("document refused: {error}")), error),
        };
    };
    let why = if error.is_empty() { status.to_string() } else { format!("{status} {error}") };
    let fate = match status {
        200..=299 => Fate::Delivered,
        // What is to be deleted is not there.
        404 if action == "delete" => Fate::Delivered,
        // It is there, as after a request whose reply was lost.
        409 if action != "update" => Fate::Delivered,
        // The index is closed to writers for a time, as on a full disk.
        403 if error.to_ascii_lowercase().replace('_', "").contains("clusterblockexception") => Fate::Again,
        429 | 500..=599 => Fate::Again,
        _ => Fate::Rejected(format!("document refused: {why}")),
    };
    (fate, why)
}

/// An error and what caused it. Before Elasticsearch 2 it is a text.
fn reason(error: &Value) -> String {
    let Value::Object(_) = error else {
        return cut(error.as_str().map_or_else(|| error.to_string(), str::to_owned).trim()).to_owned();
    };
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut out = format!("{}: {}", text(error, "type"), text(error, "reason"));
    let mut cause = error.get("caused_by");
    while let Some(error) = cause {
        out.push_str(&format!("; {}: {}", text(error, "type"), text(error, "reason")));
        cause = error.get("caused_by");
    }
    cut(&out).to_owned()
}

/// The same kind of trouble has the same status, whatever the text says.
fn trouble(reply: &Reply, text: String) -> Trouble {
    Trouble { kind: reply.status.clone(), text }
}

/// A reply with an error in the words of Heka.
fn error_text(reply: &Reply) -> String {
    format!("HTTP response error. Status: {}. Body: {}", reply.status, body_text(reply))
}

fn body_text(reply: &Reply) -> String {
    let text = String::from_utf8_lossy(reply.body.get(..TOLD_BYTES).unwrap_or(&reply.body)).into_owned();
    if reply.body.len() > TOLD_BYTES { text + "..." } else { text }
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TOLD_BYTES)).unwrap_or(text)
}

fn is_object(body: &[u8]) -> bool {
    let is_valid = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    is_valid && body.trim_ascii_start().first() == Some(&b'{')
}

#[cfg(test)]
mod tests;
