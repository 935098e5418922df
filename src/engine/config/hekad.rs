//! The options of `[hekad]`.

use std::path::PathBuf;
use std::time::Duration;

use heka_message::golang::parse_duration;
use heka_plugin::Globals;
use schemars::JsonSchema;
use serde::Deserialize;

/// Options of the daemon itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, rename = "main.HekadConfig")]
pub struct Hekad {
    /// How many processors to use. Accepted; every plugin has its thread and the system shares the processors out.
    pub maxprocs: i64,
    /// Number of messages that may be on their way at once. Accepted without effect: there is no pool.
    #[serde(rename = "poolsize|PoolSize")]
    pub poolsize: i64,
    /// Size of the channels between plugins. Accepted without effect; reports show it.
    #[serde(rename = "plugin_chansize|ChanSize")]
    pub plugin_chansize: i64,
    /// File for a profile of the processor's time; "" for none.
    #[serde(rename = "cpuprof|CpuProfName")]
    pub cpuprof: String,
    /// File for a profile of the memory; "" for none.
    #[serde(rename = "memprof|MemProfName")]
    pub memprof: String,
    /// How many injections a chain of messages may pass. 0 is 1.
    #[serde(rename = "max_message_loops|MaxMsgLoops")]
    pub max_message_loops: u64,
    /// Messages that a sandbox filter may inject in one call of its `process_message`.
    #[serde(rename = "max_process_inject|MaxMsgProcessInject")]
    pub max_process_inject: u64,
    /// Nanoseconds that a dynamically loaded sandbox filter may take for a message while it holds others back.
    #[serde(rename = "max_process_duration|MaxMsgProcessDuration")]
    pub max_process_duration: u64,
    /// Messages that a sandbox filter may inject in one call of its `timer_event`.
    #[serde(rename = "max_timer_inject|MaxMsgTimerInject")]
    pub max_timer_inject: u64,
    /// How long a message may be on its way before it is reported, as a duration such as `2m`. Checked, then without effect.
    pub max_pack_idle: String,
    /// Directory for state: queues, positions, preserved sandbox data.
    pub base_dir: String,
    /// Directory of Lua scripts and modules; a file in it goes before the one that hekad carries.
    pub share_dir: String,
    /// One in so many calls is timed for reports. At least 1.
    pub sample_denominator: i64,
    /// File that holds the process id while hekad runs; "" for none.
    pub pid_file: String,
    /// Host name in messages that hekad makes; "" for the system's.
    pub hostname: String,
    /// Largest message in bytes. 0 is the default; else more than 1024.
    pub max_message_size: u32,
    /// Prefix of log lines: the sum of 1 date, 2 time, 4 microseconds, 8 long file name, 16 short file name, 32 UTC.
    pub log_flags: i64,
    /// How often a plugin looks whether its full buffer has drained before it starts all the same.
    pub full_buffer_max_retries: u32,
    /// When an input may take a message as kept: `ack` once it is on the disk, `interval` once it is written (it reaches the
    /// disk within 100 ms), `none` once it is written (it reaches the disk when the system sees fit).
    pub queue_sync: String,
    /// Bytes that a reader without `use_buffering` may lie behind before inputs are held back.
    pub queue_max_size: u64,
    /// Bytes that the messages which one output has rejected may take in `base_dir`: see `hekad queue dead`. Above that the
    /// oldest are given up. At least 1 MiB; 0: rejected messages are not kept.
    pub dead_letters_max_size: u64,
    /// Bytes of one file of a queue.
    pub queue_segment_size: u64,
    /// Where `/metrics`, `/health` and `/ready` are served whether there is a DashboardOutput or not, as `host:port`; "" for
    /// nowhere.
    pub admin_address: String,
    /// How long a stop may take before hekad ends without waiting for plugins any more, as a duration such as `30s`.
    pub shutdown_timeout: String,
}

impl Default for Hekad {
    fn default() -> Hekad {
        Hekad {
            maxprocs: 1,
            poolsize: 100,
            plugin_chansize: 30,
            cpuprof: String::new(),
            memprof: String::new(),
            max_message_loops: 4,
            max_process_inject: 1,
            max_process_duration: 100_000,
            max_timer_inject: 10,
            max_pack_idle: "2m".into(),
            base_dir: "/var/cache/hekad".into(),
            share_dir: "/usr/share/heka".into(),
            sample_denominator: 1000,
            pid_file: String::new(),
            hostname: String::new(),
            max_message_size: 0,
            log_flags: 3,
            full_buffer_max_retries: 10,
            queue_sync: "ack".into(),
            queue_max_size: 1 << 30,
            dead_letters_max_size: 256 << 20,
            queue_segment_size: 64 << 20,
            admin_address: String::new(),
            shutdown_timeout: "30s".into(),
        }
    }
}

