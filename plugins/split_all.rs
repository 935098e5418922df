//! Splits whole texts, for the tests of splitters.

use heka_plugin::{Found, Splitter};

/// All records of `text`, as text, of a splitter that sees it at once.
pub(crate) fn split(splitter: &mut dyn Splitter, text: &[u8]) -> Vec<String> {
    let (_, records) = rest_and_records(splitter, text);
    records.iter().map(|record| String::from_utf8_lossy(record).into_owned()).collect()
}

/// What remains of `text` behind the last record, and all records but those of no bytes.
pub(crate) fn rest_and_records(splitter: &mut dyn Splitter, text: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut records = Vec::new();
    let mut rest = text;
    loop {
        let Found { consumed, record, .. } = splitter.find(rest);
        let Some(record) = record else { return (rest[consumed..].to_vec(), records) };
        assert!(consumed > 0, "a record that consumes nothing stalls the stream");
        if !record.is_empty() {
            records.push(rest[record].to_vec());
        }
        rest = &rest[consumed..];
    }
}

/// All records of `text` that comes in pieces, the way the engine shows them: what was not consumed is shown again with
/// more behind it.
pub(crate) fn split_pieces(splitter: &mut dyn Splitter, pieces: &[&[u8]]) -> Vec<String> {
    let mut records = Vec::new();
    let mut buffer = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        let (rest, found) = rest_and_records(splitter, &buffer);
        records.extend(found.iter().map(|record| String::from_utf8_lossy(record).into_owned()));
        buffer = rest;
    }
    records
}
