//! How far a filter or an output may lie behind, and what happens then.

use schemars::JsonSchema;
use serde::Deserialize;

/// The `[<plugin>.buffering]` table. If it is given, options that it lacks have these defaults and not the plugin's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename = "pipeline.QueueBufferConfig")]
pub struct Buffering {
    /// Bytes of one file of the queue. Must hold a record; hekad's queue has files of `[hekad] queue_segment_size`.
    pub max_file_size: u64,
    /// Bytes that may wait for the plugin; 0 is no limit.
    pub max_buffer_size: u64,
    /// What happens when more would wait: `shutdown`, `drop` or `block`.
    pub full_action: String,
    /// How many messages may come again after a crash.
    pub cursor_update_count: u64,
}

/// What happens when more messages wait for a plugin than it allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullAction {
    /// hekad stops with exit code 1.
    Shutdown,
    /// Messages are dropped and counted.
    Drop,
    /// Inputs are held back.
    Block,
}

const MAX_FILE_SIZE: u64 = 512 << 20;

impl Default for Buffering {
    fn default() -> Buffering {
        Buffering {
            max_file_size: MAX_FILE_SIZE,
            max_buffer_size: 0,
            full_action: "shutdown".into(),
            cursor_update_count: 1,
        }
    }
}

impl Buffering {
    /// `full_action`; `None` if it is no such word.
    pub fn action(&self) -> Option<FullAction> {
        match self.full_action.as_str() {
            "shutdown" => Some(FullAction::Shutdown),
            "drop" => Some(FullAction::Drop),
            "block" => Some(FullAction::Block),
            _ => None,
        }
    }

    /// Checks what the types of the options do not.
    ///
    /// # Errors
    /// Heka's text; the plugin is not loaded.
    pub fn check(&self) -> Result<(), String> {
        match self.action() {
            Some(_) => Ok(()),
            None => Err(format!(
                "buffer full_action must be 'shutdown', 'drop', or 'block', got '{}'",
                self.full_action
            )),
        }
    }

    /// Checks the size against that of the largest record.
    ///
    /// # Errors
    /// Heka's text; the plugin fails to start.
    pub fn check_file_size(&self, max_record_size: usize) -> Result<(), String> {
        if self.file_size() < max_record_size as u64 {
            return Err(format!(
                "can't initialize buffer: `max_file_size` must be greater than maximum record size of {max_record_size}"
            ));
        }
        Ok(())
    }

    /// `max_file_size`, where 0 is the default.
    pub fn file_size(&self) -> u64 {
        if self.max_file_size == 0 { MAX_FILE_SIZE } else { self.max_file_size }
    }

    /// `max_buffer_size`; `None` is no limit.
    pub fn limit(&self) -> Option<u64> {
        (self.max_buffer_size > 0).then_some(self.max_buffer_size)
    }

    /// `cursor_update_count`, where 0 is 1.
    pub fn cursor_interval(&self) -> u64 {
        self.cursor_update_count.max(1)
    }
}
