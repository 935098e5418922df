//! The life of an open connection: frames in both directions and heartbeats.

use std::io;
use std::sync::mpsc::Sender;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, WriteHalf};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::Event;
use super::handshake::Opened;
use crate::amqp_client::content::Collector;
use crate::amqp_client::frame::{Frame, Kind, first, write_heartbeat, write_method};
use crate::amqp_client::method::{Incoming, Outgoing, exception};
use crate::amqp_client::target::{Stream, cause};

/// No more orders are taken while so many bytes are to be sent.
const OUTBOX_SIZE_MAX: usize = 4 << 20;
/// Room for a read.
const READ_SIZE: usize = 64 * 1024;
/// How long a goodbye may take.
const CLOSE_TIME: Duration = Duration::from_secs(1);

/// Serves a connection until it ends; says why it did. It is closed when there can be no more orders.
pub(super) async fn run(
    opened: Opened,
    mut orders: UnboundedReceiver<Vec<u8>>,
    events: &Sender<Event>,
) -> String {
    let Opened { stream, mut inbox, settings } = opened;
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut talk = Talk { events, collector: Collector::default(), outbox: Vec::new(), sent: 0, end: None };
    let mut pulse = interval(settings.heartbeat / 4);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut heard, mut spoke) = (Instant::now(), Instant::now());
    let mut is_unflushed = false;
    if let Err(why) = talk.take_frames(&mut inbox, settings.frame_max) {
        return why;
    }
    loop {
        if let Some((why, _)) = &talk.end
            && talk.to_send().is_empty()
            && !is_unflushed
            && !talk.awaits_goodbye()
        {
            return why.clone();
        }
        let deadline = talk.end.as_ref().map_or_else(Instant::now, |(_, deadline)| *deadline);
        inbox.reserve(READ_SIZE);
        tokio::select! {
            read = reader.read_buf(&mut inbox) => match read {
                Ok(0) => return talk.why("EOF"),
                Ok(_) => {
                    heard = Instant::now();
                    if let Err(why) = talk.take_frames(&mut inbox, settings.frame_max) {
                        return why;
                    }
                }
                Err(error) => return talk.why(&cause(&error)),
            },
            order = orders.recv(), if talk.end.is_none() && talk.to_send().len() < OUTBOX_SIZE_MAX => {
                match order {
                    Some(bytes) => talk.outbox.extend_from_slice(&bytes),
                    None => talk.say_goodbye(),
                }
            },
            written = push(&mut writer, talk.to_send()), if is_unflushed || !talk.to_send().is_empty() => {
                match written {
                    Ok(count) => is_unflushed = talk.note_sent(count),
                    Err(error) => return talk.why(&cause(&error)),
                }
                spoke = Instant::now();
            },
            _ = pulse.tick() => {
                if heard.elapsed() > settings.heartbeat * 2 {
                    return talk.why("the broker sends no heartbeat");
                }
                if spoke.elapsed() >= settings.heartbeat / 2 && talk.to_send().is_empty() {
                    write_heartbeat(&mut talk.outbox);
                }
            },
            () = sleep_until(deadline), if talk.end.is_some() => return talk.why("i/o timeout"),
        }
    }
}

/// Writes some bytes; without any, flushes.
async fn push(writer: &mut WriteHalf<Box<dyn Stream>>, bytes: &[u8]) -> io::Result<usize> {
    if bytes.is_empty() {
        return writer.flush().await.map(|()| 0);
    }
    match writer.write(bytes).await {
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        written => written,
    }
}

/// What goes on.
struct Talk<'a> {
    events: &'a Sender<Event>,
    collector: Collector,
    outbox: Vec<u8>,
    /// Bytes of the outbox that are sent.
    sent: usize,
    /// Why and when at the latest it ends.
    end: Option<(String, Instant)>,
}

/// Why a connection ends that we end.
const GOODBYE: &str = "closed";

impl Talk<'_> {
    fn to_send(&self) -> &[u8] {
        &self.outbox[self.sent..]
    }

    /// So many more bytes are sent; says whether they are to be flushed.
    fn note_sent(&mut self, count: usize) -> bool {
        self.sent += count;
        if self.sent == self.outbox.len() {
            self.outbox.clear();
            self.sent = 0;
        }
        count > 0
    }

    /// Why the connection ends: what was known before counts more than how it is noticed.
    fn why(&self, noticed: &str) -> String {
        self.end.as_ref().map_or(noticed, |(why, _)| why).to_string()
    }

    fn end(&mut self, why: String) {
        self.end.get_or_insert((why, Instant::now() + CLOSE_TIME));
    }

    fn say_goodbye(&mut self) {
        write_method(&Outgoing::Close, &mut self.outbox);
        self.end(GOODBYE.into());
    }

    fn awaits_goodbye(&self) -> bool {
        self.end.as_ref().is_some_and(|(why, _)| why == GOODBYE)
    }

    /// Takes all complete frames.
    ///
    /// # Errors
    /// The connection has ended; the text says why.
    fn take_frames(&mut self, inbox: &mut Vec<u8>, frame_max: usize) -> Result<(), String> {
        let mut done = 0;
        let result = loop {
            match first(&inbox[done..], frame_max) {
                Ok(Some(Frame { kind, payload, size })) => match self.take(kind, payload) {
                    Ok(()) => done += size,
                    Err(why) => break Err(why),
                },
                Ok(None) => break Ok(()),
                Err(malformed) => break Err(malformed.to_string()),
            }
        };
        inbox.drain(..done);
        result
    }

    fn take(&mut self, kind: Kind, payload: &[u8]) -> Result<(), String> {
        let malformed = |error: crate::amqp_client::wire::Malformed| error.to_string();
        let complete = match kind {
            Kind::Heartbeat => None,
            Kind::Header => self.collector.header(payload).map_err(malformed)?,
            Kind::Body => self.collector.body(payload).map_err(malformed)?,
            Kind::Method => {
                self.obey(Incoming::read(payload).map_err(malformed)?)?;
                None
            }
        };
        if let Some(content) = complete {
            self.tell(Event::Brought(content));
        }
        Ok(())
    }

    fn obey(&mut self, said: Incoming) -> Result<(), String> {
        match said {
            Incoming::Deliver { .. } | Incoming::Return { .. } => self.collector.begin(said),
            Incoming::Flow { active } => write_method(&Outgoing::FlowOk { active }, &mut self.outbox),
            Incoming::Close { channel, code, text } => {
                if channel {
                    // A connection without its channel is of no use.
                    write_method(&Outgoing::ChannelCloseOk, &mut self.outbox);
                    write_method(&Outgoing::Close, &mut self.outbox);
                } else {
                    write_method(&Outgoing::CloseOk, &mut self.outbox);
                }
                self.end(exception(code, &text));
            }
            Incoming::CloseOk => return Err(self.why("EOF")),
            said => self.tell(Event::Said(said)),
        }
        Ok(())
    }

    fn tell(&self, event: Event) {
        // Nobody listens any more when the plugin has closed the connection.
        let _ = self.events.send(event);
    }
}
