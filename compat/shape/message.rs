//! Framed messages as JSON, one a line, keys in the order of the wire.

use heka_testkit::frames::{FrameError, frames};
use heka_testkit::wire::{self, Value, WireError};

use super::json;
use super::lines::readable;
use crate::error::CaseError;

const HEADERS: [&str; 9] =
    ["Uuid", "Timestamp", "Type", "Logger", "Severity", "Payload", "EnvVersion", "Pid", "Hostname"];
const VALUE_TYPES: [&str; 5] = ["string", "bytes", "int", "double", "bool"];

/// Decodes a stream. Damage ends it with a line that begins with `!`; a record whose protobuf is broken is an error.
/// `ignore` names headers and `Fields[name]` that are left out.
pub fn stream_lines(bytes: &[u8], ignore: &[String]) -> Result<Vec<String>, CaseError> {
    let mut lines = Vec::new();
    for frame in frames(bytes) {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error @ FrameError::NoLength(_)) => return Err(CaseError::Stream(error.to_string())),
            Err(error) => {
                lines.push(format!("! {error}"));
                break;
            }
        };
        let broken = |error: WireError| CaseError::Stream(format!("record at byte {}: {error}", frame.start));
        let mut object = message(frame.message, ignore).map_err(broken)?;
        let signer = wire::bytes_of(frame.header, 4).unwrap_or_default();
        if !signer.is_empty() {
            object.set("signer", json::string(&readable(signer)));
        }
        lines.push(object.text());
    }
    Ok(lines)
}

/// A JSON object under construction: a key set again keeps its place.
#[derive(Default)]
struct Object(Vec<(String, String)>);

impl Object {
    fn set(&mut self, key: &str, value: String) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    fn text(&self) -> String {
        let members: Vec<String> = self.0.iter().map(|(k, v)| format!("{}: {v}", json::string(k))).collect();
        format!("{{{}}}", members.join(", "))
    }
}

fn message(bytes: &[u8], ignore: &[String]) -> Result<Object, WireError> {
    let mut object = Object::default();
    let mut fields = Vec::new();
    for part in wire::fields(bytes) {
        let part = part?;
        if part.number == 10 {
            let (name, text) = field(expect_bytes(part.value)?)?;
            if !ignore.contains(&format!("Fields[{name}]")) {
                fields.push(text);
                object.set("Fields", format!("[{}]", fields.join(", ")));
            }
            continue;
        }
        let known = usize::try_from(part.number).ok().and_then(|n| HEADERS.get(n.wrapping_sub(1)));
        let name = known.map_or_else(|| part.number.to_string(), |name| (*name).to_owned());
        if !ignore.contains(&name) {
            object.set(&name, header(part.number, part.value)?);
        }
    }
    Ok(object)
}

