//! Passes messages on in their protobuf form.

use heka_message::MessageView;
use heka_plugin::config::AnyOptions;
use heka_plugin::encoder::EncoderPlugin;
use heka_plugin::{ConfigError, Context, Encode, EncodeError, Encoder, PluginDef, registry};

/// The row of this plugin.
pub static DEF: PluginDef = registry::encoder::<ProtobufEncoder>();

/// Passes messages on in their protobuf form, byte for byte as the decoder that made them left them.
pub struct ProtobufEncoder;

impl EncoderPlugin for ProtobufEncoder {
    type Config = AnyOptions;
    const NAME: &'static str = "ProtobufEncoder";
    const ANNOUNCES_STOP: bool = true;

    fn open(_: AnyOptions, _: &Context) -> Result<ProtobufEncoder, ConfigError> {
        Ok(ProtobufEncoder)
    }
}

impl Encoder for ProtobufEncoder {
    #[inline]
    fn encode(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) -> Result<Encode, EncodeError> {
        out.extend_from_slice(message.bytes());
        Ok(Encode::Done)
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
        assert_eq!(ProtobufEncoder.encode(MessageView::new(bytes), &mut out).unwrap(), Encode::Done);
        assert_eq!(out, [b"before" as &[u8], bytes].concat());
    }
}