/// When an input may take a message as kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueSync {
    /// Once it is on the disk.
    Ack,
    /// Once it is written; it reaches the disk within 100 ms.
    Interval,
    /// Once it is written.
    None,
}

/// A message that is any shorter would not hold its own headers.
const MIN_MESSAGE_SIZE: u32 = 1024;

/// Some of the messages that an output has rejected should be there to look at.
const MIN_DEAD_LETTERS_SIZE: u64 = 1 << 20;

/// A queue's file holds many messages.
const MIN_SEGMENT_SIZE: u64 = 256 << 10;

impl Hekad {
    /// Checks what the types of the options do not.
    ///
    /// # Errors
    /// The line to log; hekad does not start.
    pub fn check(&self) -> Result<(), String> {
        if self.sample_denominator <= 0 {
            return Err("'sample_denominator' value must be greater than 0.".into());
        }
        if parse_duration(&self.max_pack_idle).is_err() {
            return Err(format!("Can't parse `max_pack_idle` time duration: {}", self.max_pack_idle));
        }
        if (1..=MIN_MESSAGE_SIZE).contains(&self.max_message_size) {
            return Err(format!(
                "Error: 'max_message_size' setting must be greater than {MIN_MESSAGE_SIZE}."
            ));
        }
        if self.queue_sync().is_none() {
            return Err(format!(
                "'queue_sync' must be 'ack', 'interval' or 'none', got '{}'",
                self.queue_sync
            ));
        }
        let segment = MIN_SEGMENT_SIZE.max(heka_message::max_record_size(self.message_size()) as u64);
        if self.queue_segment_size < segment {
            return Err(format!("'queue_segment_size' must be at least {segment}."));
        }
        if self.queue_max_size < segment {
            return Err(format!("'queue_max_size' must be at least {segment}."));
        }
        if self.dead_letters_max_size > 0 && self.dead_letters_max_size < MIN_DEAD_LETTERS_SIZE {
            return Err(format!("'dead_letters_max_size' must be 0 or at least {MIN_DEAD_LETTERS_SIZE}."));
        }
        if self.shutdown_timeout().is_none() {
            return Err(format!("Can't parse `shutdown_timeout` time duration: {}", self.shutdown_timeout));
        }
        Ok(())
    }

    /// `queue_sync`; `None` if it is no such word.
    pub fn queue_sync(&self) -> Option<QueueSync> {
        match self.queue_sync.as_str() {
            "ack" => Some(QueueSync::Ack),
            "interval" => Some(QueueSync::Interval),
            "none" => Some(QueueSync::None),
            _ => None,
        }
    }

    /// `shutdown_timeout`; `None` if it is no duration or negative.
    pub fn shutdown_timeout(&self) -> Option<Duration> {
        let nanoseconds = parse_duration(&self.shutdown_timeout).ok()?;
        u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
    }

    fn message_size(&self) -> usize {
        match self.max_message_size {
            0 => heka_message::DEFAULT_MAX_MESSAGE_SIZE,
            size => size as usize,
        }
    }

    /// What plugins see of the options. `system_hostname` is used if no `hostname` is given.
    pub fn globals(&self, system_hostname: &str) -> Globals {
        let hostname = if self.hostname.is_empty() { system_hostname } else { &self.hostname };
        let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Globals {
            hostname: hostname.into(),
            base_dir: PathBuf::from(&self.base_dir),
            share_dir: PathBuf::from(&self.share_dir),
            max_message_size: self.message_size(),
            max_message_loops: count(self.max_message_loops).max(1),
            max_process_inject: count(self.max_process_inject),
            max_timer_inject: count(self.max_timer_inject),
            max_process_duration_ns: self.max_process_duration,
            sample_denominator: count(self.sample_denominator.unsigned_abs()).max(1),
            plugin_chansize: count(u64::try_from(self.plugin_chansize).unwrap_or(0)),
            ..Globals::default()
        }
    }

    /// Options that were given another value than their default but do nothing.
    pub fn without_effect(&self) -> Vec<&'static str> {
        let default = Hekad::default();
        let given = [
            ("poolsize", self.poolsize != default.poolsize),
            ("plugin_chansize", self.plugin_chansize != default.plugin_chansize),
            ("max_pack_idle", self.max_pack_idle != default.max_pack_idle),
        ];
        given.into_iter().filter(|(_, differs)| *differs).map(|(option, _)| option).collect()
    }
}

#[cfg(test)]
mod tests;
