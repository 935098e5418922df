//! Reads a file again and again.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;

use heka_message::Field;
use heka_plugin::input::InputPlugin;
use heka_plugin::{
    ConfigError, Context, Deliverer, Inlet, Input, InputDefaults, PluginDef, PluginError, Stop, registry,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::addressing::reason;
use crate::complaint::Complaint;
use crate::ticks::Ticks;

/// The row of this plugin.
pub static DEF: PluginDef = registry::input::<FilePollingInput>();

/// Bytes that are taken for one read, and so are one message with NullSplitter. The system gives less at a time of some of
/// its files, such as those below /proc.
const READ_BYTES: usize = 64 << 10;

/// Reads a file anew at every tick.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "file.FilePollingInputConfig", default, deny_unknown_fields)]
pub struct Config {
    /// The file. A relative path starts at hekad's working directory.
    pub file_path: String,
}

/// Reads a file every `ticker_interval` seconds, from its beginning to its end. With NullSplitter it is one message, or one
/// for each 64 KiB if it has more; an empty file is none.
pub struct FilePollingInput {
    path: String,
    hostname: String,
}

impl InputPlugin for FilePollingInput {
    type Config = Config;
    const NAME: &'static str = "FilePollingInput";
    const DEFAULTS: InputDefaults = InputDefaults { ticker_interval_s: 5, ..InputDefaults::USUAL };

    fn open(config: Config, context: &Context) -> Result<FilePollingInput, ConfigError> {
        Ok(FilePollingInput { path: config.file_path, hostname: context.globals.hostname.clone() })
    }
}

impl Input for FilePollingInput {
    fn run(&mut self, inlet: &dyn Inlet, stop: &Stop) -> Result<(), PluginError> {
        let interval_s = inlet.ticker_interval_s();
        let mut deliverer = inlet.deliverer("").map_err(PluginError::Run)?;
        let fields = [
            Field::integer("TickerInterval", "", i64::try_from(interval_s).unwrap_or(i64::MAX)),
            Field::string("FilePath", "", self.path.as_str()),
        ];
        let hostname = self.hostname.clone();
        deliverer.set_decorator(Box::new(move |pack| {
            let message = pack.message_mut();
            message.msg_type = Some("heka.file.polling".into());
            message.hostname = Some(hostname.as_str().into());
            fields.iter().for_each(|field| message.add_field(field.clone()));
        }));
        let mut ticks = Ticks::new(interval_s);
        let mut complaint = Complaint::default();
        let mut buffer = vec![0; READ_BYTES];
        while ticks.wait(stop) {
            match self.open_file() {
                Ok(file) => self.poll(file, &mut buffer, deliverer.as_mut(), stop)?,
                Err(why) => Err(why),
            }
            .unwrap_or_else(|why| {
                if complaint.is_due(&why) {
                    inlet.log_error(&why);
                }
            });
        }
        Ok(())
    }
}

impl FilePollingInput {
    fn open_file(&self) -> Result<File, String> {
        // A pipe that nobody writes to is not to be waited for.
        let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(&self.path);
        opened.map_err(|error| format!("Error opening file: open {}: {}", self.path, reason(&error)))
    }

    /// Reads the file to its end. The inner error is why it could not be read.
    fn poll(
        &self,
        mut file: File,
        buffer: &mut [u8],
        deliverer: &mut dyn Deliverer,
        stop: &Stop,
    ) -> Result<Result<(), String>, PluginError> {
        let mut problem = None;
        while problem.is_none() && !stop.is_requested() {
            let (size, failed) = fill(&mut file, buffer);
            problem =
                failed.map(|error| format!("Error reading file: read {}: {}", self.path, reason(&error)));
            if size == 0 {
                break;
            }
            deliverer.push(&buffer[..size])?;
        }
        // What comes at the next tick does not go on where this ended.
        deliverer.finish()?;
        deliverer.reset();
        Ok(problem.map_or(Ok(()), Err))
    }
}

/// Reads until the buffer is full or the file ends; returns how much came, and what kept more from coming.
fn fill(file: &mut File, buffer: &mut [u8]) -> (usize, Option<std::io::Error>) {
    let mut size = 0;
    while size < buffer.len() {
        match file.read(&mut buffer[size..]) {
            Ok(0) => break,
            Ok(more) => size += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // An empty pipe.
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return (size, Some(error)),
        }
    }
    (size, None)
}

#[cfg(test)]
mod tests {
    use heka_message::Value;

    use super::*;
    use crate::fake_inlet::FakeInlet;

    /// Runs the input on `path` until `seen` has returned.
    fn while_polling(inlet: &FakeInlet, path: &str, seen: impl FnOnce()) {
        let config = Config { file_path: path.into() };
        let mut input = FilePollingInput::open(config, &Context::for_test("poll")).unwrap();
        let stop = Stop::new();
        std::thread::scope(|scope| {
            let running = scope.spawn(|| input.run(inlet, &stop));
            seen();
            stop.request();
            running.join().unwrap().unwrap();
        });
    }

    #[test]
    fn the_file_comes_again_with_every_tick() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "one\ntail").unwrap();
        let path = file.path().to_str().unwrap();
        let inlet = FakeInlet { whole_reads: true, tick_s: 1, ..FakeInlet::default() };
        while_polling(&inlet, path, || {
            let message = inlet.messages(1).remove(0);
            assert_eq!(message.msg_type.as_ref().unwrap(), "heka.file.polling");
            assert_eq!(message.hostname.as_ref().unwrap(), "test.host");
            assert_eq!(message.payload.as_ref().unwrap(), "one\ntail");
            let names: Vec<_> = message.fields.iter().map(|field| field.name().to_string()).collect();
            assert_eq!(names, ["TickerInterval", "FilePath"]);
            assert_eq!(message.fields[0].value(0), Some(Value::Integer(1)));
            assert_eq!(message.fields[1].value(0), Some(Value::String(path.into())));
            std::fs::write(file.path(), "").unwrap();
            std::fs::write(file.path(), "two").unwrap();
            while inlet.payloads(1).last().unwrap() != "two" {
                inlet.messages(inlet.payloads(1).len() + 1);
            }
        });
        let lines = FakeInlet { tick_s: 1, ..FakeInlet::default() };
        std::fs::write(file.path(), "one\ntail").unwrap();
        while_polling(&lines, path, || assert_eq!(lines.payloads(2), ["one\n", "one\n"]));
    }

    #[test]
    fn a_large_file_is_a_message_for_each_64_kib_and_a_missing_one_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let path = path.to_str().unwrap();
        let inlet = FakeInlet { whole_reads: true, tick_s: 1, ..FakeInlet::default() };
        while_polling(&inlet, path, || {
            let text = format!("Error opening file: open {path}: no such file or directory");
            inlet.log_with(&text);
            std::fs::write(format!("{path}.new"), vec![b'x'; READ_BYTES + 10]).unwrap();
            std::fs::rename(format!("{path}.new"), path).unwrap();
            let sizes: Vec<usize> = inlet.payloads(2).iter().take(2).map(String::len).collect();
            assert_eq!(sizes, [READ_BYTES, 10]);
        });
        while_polling(&inlet, folder.path().to_str().unwrap(), || {
            inlet.log_with(": is a directory");
        });
    }

    #[test]
    fn a_file_of_the_system_comes_whole() {
        let inlet = FakeInlet { whole_reads: true, tick_s: 1, ..FakeInlet::default() };
        while_polling(&inlet, "/proc/self/maps", || {
            let read = inlet.payloads(1).remove(0);
            assert!(read.len() == READ_BYTES || read.ends_with('\n'));
            assert!(read.lines().count() > 1);
        });
    }
}
