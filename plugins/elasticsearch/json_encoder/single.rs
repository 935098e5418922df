//! A quick look at fields that have one value and nothing unusual, as nearly all have.

use heka_message::Value;

/// Name and only value of a field in the layout that Heka's encoders write: name, type, representation, value, each once
/// and nothing else. `None` says nothing about the field: it must be read in the general way.
#[inline]
pub(crate) fn single(field: &[u8]) -> Option<(&[u8], Value<'_>)> {
    let (name, rest) = short(field.strip_prefix(&[0x0a])?)?;
    let (value_type, rest) = match rest {
        [0x10, value_type, rest @ ..] => (*value_type, rest),
        rest => (0, rest),
    };
    let rest = match rest {
        [0x1a, rest @ ..] => short(rest)?.1,
        rest => rest,
    };
    let value = match (value_type, rest) {
        (0, [0x22, rest @ ..]) => Value::String(whole(rest)?.into()),
        (1, [0x2a, rest @ ..]) => Value::Bytes(whole(rest)?),
        (2, [0x32, len, rest @ ..]) if usize::from(*len) == rest.len() => {
            Value::Integer(only_varint(rest)?.cast_signed())
        }
        (3, [0x3a, 8, rest @ ..]) => Value::Double(f64::from_le_bytes(rest.try_into().ok()?)),
        (4, [0x42, 1, truth @ (0 | 1)]) => Value::Bool(*truth == 1),
        _ => return None,
    };
    Some((name, value))
}

/// Text with a length below 128 before it, and what follows.
#[inline]
fn short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&len, rest) = bytes.split_first()?;
    if len < 0x80 { rest.split_at_checked(len.into()) } else { None }
}

/// Text that ends where `bytes` do, with its length (below 16384) before it.
#[inline]
fn whole(bytes: &[u8]) -> Option<&[u8]> {
    let (len, text) = match bytes {
        [len @ 0..0x80, text @ ..] => (usize::from(*len), text),
        [low, high @ 0..0x80, text @ ..] => (usize::from(low & 0x7f) | usize::from(*high) << 7, text),
        _ => return None,
    };
    (text.len() == len).then_some(text)
}

/// A varint that is all of `bytes`.
#[inline]
fn only_varint(bytes: &[u8]) -> Option<u64> {
    let (&last, others) = bytes.split_last()?;
    let most = if others.len() < 9 { 0x7f } else { 1 };
    if last > most || others.len() > 9 || others.iter().any(|&byte| byte < 0x80) {
        return None;
    }
    let value = bytes.iter().rev().fold(0_u64, |value, byte| value << 7 | u64::from(byte & 0x7f));
    Some(value)
}

#[cfg(test)]
mod tests {
    use heka_message::{Field, Message, MessageView};
    use proptest::prelude::*;

    use super::*;

    fn any_field() -> impl Strategy<Value = Field> {
        let texts = proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..3);
        let numbers = proptest::collection::vec(any::<i64>(), 0..3);
        let doubles = proptest::collection::vec(any::<f64>(), 0..3);
        let truths = proptest::collection::vec(any::<bool>(), 0..3);
        let head = (any::<[u8; 3]>(), proptest::option::of(0..6_i32), proptest::option::of("[a-z]{0,4}"));
        (head, texts, numbers, doubles, truths).prop_map(|(head, texts, numbers, doubles, truths)| Field {
            name: Some(head.0[..].into()),
            value_type: head.1.map(heka_message::ValueType::from_raw),
            representation: head.2.map(Into::into),
            value_string: texts.iter().cloned().map(Into::into).collect(),
            value_bytes: texts.into_iter().map(Into::into).collect(),
            value_integer: numbers,
            value_double: doubles,
            value_bool: truths,
            unknown: Vec::new(),
        })
    }

    fn agrees(bytes: &[u8]) {
        for field in MessageView::new(bytes).fields() {
            let Some((name, value)) = single(field.bytes()) else { continue };
            assert_eq!(field.name(), name);
            assert_eq!(field.value_count(), 1);
            let same = match (field.value(0), value) {
                (Some(Value::Double(a)), Value::Double(b)) => a.to_bits() == b.to_bits(),
                (general, quick) => general == Some(quick),
            };
            assert!(same);
        }
    }

    #[test]
    fn usual_fields_are_read_quickly() {
        for field in [
            Field::string("s", "rep", "text"),
            Field::string("long", "", vec![b'x'; 5000]),
            Field::bytes("y", "", "raw"),
            Field::integer("i", "", -1),
            Field::double("d", "", 1.5),
            Field::boolean("b", "", true),
        ] {
            let mut bytes = Vec::new();
            Message { fields: vec![field], ..Message::default() }.encode(&mut bytes);
            let field = MessageView::new(&bytes).fields().next().unwrap();
            assert!(single(field.bytes()).is_some());
            agrees(&bytes);
        }
    }

    proptest! {
        #[test]
        fn what_is_read_quickly_is_what_the_general_way_reads(field in any_field()) {
            let mut bytes = Vec::new();
            Message { fields: vec![field], ..Message::default() }.encode(&mut bytes);
            agrees(&bytes);
        }

        #[test]
        fn damaged_fields_too(field in any_field(), at: prop::sample::Index, byte: u8) {
            let mut bytes = Vec::new();
            Message { fields: vec![field], ..Message::default() }.encode(&mut bytes);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if heka_message::validate(&bytes).is_ok() {
                agrees(&bytes);
            }
        }
    }
}
