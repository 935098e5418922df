//! Takes a record for a message in protobuf form.

use heka_plugin::config::AnyOptions;
use heka_plugin::decoder::DecoderPlugin;
use heka_plugin::{ConfigError, Context, Decode, DecodeError, Decoder, Pack, PluginDef, registry};

/// The row of this plugin.
pub static DEF: PluginDef = registry::decoder::<ProtobufDecoder>();

/// Takes a record for a message in protobuf form. Its bytes are checked, and go on unchanged unless somebody edits the
/// message.
pub struct ProtobufDecoder;

impl DecoderPlugin for ProtobufDecoder {
    type Config = AnyOptions;
    const NAME: &'static str = "ProtobufDecoder";

    fn open(_: AnyOptions, _: &Context) -> Result<ProtobufDecoder, ConfigError> {
        Ok(ProtobufDecoder)
    }
}

impl Decoder for ProtobufDecoder {
    #[inline]
    fn decode(&mut self, pack: &mut Pack, _: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        pack.trust_raw().map_err(|error| DecodeError::Failed(error.to_string()))?;
        Ok(Decode::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<Pack, String> {
        let (mut pack, mut extra) = (Pack::new(), Vec::new());
        pack.set_raw(bytes);
        let done = ProtobufDecoder.decode(&mut pack, &mut extra).map_err(|error| error.to_string())?;
        assert_eq!((done, extra.len()), (Decode::Done, 0));
        Ok(pack)
    }

    #[test]
    fn good_bytes_go_on_unchanged() {
        let bytes = b"\x32\x02hi\x1a\x01T\xc2\x0c\x07unknown";
        let mut pack = decoded(bytes).unwrap();
        assert_eq!(pack.message().payload.as_ref().unwrap(), "hi");
        assert_eq!(pack.encoded(), bytes);
        assert_eq!(decoded(b"").unwrap().encoded(), b"");
    }

    #[test]
    fn what_is_wrong_is_said_in_the_codecs_words() {
        assert_eq!(decoded(b"\x1a\x05ab").unwrap_err(), "unexpected EOF");
        assert_eq!(decoded(b"\x08\x01").unwrap_err(), "proto: wrong wireType = 0 for field Uuid");
        assert_eq!(decoded(b"not protobuf at all").unwrap_err(), "proto: illegal wireType 6");
    }
}
