//! The beginning of a connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::amqp_client::frame::{Frame, Kind, first, write_method};
use crate::amqp_client::method::{Incoming, Outgoing, exception};
use crate::amqp_client::target::{Stream, Target, cause};
use crate::amqp_client::uri::Uri;

/// The largest frame that we ask for, and the first ones may have, in bytes.
const FRAME_MAX: u32 = 131_072;
/// Seconds between heartbeats, unless the broker wants more of them.
const HEARTBEAT_S: u16 = 10;
/// The longest wait for a broker that does not go on.
const SHAKE_TIME: Duration = Duration::from_secs(30);

/// What was agreed on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// The largest frame in bytes.
    pub(super) frame_max: usize,
    /// One heartbeat at least in so long.
    pub(super) heartbeat: Duration,
}

/// An open connection.
pub(super) struct Opened {
    /// The socket.
    pub(super) stream: Box<dyn Stream>,
    /// What was read of it and not yet looked at.
    pub(super) inbox: Vec<u8>,
    /// What was agreed on.
    pub(super) settings: Settings,
}

/// Connects, logs in and opens the channel.
///
/// # Errors
/// The text says why.
pub(super) async fn open(target: &Target) -> Result<Opened, String> {
    let stream = target.connect().await?;
    let talk = Talk { stream, inbox: Vec::new() };
    let shaken = tokio::time::timeout(SHAKE_TIME, talk.shake(&target.uri)).await;
    shaken.unwrap_or_else(|_| Err("the broker does not answer".into()))
}

struct Talk {
    stream: Box<dyn Stream>,
    inbox: Vec<u8>,
}

impl Talk {
    async fn shake(mut self, uri: &Uri) -> Result<Opened, String> {
        self.send(b"AMQP\0\0\x09\x01").await?;
        let Incoming::Start { mechanisms } = self.hear("EOF").await? else { return Err(unexpected()) };
        if !mechanisms.split(' ').any(|mechanism| mechanism == "PLAIN") {
            return Err(format!("the broker does not take passwords, only {mechanisms}"));
        }
        self.say(&Outgoing::StartOk { user: &uri.user, password: &uri.password }).await?;
        // A broker that only hangs up means this.
        let refused = exception(403, "username or password not allowed");
        let Incoming::Tune { frame_max, heartbeat_s } = self.hear(&refused).await? else {
            return Err(unexpected());
        };
        let frame_max = if frame_max == 0 { FRAME_MAX } else { frame_max.min(FRAME_MAX) };
        let heartbeat_s = if heartbeat_s == 0 { HEARTBEAT_S } else { heartbeat_s.min(HEARTBEAT_S) };
        self.say(&Outgoing::TuneOk { frame_max, heartbeat_s }).await?;
        self.say(&Outgoing::Open { vhost: &uri.vhost }).await?;
        let Incoming::OpenOk = self.hear(&exception(403, "no access to this vhost")).await? else {
            return Err(unexpected());
        };
        self.say(&Outgoing::ChannelOpen).await?;
        let Incoming::Done = self.hear("EOF").await? else { return Err(unexpected()) };
        let settings = Settings {
            frame_max: usize::try_from(frame_max).unwrap_or(usize::MAX),
            heartbeat: Duration::from_secs(heartbeat_s.into()),
        };
        Ok(Opened { stream: self.stream, inbox: self.inbox, settings })
    }

    async fn say(&mut self, method: &Outgoing<'_>) -> Result<(), String> {
        let mut bytes = Vec::new();
        write_method(method, &mut bytes);
        self.send(&bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.stream.write_all(bytes).await.map_err(|error| cause(&error))?;
        self.stream.flush().await.map_err(|error| cause(&error))
    }

    /// The next method. `hung_up` is what it means that the broker ends the connection now.
    async fn hear(&mut self, hung_up: &str) -> Result<Incoming, String> {
        loop {
            let found = first(&self.inbox, FRAME_MAX as usize).map_err(|error| error.to_string())?;
            if let Some(Frame { kind, payload, size }) = found {
                let said = match kind {
                    Kind::Method => Some(Incoming::read(payload).map_err(|error| error.to_string())?),
                    _ => None,
                };
                self.inbox.drain(..size);
                match said {
                    Some(Incoming::Close { code, text, .. }) => {
                        // It is about to hang up anyway.
                        let _ = self.say(&Outgoing::CloseOk).await;
                        return Err(exception(code, &text));
                    }
                    Some(said) => return Ok(said),
                    None => continue,
                }
            }
            match self.stream.read_buf(&mut self.inbox).await {
                Ok(0) => return Err(hung_up.into()),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                    return Err(hung_up.into());
                }
                Err(error) => return Err(cause(&error)),
            }
        }
    }
}

fn unexpected() -> String {
    "the broker does not answer as it should".into()
}
