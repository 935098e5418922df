//! Where a message that a tool makes comes from: this host, this moment, an id of its own.

use std::time::{SystemTime, UNIX_EPOCH};

use heka_message::Message;
use heka_plugin::fresh_uuid;

/// What the system calls this host.
pub(crate) fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A message of a type, with uuid, timestamp and hostname.
pub(crate) fn message(msg_type: &str, hostname: &str) -> Message {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Message {
        uuid: Some(fresh_uuid().to_vec().into()),
        timestamp: Some(i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)),
        msg_type: Some(msg_type.into()),
        hostname: Some(hostname.into()),
        ..Message::default()
    }
}
