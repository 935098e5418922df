//! SandboxEncoder: a Lua script makes an output's bytes of messages.

use std::time::Instant;

use heka_message::{Message, MessageView};
use heka_plugin::encoder::EncoderPlugin;
use heka_plugin::report::ReportRow;
use heka_plugin::{ConfigError, Context, Encode, EncodeError, Encoder, PluginDef, registry};
use heka_sandbox::{
    Counts, ENCODER, Injected, InjectedPayload, Messages, Outcome, Refused, Sandbox, SandboxConfig,
    SandboxEncoderConfig, Source,
};

use crate::sandbox_timing::call_rows;

/// The row of SandboxEncoder.
pub static DEF: PluginDef = registry::encoder::<SandboxEncoder>();

/// The script's status that skips a message without a failure.
const SKIP: i32 = -2;

/// Runs a script's `process_message` on every message.
pub struct SandboxEncoder {
    /// `None` once stopped, and while options are only checked.
    sandbox: Option<Sandbox>,
    counts: Counts,
    sample_denominator: u64,
    context: Context,
}

impl EncoderPlugin for SandboxEncoder {
    type Config = SandboxEncoderConfig;
    const NAME: &'static str = "SandboxEncoder";

    fn open(config: SandboxEncoderConfig, context: &Context) -> Result<SandboxEncoder, ConfigError> {
        let settings = SandboxConfig::from(config).settings(&ENCODER, &context.section, context)?;
        let failed = |why| ConfigError::init(format!("Sandbox initialization failed: {why}"));
        let sandbox = if context.only_check { None } else { Some(Sandbox::open(settings).map_err(failed)?) };
        Ok(SandboxEncoder {
            sandbox,
            counts: Counts::default(),
            sample_denominator: u64::from(context.globals.sample_denominator.max(1)),
            context: context.clone(),
        })
    }
}

impl Encoder for SandboxEncoder {
    fn encode(&mut self, message: MessageView<'_>, out: &mut Vec<u8>) -> Result<Encode, EncodeError> {
        let Some(sandbox) = &mut self.sandbox else { return Err(EncodeError("No sandbox.".into())) };
        let sampled = self.counts.processed.is_multiple_of(self.sample_denominator).then(Instant::now);
        self.counts.processed += 1;
        let start = out.len();
        let mut call = Call { message, copy: None, out, start };
        let outcome = sandbox.process_message(&mut call);
        let Call { copy, .. } = call;
        if let Some(began) = sampled {
            self.counts.samples += 1;
            self.counts.sampled_ns += u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        }
        for note in sandbox.take_notes() {
            self.context.log.plain(note.as_bytes());
        }
        match outcome {
            Outcome::Returned(0) => {
                match copy {
                    _ if out.len() > start => {}
                    Some(copy) => copy.encode(out),
                    None => out.extend_from_slice(message.bytes()),
                }
                Ok(Encode::Done)
            }
            Outcome::Returned(SKIP) => {
                out.truncate(start);
                Ok(Encode::Skip)
            }
            Outcome::Returned(status) if status < 0 => {
                self.counts.failures += 1;
                Err(EncodeError(format!("Failed serializing: {}", sandbox.last_error())))
            }
            _ => Err(EncodeError(format!("FATAL: {}", sandbox.last_error()))),
        }
    }

    fn report(&self) -> Vec<ReportRow> {
        self.sandbox.as_ref().map(|sandbox| call_rows(sandbox.figures(), self.counts)).unwrap_or_default()
    }

    fn stop(&mut self) -> Result<(), String> {
        // An encoder's state that cannot be written is no error: so it was in Heka.
        if let Some(mut sandbox) = self.sandbox.take() {
            let _ = sandbox.stop();
        }
        Ok(())
    }
}

impl SandboxEncoder {
    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }
}

/// One message being encoded.
struct Call<'a> {
    message: MessageView<'a>,
    /// The message as the script changed it.
    copy: Option<Message>,
    out: &'a mut Vec<u8>,
    /// Where this message's bytes begin in `out`.
    start: usize,
}

impl Call<'_> {
    /// The last injection counts.
    fn replace(&mut self, bytes: &[u8]) {
        self.out.truncate(self.start);
        self.out.extend_from_slice(bytes);
    }
}

impl Messages for Call<'_> {
    fn current(&mut self) -> Option<Source<'_>> {
        Some(match &self.copy {
            Some(copy) => Source::Parsed(copy),
            None => Source::Encoded(self.message),
        })
    }

    fn raw(&mut self) -> Option<&[u8]> {
        Some(self.message.bytes())
    }

    fn edit(&mut self) -> Option<&mut Message> {
        if self.copy.is_none() {
            self.copy = Some(self.message.to_message().unwrap_or_default());
        }
        self.copy.as_mut()
    }

    fn inject_message(&mut self, message: Injected<'_>) -> Result<(), Refused> {
        self.replace(message.bytes);
        Ok(())
    }

    fn inject_payload(&mut self, payload: InjectedPayload<'_>) -> Result<(), Refused> {
        self.replace(payload.payload);
        Ok(())
    }
}

#[cfg(test)]
#[path = "encoder/tests.rs"]
mod tests;
