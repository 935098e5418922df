//! SandboxDecoder: a Lua script makes messages of records.

use std::time::Instant;

use bstr::BString;
use heka_message::{Field, Message};
use heka_plugin::decoder::DecoderPlugin;
use heka_plugin::report::ReportRow;
use heka_plugin::{ConfigError, Context, Decode, DecodeError, Decoder, Pack, PluginDef, registry};
use heka_sandbox::{
    Counts, DECODER, Defaults, Injected, InjectedPayload, Messages, Outcome, Reencoding, Refused, Sandbox,
    SandboxConfig, Source, random_uuid,
};

use crate::home_zone::HomeZone;
use crate::sandbox_timing::call_rows;

/// The row of SandboxDecoder.
pub static DEF: PluginDef = registry::decoder::<SandboxDecoder>();

/// Runs a script's `process_message` on every record.
pub struct SandboxDecoder {
    /// `None` once stopped, and while options are only checked.
    sandbox: Option<Sandbox>,
    zone: HomeZone,
    /// Headers of the record that is being decoded.
    defaults: Defaults,
    counts: Counts,
    sample_denominator: u64,
    context: Context,
}

impl DecoderPlugin for SandboxDecoder {
    type Config = SandboxConfig;
    const NAME: &'static str = "SandboxDecoder";

    fn open(config: SandboxConfig, context: &Context) -> Result<SandboxDecoder, ConfigError> {
        let zone = HomeZone::of(&config)?;
        let mut settings = config.settings(&DECODER, &context.name, context)?;
        settings.reencoding = if zone.moves() { Reencoding::Always } else { Reencoding::WhenIncomplete };
        let sandbox =
            if context.only_check { None } else { Some(Sandbox::open(settings).map_err(ConfigError::Init)?) };
        Ok(SandboxDecoder {
            sandbox,
            zone,
            defaults: Defaults::default(),
            counts: Counts::default(),
            sample_denominator: u64::from(context.globals.sample_denominator.max(1)),
            context: context.clone(),
        })
    }
}

impl Decoder for SandboxDecoder {
    fn decode(&mut self, pack: &mut Pack, extra: &mut Vec<Pack>) -> Result<Decode, DecodeError> {
        let Some(sandbox) = &mut self.sandbox else {
            return Err(DecodeError::Failed("SandboxDecoder has been terminated".into()));
        };
        let before = extra.len();
        let sampled = self.counts.processed.is_multiple_of(self.sample_denominator).then(Instant::now);
        self.counts.processed += 1;
        let mut call = Call { pack, extra, injected: 0, defaults: &mut self.defaults, zone: &self.zone };
        let outcome = sandbox.process_message(&mut call);
        let injected = call.injected;
        if let Some(start) = sampled {
            self.counts.samples += 1;
            self.counts.sampled_ns += u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        }
        self.counts.injected += injected as u64;
        for note in sandbox.take_notes() {
            self.context.log.plain(note.as_bytes());
        }
        match outcome {
            Outcome::Returned(0) => Ok(Decode::Done),
            Outcome::Returned(status) if status < 0 => {
                self.counts.failures += 1;
                let why = sandbox.last_error();
                if injected > 0 {
                    extra.truncate(before);
                    return Err(DecodeError::Failed(format!(
                        "Failed after a successful inject_message call: {why}"
                    )));
                }
                let payload = pack.message().payload.clone().unwrap_or_default();
                Err(DecodeError::Failed(format!("Failed parsing: {why} payload: {payload}")))
            }
            _ => Err(DecodeError::Fatal {
                why: format!("FATAL: {}", sandbox.last_error()),
                pack_is_done: injected > 0,
            }),
        }
    }

    fn report(&self) -> Vec<ReportRow> {
        self.sandbox.as_ref().map(|sandbox| call_rows(sandbox.figures(), self.counts)).unwrap_or_default()
    }

    fn stop(&mut self) -> Result<(), String> {
        self.sandbox.take().map_or(Ok(()), |mut sandbox| sandbox.stop())
    }
}

impl SandboxDecoder {
    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

/// One record being decoded.
struct Call<'a> {
    /// The record, and the first message made of it.
    pack: &'a mut Pack,
    /// Further messages.
    extra: &'a mut Vec<Pack>,
    injected: usize,
    defaults: &'a mut Defaults,
    zone: &'a HomeZone,
}

impl Call<'_> {
    /// The pack that scripts read: the record's until a second message is injected, then the newest.
    fn newest(&mut self) -> &mut Pack {
        match self.extra.last_mut() {
            Some(last) if self.injected > 1 => last,
            _ => self.pack,
        }
    }

    /// The pack for the next message: the record's own, then new ones.
    fn next(&mut self) -> &mut Pack {
        if self.injected == 0 {
            self.defaults.take_from(self.pack.message());
        } else {
            self.extra.push(Pack::new());
        }
        self.injected += 1;
        self.newest()
    }

    /// A message that came as bytes.
    fn inject_bytes(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut message = Message::decode(bytes).map_err(|_| Refused::Unmarshal)?;
        self.next();
        let mut is_changed = self.defaults.fill(&mut message);
        if message.uuid.is_none() {
            message.uuid = Some(BString::from(&random_uuid()[..]));
            is_changed = true;
        }
        if let Some(moved) = message.timestamp.and_then(|timestamp| self.zone.moved(timestamp)) {
            message.timestamp = Some(moved);
            is_changed = true;
        }
        let pack = self.newest();
        if is_changed {
            *pack.message_mut() = message;
        } else {
            pack.bytes_mut().extend_from_slice(bytes);
            pack.trust_encoded();
        }
        Ok(())
    }
}

impl Messages for Call<'_> {
    fn current(&mut self) -> Option<Source<'_>> {
        Some(Source::Parsed(self.newest().message()))
    }

    fn raw(&mut self) -> Option<&[u8]> {
        Some(self.newest().raw())
    }

    fn edit(&mut self) -> Option<&mut Message> {
        Some(self.newest().message_mut())
    }

    fn inject_message(&mut self, message: Injected<'_>) -> Result<(), Refused> {
        let Some(layout) = message.layout else { return self.inject_bytes(message.bytes) };
        let timestamp = self.zone.moved(layout.timestamp());
        self.next();
        // The defaults are read while the pack is written.
        let defaults = std::mem::take(self.defaults);
        let pack = self.newest();
        layout.fill(message.bytes, timestamp, &defaults, pack.bytes_mut());
        pack.trust_canonical();
        *self.defaults = defaults;
        Ok(())
    }

    fn inject_payload(&mut self, payload: InjectedPayload<'_>) -> Result<(), Refused> {
        let is_first = self.injected == 0;
        self.next();
        let defaults = std::mem::take(self.defaults);
        let message = self.newest().message_mut();
        if !is_first {
            message.uuid = Some(BString::from(&random_uuid()[..]));
            defaults.fill(message);
        }
        message.payload = Some(BString::from(payload.payload));
        message.add_field(Field::string("payload_type", "file-extension", payload.payload_type));
        message.add_field(Field::string("payload_name", "", payload.name));
        *self.defaults = defaults;
        Ok(())
    }
}

#[cfg(test)]
#[path = "decoder/tests.rs"]
mod tests;