fn header(number: u64, value: Value<'_>) -> Result<String, WireError> {
    Ok(match (number, value) {
        (1, Value::Bytes(uuid)) => {
            json::string(&uuid.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        (1, _) => return Err(WireError::WireType(0)),
        (_, Value::Bytes(text)) => json::string(&readable(text)),
        (2 | 5 | 8, Value::Varint(value)) => value.cast_signed().to_string(),
        (_, Value::Varint(value)) => value.to_string(),
        (_, Value::Fixed64(_)) => return Err(WireError::WireType(1)),
        (_, Value::Fixed32(_)) => return Err(WireError::WireType(5)),
    })
}

/// Gives a field's name and its object.
fn field(bytes: &[u8]) -> Result<(String, String), WireError> {
    let mut object = Object::default();
    object.set("type", json::string("string"));
    object.set("values", "[]".to_owned());
    let mut name = "None".to_owned();
    let mut values: Vec<String> = Vec::new();
    for part in wire::fields(bytes) {
        let part = part?;
        match part.number {
            1 => {
                name = readable(expect_bytes(part.value)?);
                object.set("name", json::string(&name));
            }
            2 => object.set("type", value_type(part.value)?),
            3 => object.set("representation", json::string(&readable(expect_bytes(part.value)?))),
            4 | 5 => values.push(json::string(&readable(expect_bytes(part.value)?))),
            6 => values.extend(varints(part.value, |n| n.cast_signed().to_string())?),
            7 => values.extend(doubles(part.value)?),
            8 => values.extend(varints(part.value, |n| (n != 0).to_string())?),
            _ => {}
        }
    }
    object.set("values", format!("[{}]", values.join(", ")));
    Ok((name, object.text()))
}

fn value_type(value: Value<'_>) -> Result<String, WireError> {
    let Value::Varint(number) = value else { return Err(WireError::WireType(2)) };
    let known = usize::try_from(number).ok().and_then(|n| VALUE_TYPES.get(n));
    Ok(known.map_or_else(|| number.to_string(), |name| json::string(name)))
}

fn expect_bytes(value: Value<'_>) -> Result<&[u8], WireError> {
    match value {
        Value::Bytes(bytes) => Ok(bytes),
        Value::Varint(_) => Err(WireError::WireType(0)),
        Value::Fixed64(_) => Err(WireError::WireType(1)),
        Value::Fixed32(_) => Err(WireError::WireType(5)),
    }
}

fn varints(value: Value<'_>, text: impl Fn(u64) -> String) -> Result<Vec<String>, WireError> {
    match value {
        Value::Varint(number) => Ok(vec![text(number)]),
        packed => {
            let mut rest = expect_bytes(packed)?;
            let mut all = Vec::new();
            while !rest.is_empty() {
                all.push(text(wire::take_varint(&mut rest)?));
            }
            Ok(all)
        }
    }
}

fn doubles(value: Value<'_>) -> Result<Vec<String>, WireError> {
    match value {
        Value::Fixed64(bytes) => Ok(vec![json::number(f64::from_le_bytes(bytes))]),
        packed => {
            let mut rest = expect_bytes(packed)?;
            let mut all = Vec::new();
            while !rest.is_empty() {
                all.push(json::number(f64::from_le_bytes(wire::take_array(&mut rest)?)));
            }
            Ok(all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(digits: &str) -> Vec<u8> {
        (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn all_kinds_of_fields_are_shown() {
        let stream = unhex(
            "1e030890011f0a103031323334353637383961626364656610959a9fa7d292f3b6131a015422014c2806320268693a0131402a4a\
             0168520a0a017310001a0022017852180a016910021a05636f756e74320affffffffffffffffff0152110a016410031a003a0800\
             0000000000f83f520a0a016210041a00420101520b0a017910011a002a020102520c0a016d10021a00320301ac02",
        );
        let ignore = ["Uuid".to_owned(), "Fields[y]".to_owned()];
        let lines = stream_lines(&stream, &ignore).unwrap();
        assert_eq!(
            lines,
            [concat!(
                r#"{"Timestamp": 1400000000123456789, "Type": "T", "Logger": "L", "Severity": 6, "Payload": "hi", "#,
                r#""EnvVersion": "1", "Pid": 42, "Hostname": "h", "Fields": ["#,
                r#"{"type": "string", "values": ["x"], "name": "s", "representation": ""}, "#,
                r#"{"type": "int", "values": [-1], "name": "i", "representation": "count"}, "#,
                r#"{"type": "double", "values": [1.5], "name": "d", "representation": ""}, "#,
                r#"{"type": "bool", "values": [true], "name": "b", "representation": ""}, "#,
                r#"{"type": "int", "values": [1, 300], "name": "m", "representation": ""}]}"#
            )]
        );
    }

    #[test]
    fn damage_ends_the_stream_and_the_signer_is_shown() {
        let signed = unhex(
            "1e1b081422036f707328013210a9fc4eb4b1c92a6312c0bd74a19ba63c1f0a10303132333435363738396162636465661001",
        );
        let stream = [signed.as_slice(), b"x"].concat();
        assert_eq!(
            stream_lines(&stream, &[]).unwrap(),
            [
                r#"{"Uuid": "30313233343536373839616263646566", "Timestamp": 1, "signer": "ops"}"#,
                "! not a record separator at byte 50"
            ]
        );
        assert!(stream_lines(&unhex("1e020802 1f0a05".replace(' ', "").as_str()), &[]).is_err());
    }
}
