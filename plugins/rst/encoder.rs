//! Writes messages for people to read, in reStructuredText.

use heka_message::golang::{Zone, write_float_g, write_time_string};
use heka_message::{DEFAULT_SEVERITY, FieldView, MessageView, Value, ValueType, uuid_text};
use heka_plugin::config::AnyOptions;
use heka_plugin::encoder::EncoderPlugin;
use heka_plugin::{ConfigError, Context, Encode, EncodeError, Encoder, PluginDef, registry};

use crate::base64_text::write_base64;

/// The row of this plugin.
pub static DEF: PluginDef = registry::encoder::<RstEncoder>();

/// Writes all of a message for people to read, in reStructuredText. Nothing is escaped.
pub struct RstEncoder;

impl EncoderPlugin for RstEncoder {
    type Config = AnyOptions;
    const NAME: &'static str = "RstEncoder";

    fn open(_: AnyOptions, _: &Context) -> Result<RstEncoder, ConfigError> {
        Ok(RstEncoder)
    }
}

impl Encoder for RstEncoder {
    fn encode(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) -> Result<Encode, EncodeError> {
        let headers = message.headers();
        let mut number = itoa::Buffer::new();
        out.extend_from_slice(b"\n:Timestamp: ");
        write_time_string(headers.timestamp.unwrap_or(0), &Zone::Utc, out);
        write_line(b"\n:Type: ", text(headers.msg_type), out);
        write_line(b"\n:Hostname: ", text(headers.hostname), out);
        write_line(b"\n:Pid: ", number.format(headers.pid.unwrap_or(0)).as_bytes(), out);
        let mut uuid = [0; 36];
        write_line(b"\n:Uuid: ", uuid_text(headers.uuid.unwrap_or_default(), &mut uuid).as_bytes(), out);
        write_line(b"\n:Logger: ", text(headers.logger), out);
        write_line(b"\n:Payload: ", text(headers.payload), out);
        write_line(b"\n:EnvVersion: ", text(headers.env_version), out);
        let severity = headers.severity.unwrap_or(DEFAULT_SEVERITY);
        write_line(b"\n:Severity: ", number.format(severity).as_bytes(), out);
        out.push(b'\n');
        for (at, field) in message.fields().enumerate() {
            if at == 0 {
                out.extend_from_slice(b":Fields:\n");
            }
            write_field(&field, out);
        }
        out.push(b'\n');
        Ok(Encode::Done)
    }
}

fn text(text: Option<&bstr::BStr>) -> &[u8] {
    text.map_or(&[], |text| text)
}

fn write_line(label: &[u8], text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(label);
    out.extend_from_slice(text);
}

fn write_field(field: &FieldView<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"    | name:\"");
    out.extend_from_slice(field.name());
    out.extend_from_slice(b"\" type:");
    out.extend_from_slice(match field.value_type() {
        ValueType::String => b"string",
        ValueType::Bytes => b"bytes",
        ValueType::Integer => b"integer",
        ValueType::Double => b"double",
        ValueType::Bool => b"bool",
        ValueType::Other(_) => b"",
    });
    out.extend_from_slice(b" value:");
    let is_list = field.value_count() != 1;
    if is_list {
        out.push(b'[');
    }
    for (at, value) in field.values().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_value(value, out);
    }
    if is_list {
        out.push(b']');
    }
    if let Some(representation) = field.representation().filter(|text| !text.is_empty()) {
        out.extend_from_slice(b" representation:\"");
        out.extend_from_slice(representation);
        out.push(b'"');
    }
    out.push(b'\n');
}

fn write_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::String(text) => {
            out.push(b'"');
            out.extend_from_slice(text);
            out.push(b'"');
        }
        Value::Bytes(bytes) => write_base64(bytes, out),
        Value::Integer(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
        Value::Double(number) => write_float_g(number, out),
        Value::Bool(truth) => out.extend_from_slice(if truth { b"true" } else { b"false" }),
    }
}

#[cfg(test)]
mod tests {
    use heka_message::Message;

    use super::*;
    use crate::sample;

    fn encoded(message: &Message) -> String {
        sample::encoded(&mut RstEncoder, message)
    }

    #[test]
    fn a_whole_message() {
        assert_eq!(
            encoded(&sample::full()),
            "\n:Timestamp: 2015-05-14 10:40:00.123456789 +0000 UTC\n:Type: my.type\n:Hostname: h.example.com\n:Pid: 4242\n\
             :Uuid: 00000000-0000-4000-8000-000000000001\n:Logger: my.logger\n:Payload: the payload\n:EnvVersion: 1.2\n\
             :Severity: 3\n:Fields:\n    | name:\"s\" type:string value:\"text\" representation:\"ipv4\"\n    \
             | name:\"i\" type:integer value:42 representation:\"B\"\n    | name:\"d\" type:double value:1.5\n    \
             | name:\"b\" type:bool value:true\n    | name:\"y\" type:bytes value:cmF3\n\n"
        );
    }

    #[test]
    fn a_bare_message() {
        let message = Message { timestamp: Some(-1), ..Message::default() };
        assert_eq!(
            encoded(&message),
            "\n:Timestamp: 1969-12-31 23:59:59.999999999 +0000 UTC\n:Type: \n:Hostname: \n:Pid: 0\n:Uuid: \n:Logger: \n\
             :Payload: \n:EnvVersion: \n:Severity: 7\n\n"
        );
    }

    #[test]
    fn values_of_all_kinds() {
        let fields = |message: &Message| {
            let text = encoded(message);
            text.split_once(":Fields:\n").unwrap().1.to_string()
        };
        assert_eq!(
            fields(&sample::types()),
            "    | name:\"str\" type:string value:\"\"\n    | name:\"str2\" type:string value:[\"a\",\"b\",\"c\"]\n    \
             | name:\"int\" type:integer value:0\n    | name:\"ints\" type:integer value:[1,-2,3]\n    \
             | name:\"dbl\" type:double value:0\n    | name:\"dbls\" type:double value:[1,2.5,-3.25]\n    \
             | name:\"bool\" type:bool value:false\n    | name:\"bools\" type:bool value:[true,false]\n    \
             | name:\"bytes\" type:bytes value:\n    | name:\"bytes2\" type:bytes value:[b25l,dHdv]\n    \
             | name:\"dup\" type:string value:\"x\"\n    | name:\"dup\" type:string value:\"y\"\n    \
             | name:\"dup\" type:integer value:5\n\n"
        );
        assert_eq!(
            fields(&sample::no_values()),
            "    | name:\"none\" type:string value:[]\n    | name:\"noneint\" type:integer value:[]\n    \
             | name:\"nonebytes\" type:bytes value:[]\n\n"
        );
        let numbers = fields(&sample::numbers());
        assert!(numbers.contains("| name:\"d2\" type:double value:1.23456789e+08\n"));
        assert!(numbers.contains("| name:\"d9\" type:double value:-0\n"));
    }

    #[test]
    fn nothing_is_escaped() {
        let bytes = sample::encoded_bytes(&mut RstEncoder, &sample::broken());
        let has = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(has(b":Payload: x\xff\xfe\xc3(\xe2\x82y\n"));
        assert!(has(b"    | name:\"n\xff\" type:string value:\"v\"\n"));
        assert!(has(b"    | name:\"y\" type:bytes value://4A\n"));
    }
}
