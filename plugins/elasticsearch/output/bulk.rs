//! The body of a bulk request: a line that says what is to be done and, for all but `delete`, a line with the document. What
//! an encoder has made is sent as it is; it is only read where that is needed.

use serde_json::{Map, Value};

/// What an action line may ask for.
const ACTIONS: [&str; 4] = ["index", "create", "update", "delete"];

/// The number of actions in a record; `None` if it is no whole sequence of actions.
pub(super) fn actions(record: &[u8]) -> Option<usize> {
    let mut count = 0;
    let mut lines = lines(record);
    while let Some(line) = lines.next() {
        let (name, _) = action(line)?;
        if name != "delete" {
            lines.next()?;
        }
        count += 1;
    }
    (count > 0).then_some(count)
}

/// Appends a record to a body. With `omit_type` its action lines go without `_type`; a line that is no action stays as it is.
pub(super) fn push(record: &[u8], omit_type: bool, body: &mut Vec<u8>) {
    if omit_type && let Some(changed) = without_type(record) {
        body.extend_from_slice(&changed);
    } else {
        body.extend_from_slice(record);
    }
    // Else the next action would be taken for a part of this document.
    if !body.ends_with(b"\n") {
        body.push(b'\n');
    }
}

/// The record without `_type`; `None` if there is nothing to change.
fn without_type(record: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(record.len());
    let mut changed = false;
    let mut lines = lines(record);
    while let Some(line) = lines.next() {
        let (name, mut about) = action(line)?;
        if about.remove("_type").is_some() {
            changed = true;
            let action = Value::Object(Map::from_iter([(name.clone(), Value::Object(about))]));
            out.extend_from_slice(action.to_string().as_bytes());
        } else {
            out.extend_from_slice(line);
        }
        out.push(b'\n');
        if name != "delete" {
            out.extend_from_slice(lines.next()?);
            out.push(b'\n');
        }
    }
    changed.then_some(out)
}

/// The action that a line asks for, and what it says of it.
fn action(line: &[u8]) -> Option<(String, Map<String, Value>)> {
    let Value::Object(line) = serde_json::from_slice(line).ok()? else { return None };
    let mut parts = line.into_iter();
    match (parts.next()?, parts.next()) {
        ((name, Value::Object(about)), None) if ACTIONS.contains(&name.as_str()) => Some((name, about)),
        _ => None,
    }
}

fn lines(record: &[u8]) -> impl Iterator<Item = &[u8]> {
    record.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(record: &str, omit_type: bool) -> String {
        let mut body = b"before\n".to_vec();
        push(record.as_bytes(), omit_type, &mut body);
        String::from_utf8(body).unwrap().strip_prefix("before\n").unwrap().to_owned()
    }

    #[test]
    fn actions_are_counted() {
        for (record, count) in [
            ("{\"index\":{\"_index\":\"i\"}}\n{\"a\":1}\n", Some(1)),
            ("{\"index\":{}}\n{}\n{\"delete\":{\"_id\":\"1\"}}\n{\"create\":{}}\n{}", Some(2 + 1)),
            ("{\"index\":{}}\nwhatever this is\n\n", Some(1)),
            ("{\"index\":{}}\n", None),
            ("{\"index\":{},\"create\":{}}\n{}\n", None),
            ("{\"burn\":{}}\n{}\n", None),
            ("{\"index\":1}\n{}\n", None),
            ("text\n", None),
            ("", None),
        ] {
            assert_eq!(actions(record.as_bytes()), count, "{record}");
        }
    }

    #[test]
    fn a_record_stays_as_it_is() {
        for record in ["{\"index\": {\"_index\":\"i\",\"_type\" :\"t\"}}\n{ \"a\" : 1}\n", "odd\n", "\n"] {
            assert_eq!(pushed(record, false), record);
        }
        assert_eq!(pushed("{\"index\":{}}\n{}", false), "{\"index\":{}}\n{}\n");
    }

    #[test]
    fn the_type_is_left_out_of_actions_alone() {
        let record = "{\"index\":{\"_index\":\"i\",\"_type\":\"t\",\"_id\":\"1\"}}\n{\"_type\":\"stays\", \"a\":1.0}\n";
        let action = pushed(record, true);
        let (action, document) = action.split_once('\n').unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(action).unwrap(),
            serde_json::json!({"index": {"_index": "i", "_id": "1"}})
        );
        assert_eq!(document, "{\"_type\":\"stays\", \"a\":1.0}\n");
        assert_eq!(pushed("{\"delete\":{\"_type\":\"t\"}}\n", true), "{\"delete\":{}}\n");
        for untyped in ["{\"index\": { }}\n{\"_type\":1}\n", "odd\n", "{\"index\":{\"_type\":\"t\"}}\n"] {
            assert_eq!(pushed(untyped, true), untyped);
        }
    }
}
