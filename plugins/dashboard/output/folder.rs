//! The folder that is served, and what messages put into it.

mod prepare;
mod sandboxes;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use heka_message::golang::os_error::path_error;
use heka_message::{MessageView, Value};

use self::sandboxes::Sandboxes;
use crate::complaint::Complaint;

pub(super) use self::prepare::check;

/// Files are written beside and put into place whole; this is the name meanwhile.
const DRAFT: &str = ".draft";

/// The folder.
pub(super) struct Folder {
    root: PathBuf,
    sandboxes: Sandboxes,
    complaint: Complaint,
}

impl Folder {
    /// Makes the folder and puts the page into it.
    ///
    /// # Errors
    /// A folder cannot be made, or a file not copied.
    pub(super) fn prepare(root: &Path, page: Option<&Path>) -> Result<Folder, String> {
        prepare::prepare(root, page)?;
        Ok(Folder { root: root.into(), sandboxes: Sandboxes::default(), complaint: Complaint::default() })
    }

    /// Puts into the folder what messages tell. Of several for one file only the last is written. Returns what went wrong and
    /// should be told; what is shown is no reason to hold anything up.
    pub(super) fn take<'a>(&mut self, messages: impl Iterator<Item = MessageView<'a>>) -> Vec<String> {
        let mut files: BTreeMap<String, &[u8]> = BTreeMap::new();
        let mut ends = Vec::new();
        let mut reported = false;
        let mut wrong = Vec::new();
        for message in messages {
            match message.msg_type().map_or(b"".as_slice(), AsRef::as_ref) {
                b"heka.all-report" => {
                    reported = true;
                    files.insert("heka_report.json".into(), payload(&message));
                }
                b"heka.sandbox-output" => {
                    let Some(payload_type) = text(&message, b"payload_type") else { continue };
                    let name = text(&message, b"payload_name").unwrap_or_default();
                    match self.sandboxes.note(
                        message.logger().map_or(b"".as_slice(), AsRef::as_ref),
                        name,
                        payload_type,
                    ) {
                        Ok(file) => {
                            files.insert(file, payload(&message));
                        }
                        Err(why) => wrong.push(why),
                    }
                }
                b"heka.sandbox-terminated" => ends.extend(self.end(&message)),
                _ => {}
            }
        }
        let list = reported.then(|| self.sandboxes.json());
        let written = files
            .iter()
            .map(|(name, bytes)| self.write(name, bytes))
            .chain(list.iter().map(|list| self.write("sandboxes.json", list)));
        wrong.extend(written.filter_map(Result::err));
        wrong.extend(self.append_ends(&ends).err());
        // The others have the same cause as the first, or are told once that is gone.
        wrong.truncate(1);
        wrong.retain(|why| self.complaint.is_due(why));
        wrong
    }

    /// A line of the report of ended sandboxes.
    fn end(&mut self, message: &MessageView<'_>) -> Option<Vec<u8>> {
        let plugin = text(message, b"plugin")?;
        self.sandboxes.remove(plugin);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut line = format!("{now}\t").into_bytes();
        line.extend_from_slice(plugin);
        line.push(b'\t');
        line.extend_from_slice(payload(message));
        if message.field(b"ProcessMessageCount", 0).is_some() {
            for name in [
                "ProcessMessageCount",
                "ProcessMessageSamples",
                "ProcessMessageAvgDuration",
                "MatchAvgDuration",
                "FilterChanLength",
                "MatchChanLength",
                "RouterChanLength",
            ] {
                line.extend_from_slice(format!(" {name}:{}", number(message, name.as_bytes())).as_bytes());
            }
        }
        line.push(b'\n');
        Some(line)
    }

    fn append_ends(&self, ends: &[Vec<u8>]) -> Result<(), String> {
        if ends.is_empty() {
            return Ok(());
        }
        let path = self.root.join("data/heka_sandbox_termination.tsv");
        let file = OpenOptions::new().create(true).append(true).open(&path);
        file.and_then(|mut file| file.write_all(&ends.concat()))
            .map_err(|error| path_error("open", path.display(), &error))
    }

    /// Whoever reads the file meanwhile sees the old or the new one, never half of it.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), String> {
        let (draft, path) = (self.root.join(DRAFT), self.root.join("data").join(name));
        let written = fs::write(&draft, bytes).and_then(|()| fs::rename(&draft, &path));
        written.map_err(|error| path_error("open", path.display(), &error))
    }
}

/// The payload.
fn payload<'a>(message: &MessageView<'a>) -> &'a [u8] {
    message.payload().map_or(b"".as_slice(), AsRef::as_ref)
}

/// A field's text, if it is one.
fn text<'a>(message: &MessageView<'a>, name: &[u8]) -> Option<&'a [u8]> {
    match message.field(name, 0)?.value(0)? {
        Value::String(text) => Some(text.as_ref()),
        _ => None,
    }
}

/// A field's number as Go prints it.
fn number(message: &MessageView<'_>, name: &[u8]) -> String {
    match message.field(name, 0).and_then(|field| field.value(0)) {
        Some(Value::Integer(number)) => number.to_string(),
        Some(Value::Double(number)) => number.to_string(),
        _ => "<nil>".into(),
    }
}

#[cfg(test)]
mod tests;
