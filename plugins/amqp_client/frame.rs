//! Frames: kind, channel, size, payload, end.

use super::content::Properties;
use super::method::Outgoing;
use super::wire::{Malformed, Reader, Writer};

/// The one channel.
pub(super) const CHANNEL: u16 = 1;

/// Bytes around a payload.
const OVERHEAD: usize = 8;
const END: u8 = 0xce;

/// A frame's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Method = 1,
    Header = 2,
    Body = 3,
    Heartbeat = 8,
}

/// A frame, and how many bytes it has in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub(super) kind: Kind,
    pub(super) payload: &'a [u8],
    pub(super) size: usize,
}

/// The first frame of `bytes`; `None`: it is not complete.
///
/// # Errors
/// It is none, or larger than agreed.
pub(super) fn first(bytes: &[u8], frame_max: usize) -> Result<Option<Frame<'_>>, Malformed> {
    let Some(&kind) = bytes.first() else { return Ok(None) };
    let kind = match kind {
        1 => Kind::Method,
        2 => Kind::Header,
        3 => Kind::Body,
        8 => Kind::Heartbeat,
        _ => return Err(Malformed),
    };
    let Some(head) = bytes.get(1..7) else { return Ok(None) };
    let mut reader = Reader(head);
    reader.short()?;
    let size = usize::try_from(reader.long()?).map_err(|_| Malformed)?;
    if size > frame_max {
        return Err(Malformed);
    }
    match bytes.get(7..size + OVERHEAD) {
        None => Ok(None),
        Some([payload @ .., END]) => Ok(Some(Frame { kind, payload, size: size + OVERHEAD })),
        Some(_) => Err(Malformed),
    }
}

fn write(kind: Kind, channel: u16, out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
    Writer(out).octet(kind as u8).short(channel).sized(|inner| payload(inner.0)).octet(END);
}

/// Writes a method.
pub(super) fn write_method(method: &Outgoing<'_>, out: &mut Vec<u8>) {
    let channel = if method.is_for_connection() { 0 } else { CHANNEL };
    write(Kind::Method, channel, out, |payload| method.write(payload));
}

/// Writes a heartbeat.
pub(super) fn write_heartbeat(out: &mut Vec<u8>) {
    write(Kind::Heartbeat, 0, out, |_| ());
}

/// Writes a message behind its method.
pub(super) fn write_content(properties: &Properties<'_>, body: &[u8], frame_max: usize, out: &mut Vec<u8>) {
    write(Kind::Header, CHANNEL, out, |payload| properties.write(body.len(), payload));
    for piece in body.chunks(frame_max.saturating_sub(OVERHEAD).max(1)) {
        write(Kind::Body, CHANNEL, out, |payload| payload.extend_from_slice(piece));
    }
}

#[cfg(test)]
mod tests;
