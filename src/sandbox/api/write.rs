//! `write_message`.

use std::ffi::c_int;

use bstr::{BStr, BString};
use heka_message::golang::{TimestampParser, Zone};
use heka_message::{Field, Message, ValueType, parse_uuid};
use mlua::ffi::{self, lua_State};

use super::{ARRAY_INDEX, FIELD_INDEX, field_name, index_argument};
use crate::host::{Host, check_bytes, raise, until_nul};

/// What a script writes.
#[derive(Clone, Copy)]
enum Written<'a> {
    Text(&'a [u8]),
    Number(f64),
    Bool(bool),
    /// Takes away the field, or one element of it.
    Nothing,
}

/// Where it goes.
struct Target<'a> {
    variable: &'a [u8],
    representation: &'a [u8],
    index: usize,
    element: usize,
    /// An element was named.
    has_element: bool,
}

/// Lua: `write_message(name, value [, representation [, field_index [, array_index]]])`.
pub(crate) unsafe extern "C-unwind" fn write_message(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        let count = ffi::lua_gettop(lua);
        if !(2..=5).contains(&count) {
            raise(lua, format_args!("write_message() incorrect number of arguments"));
        }
        let variable = until_nul(check_bytes(lua, 1));
        let representation = match ffi::lua_type(lua, 3) {
            ffi::LUA_TNIL | ffi::LUA_TNONE => b"",
            _ => until_nul(check_bytes(lua, 3)),
        };
        let index = index_argument(lua, 4, FIELD_INDEX);
        let element = index_argument(lua, 5, ARRAY_INDEX);
        let has_element = ffi::lua_type(lua, 5) > ffi::LUA_TNIL;
        let value = match ffi::lua_type(lua, 2) {
            ffi::LUA_TSTRING => Written::Text(until_nul(check_bytes(lua, 2))),
            ffi::LUA_TNUMBER => Written::Number(ffi::lua_tonumber(lua, 2)),
            ffi::LUA_TBOOLEAN => Written::Bool(ffi::lua_toboolean(lua, 2) != 0),
            ffi::LUA_TNIL => Written::Nothing,
            _ => raise(
                lua,
                format_args!(
                    "write_message() only accepts numeric, string, or boolean field values, or nil to delete"
                ),
            ),
        };
        let target = Target { variable, representation, index, element, has_element };
        if !write(Host::of(lua), &target, value) {
            raise(lua, format_args!("write_message() failed"));
        }
        0
    }
}

/// Writes; a refusal's reason is noted for the daemon's log.
fn write(host: &mut Host, target: &Target<'_>, value: Written<'_>) -> bool {
    let Some(message) = host.messages().and_then(|messages| messages.edit()) else { return false };
    let result = match field_name(target.variable) {
        Some(name) => write_field(message, name, target, value),
        None => write_header(message, target.variable, value).map_err(String::from),
    };
    let Err(reason) = result else { return true };
    let function = match value {
        Written::Text(_) => "write_message_string",
        Written::Number(_) => "write_message_double",
        Written::Bool(_) => "write_message_bool",
        Written::Nothing => "delete_message_field",
    };
    host.notes.push(format!("go_lua_{function}: {reason}"));
    false
}

const BAD_NAME: &str = "Bad field name.";
const BAD_FIELD_INDEX: &str = "bad field index";
const BAD_ARRAY_INDEX: &str = "bad array index";

fn write_header(message: &mut Message, name: &[u8], value: Written<'_>) -> Result<(), &'static str> {
    match value {
        Written::Text(text) => write_text_header(message, name, text),
        Written::Number(number) => {
            match name {
                b"Timestamp" => message.timestamp = Some(number as i64),
                b"Severity" => message.severity = Some(number as i64 as i32),
                b"Pid" => message.pid = Some(number as i64 as i32),
                _ => return Err(BAD_NAME),
            }
            Ok(())
        }
        Written::Bool(_) | Written::Nothing => Err(BAD_NAME),
    }
}

fn write_text_header(message: &mut Message, name: &[u8], text: &[u8]) -> Result<(), &'static str> {
    let header = match name {
        b"Type" => &mut message.msg_type,
        b"Logger" => &mut message.logger,
        b"Payload" => &mut message.payload,
        b"EnvVersion" => &mut message.env_version,
        b"Hostname" => &mut message.hostname,
        b"Uuid" => {
            let is_dashed = matches!(text.len(), 36 | 45);
            let uuid = parse_uuid(text).filter(|_| is_dashed).ok_or("Bad UUID string.")?;
            message.uuid = Some(BString::from(&uuid[..]));
            return Ok(());
        }
        b"Timestamp" => {
            message.timestamp = Some(timestamp(text)?);
            return Ok(());
        }
        b"Severity" => {
            message.severity = Some(small(text).ok_or("Can't parse severity value.")?);
            return Ok(());
        }
        b"Pid" => {
            message.pid = Some(small(text).ok_or("Can't parse PID value.")?);
            return Ok(());
        }
        _ => return Err(BAD_NAME),
    };
    *header = Some(BString::from(text));
    Ok(())
}

