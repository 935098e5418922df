//! A connection to a broker, as its plugin sees it.

mod exchange;
mod handshake;

use std::collections::VecDeque;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use heka_plugin::Stop;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::content::{Content, Properties};
use super::frame::{write_content, write_method};
use super::method::{Incoming, Outgoing};
use super::target::Target;

/// How late a stop is heard.
const STOP_CHECK: Duration = Duration::from_millis(50);
/// The longest wait for an answer.
const ANSWER_TIME: Duration = Duration::from_secs(30);

/// Why there is no connection, or no more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    /// hekad stops.
    #[error("hekad stops")]
    Stopped,
    /// The text says why.
    #[error("{0}")]
    Failed(String),
}

/// What the broker has said.
#[derive(Debug)]
pub(crate) enum Event {
    /// A method without a message.
    Said(Incoming),
    /// A message.
    Brought(Content),
    /// The connection has ended.
    Closed(String),
}

/// An open connection with an open channel. When it is dropped, it is closed in the background.
pub(crate) struct Link {
    orders: UnboundedSender<Vec<u8>>,
    events: Receiver<Event>,
    /// What came while an answer was awaited.
    early: VecDeque<Event>,
    /// Frames to be sent.
    outgoing: Vec<u8>,
    frame_max: usize,
    ended: Option<String>,
}

impl Link {
    /// Connects.
    ///
    /// # Errors
    /// The text says why.
    pub(crate) fn open(target: &Target, stop: &Stop) -> Result<Link, LinkError> {
        let failed = |why: String| LinkError::Failed(format!("can't connect: {why}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(error.to_string()))?;
        let (orders, orders_end) = unbounded_channel();
        let (tell, events) = mpsc::channel();
        let (tell_ready, ready) = mpsc::channel();
        let target = target.clone();
        let serve = move |runtime: Runtime| {
            runtime.block_on(async move {
                match handshake::open(&target).await {
                    Err(why) => drop(tell_ready.send(Err(why))),
                    Ok(opened) => {
                        drop(tell_ready.send(Ok(opened.settings)));
                        let why = exchange::run(opened, orders_end, &tell).await;
                        // Nobody listens any more when the plugin has closed the connection.
                        drop(tell.send(Event::Closed(why)));
                    }
                }
            });
        };
        let thread = std::thread::Builder::new().name("amqp".into()).spawn(move || serve(runtime));
        thread.map_err(|error| failed(error.to_string()))?;
        let settings = loop {
            match ready.recv_timeout(STOP_CHECK) {
                Ok(opened) => break opened.map_err(failed)?,
                Err(RecvTimeoutError::Disconnected) => return Err(failed("its thread has ended".into())),
                Err(RecvTimeoutError::Timeout) if stop.is_requested() => return Err(LinkError::Stopped),
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        let frame_max = settings.frame_max;
        Ok(Link { orders, events, early: VecDeque::new(), outgoing: Vec::new(), frame_max, ended: None })
    }

    /// Says something that is not answered.
    pub(crate) fn tell(&mut self, method: &Outgoing<'_>) {
        write_method(method, &mut self.outgoing);
        self.flush();
    }

    /// Adds a message to what [`Link::flush`] sends.
    pub(crate) fn publish(&mut self, method: &Outgoing<'_>, properties: &Properties<'_>, body: &[u8]) {
        write_method(method, &mut self.outgoing);
        write_content(properties, body, self.frame_max, &mut self.outgoing);
    }

    /// Sends what was published.
    pub(crate) fn flush(&mut self) {
        if !self.outgoing.is_empty() {
            // If it has ended, an event says so.
            let _ = self.orders.send(std::mem::take(&mut self.outgoing));
        }
    }

    /// Says something and waits for the answer.
    ///
    /// # Errors
    /// The broker refuses it or does not answer.
    pub(crate) fn call(&mut self, method: &Outgoing<'_>, stop: &Stop) -> Result<Incoming, LinkError> {
        self.tell(method);
        let end = Instant::now() + ANSWER_TIME;
        while Instant::now() < end {
            if stop.is_requested() {
                return Err(LinkError::Stopped);
            }
            match self.receive(STOP_CHECK) {
                Some(Event::Said(answer @ (Incoming::Done | Incoming::QueueDeclareOk { .. }))) => {
                    return Ok(answer);
                }
                Some(Event::Closed(why)) => return Err(LinkError::Failed(why)),
                Some(other) => self.early.push_back(other),
                None => {}
            }
        }
        Err(LinkError::Failed("the broker does not answer".into()))
    }

    /// The next event, if one comes in time. That the connection has ended is told again and again.
    pub(crate) fn next(&mut self, wait: Duration) -> Option<Event> {
        self.early.pop_front().or_else(|| self.receive(wait))
    }

    fn receive(&mut self, wait: Duration) -> Option<Event> {
        if let Some(why) = &self.ended {
            return Some(Event::Closed(why.clone()));
        }
        let event = match self.events.recv_timeout(wait) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return None,
            Err(RecvTimeoutError::Disconnected) => Event::Closed("its thread has ended".into()),
        };
        if let Event::Closed(why) = &event {
            self.ended = Some(why.clone());
        }
        Some(event)
    }

    /// Ends the connection; waits for at most `limit` until all that was said has arrived.
    pub(crate) fn close(self, limit: Duration) {
        let Link { orders, events, .. } = self;
        drop(orders);
        let end = Instant::now() + limit;
        while events.recv_timeout(end.saturating_duration_since(Instant::now())).is_ok() {}
    }
}

#[cfg(test)]
mod tests;
