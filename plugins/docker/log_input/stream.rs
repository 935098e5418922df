//! One container's log.

use std::time::{Duration, Instant};

use heka_plugin::{Deliverer, Inlet, PluginError, Receipt, Stop};

use super::DockerLogInput;
use super::frames::{Frames, Which};
use super::since::now_s;
use crate::docker_api::{ApiError, Container, Next};

/// Longest wait for more.
const WAIT: Duration = Duration::from_millis(100);
/// Who is held up for so long may have fallen behind the container.
const HELD_UP: Duration = Duration::from_millis(500);

impl From<PluginError> for ApiError {
    /// The queue takes nothing any more.
    fn from(_: PluginError) -> ApiError {
        ApiError::Stopped
    }
}

impl From<String> for ApiError {
    fn from(why: String) -> ApiError {
        ApiError::Failed(why)
    }
}

/// A container's two streams on their way into the queue.
struct Streams {
    stdout: Box<dyn Deliverer>,
    stderr: Box<dyn Deliverer>,
    /// Of what each has handed over last.
    receipts: [Receipt; 2],
}

impl Streams {
    fn new(input: &DockerLogInput, container: &Container, inlet: &dyn Inlet) -> Result<Streams, ApiError> {
        let stream = |which: &'static str| -> Result<Box<dyn Deliverer>, ApiError> {
            let mut deliverer = inlet.deliverer(&format!("{}-{which}", container.name))?;
            let (hostname, fields) = (input.hostname.clone(), container.message_fields());
            deliverer.set_decorator(Box::new(move |pack| {
                let message = pack.message_mut();
                message.msg_type = Some("DockerLog".into());
                message.logger = Some(which.into());
                message.hostname = Some(hostname.as_str().into());
                fields.iter().for_each(|field| message.add_field(field.clone()));
            }));
            Ok(deliverer)
        };
        Ok(Streams {
            stdout: stream("stdout")?,
            stderr: stream("stderr")?,
            receipts: [Receipt::resolved(), Receipt::resolved()],
        })
    }

    fn push(&mut self, which: Which, data: &[u8]) -> Result<(), ApiError> {
        let [stdout, stderr] = &mut self.receipts;
        match which {
            Which::Stderr => *stderr = self.stderr.push(data)?.receipt,
            _ => *stdout = self.stdout.push(data)?.receipt,
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), ApiError> {
        self.receipts = [self.stdout.finish()?.receipt, self.stderr.finish()?.receipt];
        Ok(())
    }

    fn is_held(&self) -> bool {
        self.receipts.iter().all(Receipt::is_held)
    }

    /// Whether a record has begun that is not queued.
    fn is_open(&self) -> bool {
        self.stdout.pending() + self.stderr.pending() > 0
    }
}

/// Reads a container's log until it ends.
///
/// # Errors
/// The log cannot be asked for, the connection breaks, or hekad stops.
pub(super) fn follow(
    input: &DockerLogInput,
    container: &Container,
    id: &str,
    inlet: &dyn Inlet,
    stop: &Stop,
) -> Result<(), ApiError> {
    let mut streams = Streams::new(input, container, inlet)?;
    let since = input.since.begin(id);
    inlet.log_info(&format!("Attaching container: {id}"));
    let result = read(input, container, id, since, &mut streams, stop);
    let finished = streams.finish();
    let is_held = |receipt: &Receipt| receipt.wait(Duration::from_secs(5));
    let is_whole = finished.is_ok() && streams.receipts.iter().all(is_held);
    input.since.end(id, result.as_ref().ok().copied().filter(|_| is_whole));
    for which in ["stdout", "stderr"] {
        inlet.log_info(&format!("Disconnecting {which} stream from {id}"));
    }
    result.map(drop)
}

/// Returns until when all that the container had written was read, in Unix seconds.
fn read(
    input: &DockerLogInput,
    container: &Container,
    id: &str,
    since: i64,
    streams: &mut Streams,
    stop: &Stop,
) -> Result<i64, ApiError> {
    let mut path = format!("/containers/{id}/logs?follow=1&stderr=1&stdout=1&tail=all");
    if since > 0 {
        path.push_str(&format!("&since={since}"));
    }
    let mut body = input.engine.get(&path, stop)?;
    let mut frames = Frames::default();
    // Whether all that the engine had was read, so that what comes has just been written.
    let mut caught_up = false;
    let mut last_read = now_s();
    loop {
        if stop.is_requested() {
            return Err(ApiError::Stopped);
        }
        let mut next = body.next(Duration::ZERO);
        if matches!(next, Next::Nothing) {
            let before_s = now_s();
            next = body.next(WAIT);
            // The engine pauses while it reads an old log: only a longer silence tells that all was read.
            if !frames.is_open() && !streams.is_open() {
                caught_up |= matches!(next, Next::Nothing);
                if caught_up {
                    last_read = before_s;
                }
            }
        }
        // Times are whole seconds, and the engine's clock may tick a moment before.
        if caught_up && streams.is_held() {
            input.since.advance(id, last_read - 1);
        }
        let bytes = match next {
            Next::Nothing => continue,
            // What it writes when it is started again at once is not of this log.
            Next::Ended(None) if !frames.is_open() => return Ok(last_read - 1),
            Next::Ended(why) => return Err(ApiError::Failed(why.unwrap_or_else(|| "unexpected EOF".into()))),
            Next::Data(bytes) => bytes,
        };
        let began = Instant::now();
        if container.tty {
            streams.push(Which::Stdout, &bytes)?;
        } else {
            frames.add(&bytes, |which, data| streams.push(which, data))?;
        }
        caught_up &= began.elapsed() < HELD_UP;
    }
}