fn small(text: &[u8]) -> Option<i32> {
    integer(text).and_then(|number| i32::try_from(number).ok())
}

/// Nanoseconds since the epoch: a number, or a date in one of the usual forms.
fn timestamp(text: &[u8]) -> Result<i64, &'static str> {
    if text.is_empty() {
        return Err("Empty timestamp string.");
    }
    if let Some(number) = integer(text) {
        return Ok(number);
    }
    let parsed = TimestampParser::new("", Zone::Utc).parse(text);
    parsed.map(|time| time.unix_nanos()).map_err(|_| "Can't parse timestamp string.")
}

/// An integer as Go reads it when the text names the base: `0x` hexadecimal, `0` octal, else decimal.
fn integer(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => ("-", &text[1..]),
        b'+' => ("", &text[1..]),
        _ => ("", text),
    };
    let (digits, base) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (&digits[2..], 16),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    if !digits.starts_with(|digit: char| digit.is_ascii_alphanumeric()) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), base).ok()
}

fn write_field(
    message: &mut Message,
    name: &[u8],
    target: &Target<'_>,
    value: Written<'_>,
) -> Result<(), String> {
    let mut named = (0..message.fields.len()).filter(|&at| message.fields[at].name() == name);
    let position = named.clone().nth(target.index);
    if let Written::Nothing = value {
        if named.next().is_none() {
            return Ok(());
        }
        let position = position.ok_or(BAD_FIELD_INDEX)?;
        if !target.has_element {
            message.fields.remove(position);
            return Ok(());
        }
        return remove_element(&mut message.fields[position], target.element);
    }
    match position {
        Some(position) => {
            let field = &mut message.fields[position];
            set_element(field, name, target.element, value)?;
            field.representation = Some(BString::from(target.representation));
            Ok(())
        }
        None if named.count() < target.index => Err(BAD_FIELD_INDEX.into()),
        None if target.element != 0 => Err(BAD_ARRAY_INDEX.into()),
        None => {
            message.add_field(new_field(name, target.representation, value));
            Ok(())
        }
    }
}

fn new_field(name: &[u8], representation: &[u8], value: Written<'_>) -> Field {
    match value {
        Written::Text(text) => Field::string(name, representation, text),
        Written::Number(number) => Field::double(name, representation, number),
        Written::Bool(truth) => Field::boolean(name, representation, truth),
        Written::Nothing => Field::new(name, ValueType::String, representation),
    }
}

fn set_element(field: &mut Field, name: &[u8], element: usize, value: Written<'_>) -> Result<(), String> {
    match (field.value_type(), value) {
        (ValueType::String, Written::Text(text)) => {
            set(&mut field.value_string, element, BString::from(text))
        }
        (ValueType::Double, Written::Number(number)) => set(&mut field.value_double, element, number),
        (ValueType::Bool, Written::Bool(truth)) => set(&mut field.value_bool, element, truth),
        (other, _) => {
            let other = match other {
                ValueType::String => "a string",
                ValueType::Bytes => "a bytes",
                ValueType::Integer => "an integer",
                ValueType::Double => "a double",
                ValueType::Bool => "an boolean",
                ValueType::Other(_) => "an unknown",
            };
            Err(format!("type error, '{}' is {other} field", BStr::new(name)))
        }
    }
}

/// Replaces an element, or appends it right behind the last one.
fn set<T>(values: &mut Vec<T>, element: usize, value: T) -> Result<(), String> {
    match element {
        _ if element < values.len() => values[element] = value,
        _ if element == values.len() => values.push(value),
        _ => return Err(BAD_ARRAY_INDEX.into()),
    }
    Ok(())
}

fn remove_element(field: &mut Field, element: usize) -> Result<(), String> {
    if element >= field.value_count() {
        return Err(BAD_ARRAY_INDEX.into());
    }
    match field.value_type() {
        ValueType::String => drop(field.value_string.remove(element)),
        ValueType::Bytes => drop(field.value_bytes.remove(element)),
        ValueType::Integer => drop(field.value_integer.remove(element)),
        ValueType::Double => drop(field.value_double.remove(element)),
        ValueType::Bool => drop(field.value_bool.remove(element)),
        ValueType::Other(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_name_their_base() {
        let pairs = [("10", 10), ("0x10", 16), ("010", 8), ("-5", -5), ("0", 0), ("+7", 7), ("-0x1f", -31)];
        for (text, number) in pairs {
            assert_eq!(integer(text.as_bytes()), Some(number), "{text}");
        }
        for text in ["", "-", "x", "08", "0x", "4.5", "99999999999999999999", "--1", "0x-1", "1_0"] {
            assert_eq!(integer(text.as_bytes()), None, "{text}");
        }
    }
}
