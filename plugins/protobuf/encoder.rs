//! Passes messages on in their protobuf form.

use heka_message::MessageView;
use heka_plugin::config::AnyOptions;
use heka_plugin::encoder::EncoderPlugin;
use heka_plugin::report::ReportRow;
use heka_plugin::{ConfigError, Context, Encode, EncodeError, Encoder, PluginDef, registry};

use crate::call_timing::CallTiming;

/// The row of this plugin.
pub static DEF: PluginDef = registry::encoder::<ProtobufEncoder>();

/// Passes messages on in their protobuf form, byte for byte as the decoder that made them left them.
pub struct ProtobufEncoder {
    timing: CallTiming,
}

impl EncoderPlugin for ProtobufEncoder {
    type Config = AnyOptions;
    const NAME: &'static str = "ProtobufEncoder";
    const ANNOUNCES_STOP: bool = true;

    fn open(_: AnyOptions, context: &Context) -> Result<ProtobufEncoder, ConfigError> {
        Ok(ProtobufEncoder { timing: CallTiming::new(&context.globals) })
    }
}

impl Encoder for ProtobufEncoder {
    #[inline]
    fn encode(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) -> Result<Encode, EncodeError> {
        let began = self.timing.begin();
        out.extend_from_slice(message.bytes());
        self.timing.end(began, false);
        Ok(Encode::Done)
    }

    fn report(&self) -> Vec<ReportRow> {
        self.timing.rows("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_unchanged() {
        // An order that Heka's own encoder never writes, a number that it writes in another form, an unknown field.
        let bytes = b"\x32\x02hi\x1a\x01T\x28\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x01\xc2\x0c\x07unknown";
        let mut out = b"before".to_vec();
        let mut encoder = ProtobufEncoder::open(AnyOptions::default(), &Context::for_test("e")).unwrap();
        assert_eq!(encoder.encode(MessageView::new(bytes), &mut out).unwrap(), Encode::Done);
        assert_eq!(out, [b"before" as &[u8], bytes].concat());
        assert_eq!(encoder.report()[0], ("ProcessMessageCount".into(), "1".into(), "count"));
    }
}
