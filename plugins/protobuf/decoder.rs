//! Takes a record for a message in protobuf form.

use heka_plugin::config::AnyOptions;
use heka_plugin::decoder::DecoderPlugin;
use heka_plugin::report::ReportRow;
use heka_plugin::{ConfigError, Context, Decode, DecodeError, Decoder, Pack, PluginDef, registry};

use crate::call_timing::CallTiming;

/// The row of this plugin.
pub static DEF: PluginDef = registry::decoder::<ProtobufDecoder>();

/// Takes a record for a message in protobuf form. Its bytes are checked, and go on unchanged unless somebody edits the
/// message.
pub struct ProtobufDecoder {
    timing: CallTiming,
}

impl DecoderPlugin for ProtobufDecoder {
    type Config = AnyOptions;
    const NAME: &'static str = "ProtobufDecoder";

    fn open(_: AnyOptions, context: &Context) -> Result<ProtobufDecoder, ConfigError> {
        Ok(ProtobufDecoder { timing: CallTiming::new(&context.globals) })
    }
}

impl Decoder for ProtobufDecoder {
    #[inline]
    fn decode(&mut self, pack: &mut Pack, _: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        let began = self.timing.begin();
        let trusted = pack.trust_raw();
        self.timing.end(began, trusted.is_err());
        trusted.map(|()| Decode::Done).map_err(|error| DecodeError::Failed(error.to_string()))
    }

    fn report(&self) -> Vec<ReportRow> {
        self.timing.rows("")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> ProtobufDecoder {
        ProtobufDecoder::open(AnyOptions::default(), &Context::for_test("d")).unwrap()
    }

    fn decoded(bytes: &[u8]) -> Result<Pack, String> {
        let (mut pack, mut extra) = (Pack::new(), Vec::new());
        pack.set_raw(bytes);
        let done = open().decode(&mut pack, &mut extra).map_err(|error| error.to_string())?;
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

    #[test]
    fn messages_and_failures_are_counted() {
        let (mut decoder, mut extra) = (open(), Vec::new());
        for bytes in [b"\x32\x02hi" as &[u8], b"bad", b""] {
            let mut pack = Pack::new();
            pack.set_raw(bytes);
            assert_eq!(decoder.decode(&mut pack, &mut extra).is_err(), bytes == b"bad");
        }
        let counts: Vec<_> = decoder.report().into_iter().map(|(name, value, _)| (name, value)).collect();
        assert_eq!(counts[0], ("ProcessMessageCount".into(), "3".into()));
        assert_eq!(counts[1], ("ProcessMessageFailures".into(), "1".into()));
    }
}
