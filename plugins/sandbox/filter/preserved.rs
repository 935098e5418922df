//! A filter's global variables over restarts.
//!
//! They are kept twice. The *state* is saved many times a second together with the filter's place in the queues, so that
//! after a crash both agree. The *data file* is Heka's, written at a clean end; it is what users keep, replace or delete,
//! and what another Heka may write. So the state tells which data file it was saved beside: if there is another one now,
//! or none any more, that is what counts. Where there is none the first state is put into one, so that a file that is
//! missing later was removed.
//!
//! The state is the data file's text with one more line, `-- data file <SHA-1 of the file, or none>`.

use std::path::{Path, PathBuf};

use heka_sandbox::{Sandbox, write_state};
use sha1::{Digest, Sha1};

const LAST_LINE: &[u8] = b"-- data file ";
const NONE: &str = "none";

/// Where and what a filter preserves.
pub(super) struct Preserved {
    data_file: PathBuf,
    /// Names the data file as it is now.
    data_file_hash: String,
    /// The variables as they could last be written.
    text: Vec<u8>,
    /// The end was orderly: `text` goes into the data file once it was saved with its place.
    is_final: bool,
    is_saved: bool,
    /// The data file has the first state.
    has_first: bool,
}

impl Preserved {
    pub(super) fn new(data_file: PathBuf) -> Preserved {
        let data_file_hash = hash_of_file(&data_file);
        let text = Vec::new();
        Preserved { data_file, data_file_hash, text, is_final: false, is_saved: false, has_first: false }
    }

    /// The state to save now; `None` when the sandbox failed, for then there is none.
    pub(super) fn save(&mut self, sandbox: &mut Sandbox) -> Option<Vec<u8>> {
        if sandbox.is_running() {
            // What cannot be written now may be at the end, where the failure is told.
            if let Ok(text) = sandbox.dump() {
                self.text = text;
            }
        } else if !self.is_final {
            self.remove_first();
            return None;
        }
        if self.data_file_hash == NONE && !self.is_final {
            self.write_first();
        }
        self.is_saved = self.is_final;
        let mut state = self.text.clone();
        state.extend_from_slice(LAST_LINE);
        state.extend_from_slice(self.data_file_hash.as_bytes());
        state.push(b'\n');
        Some(state)
    }

    fn write_first(&mut self) {
        // A folder that takes no file now is complained of when the state itself is saved, which is below it too.
        if !self.text.is_empty() && write_state(&self.data_file, &self.text).is_ok() {
            self.data_file_hash = hash_of(&self.text);
            self.has_first = true;
        }
    }

    /// The filter failed before there were data to keep.
    fn remove_first(&mut self) {
        if std::mem::take(&mut self.has_first) && hash_of_file(&self.data_file) == self.data_file_hash {
            // Left over, it has the values that the script begins with anyway.
            let _ = std::fs::remove_file(&self.data_file);
        }
    }

    /// The variables in a saved state; `None` if there are none in it.
    ///
    /// # Errors
    /// The state does not count.
    pub(super) fn take_up(&mut self, state: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let at = memchr::memmem::rfind(state, LAST_LINE).ok_or("it is no state of a sandbox")?;
        let (text, line) = state.split_at(at);
        let is_same = line[LAST_LINE.len()..].trim_ascii() == self.data_file_hash.as_bytes();
        if !is_same && hash_of(text) != self.data_file_hash {
            let file = self.data_file.display();
            return Err(if self.data_file_hash == NONE {
                format!("{file} was removed")
            } else {
                format!("{file} was replaced")
            });
        }
        self.text = text.to_vec();
        Ok((!text.is_empty()).then(|| text.to_vec()))
    }

    /// Takes the variables a last time. They are in the data file once the last state is saved and `self` dropped.
    ///
    /// # Errors
    /// They cannot be written; there is no data file then.
    pub(super) fn finish(&mut self, sandbox: &mut Sandbox) -> Result<(), String> {
        let written = sandbox.dump();
        self.is_final = true;
        match written {
            Ok(text) => {
                self.text = text;
                Ok(())
            }
            Err(why) => {
                self.text.clear();
                self.data_file_hash = NONE.into();
                // It may not exist, and then all is well.
                let _ = std::fs::remove_file(&self.data_file);
                Err(why)
            }
        }
    }
}

impl Drop for Preserved {
    /// The data file is written last: should hekad be killed before, the state still goes with the file that is there.
    fn drop(&mut self) {
        if self.is_saved && !self.text.is_empty() {
            // The state holds the same; a failure loses nothing that the next start would miss.
            let _ = write_state(&self.data_file, &self.text);
        }
    }
}

fn hash_of_file(path: &Path) -> String {
    std::fs::read(path).map_or_else(|_| NONE.into(), |text| hash_of(&text))
}

fn hash_of(text: &[u8]) -> String {
    Sha1::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
