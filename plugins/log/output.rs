//! Writes records to hekad's log.

use std::sync::Arc;

use heka_plugin::config::AnyOptions;
use heka_plugin::output::OutputPlugin;
use heka_plugin::{ConfigError, Context, Log, Output, PluginDef, Record, SendError, Stop, registry};

/// The row of this plugin.
pub static DEF: PluginDef = registry::output::<LogOutput>();

/// Writes records to hekad's log on stdout, a line each, with the prefix that `log_flags` asks for.
pub struct LogOutput {
    log: Arc<dyn Log>,
}

impl OutputPlugin for LogOutput {
    type Config = AnyOptions;
    const NAME: &'static str = "LogOutput";
    const NEEDS_ENCODER: Option<&'static str> = Some("Encoder required.");

    fn open(_: AnyOptions, context: &Context) -> Result<LogOutput, ConfigError> {
        Ok(LogOutput { log: Arc::clone(&context.log) })
    }
}

impl Output for LogOutput {
    fn send(&mut self, batch: &[Record<'_>], _: &Stop) -> Result<(), SendError> {
        for record in batch {
            self.log.plain(record.bytes);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use heka_message::MessageView;

    use super::*;

    #[derive(Default)]
    struct Seen(Mutex<Vec<Vec<u8>>>);

    impl Log for Seen {
        fn info(&self, _: &str) {}
        fn error(&self, _: &str) {}
        fn plain(&self, bytes: &[u8]) {
            self.0.lock().unwrap().push(bytes.to_vec());
        }
    }

    #[test]
    fn each_record_is_a_line_of_the_log() {
        let seen = Arc::new(Seen::default());
        let context = Context { log: Arc::clone(&seen) as Arc<dyn Log>, ..Context::for_test("out") };
        let mut output = LogOutput::open(AnyOptions {}, &context).unwrap();
        let record = |bytes| Record { message: MessageView::new(b""), bytes, loop_count: 0 };
        output.send(&[record(b"one"), record(b"two\n"), record(b"")], &Stop::new()).unwrap();
        assert_eq!(*seen.0.lock().unwrap(), [b"one".to_vec(), b"two\n".to_vec(), b"".to_vec()]);
    }
}
