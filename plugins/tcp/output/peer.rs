//! What has become of the backlog on one connection.

use std::collections::VecDeque;
use std::time::Duration;

use super::backlog::Backlog;
use super::patience::Patience;
use super::wire::Wire;

/// The most that is written at once; what is acknowledged is known in steps of this.
const PIECE: u64 = 64 * 1024;
/// How long to wait for room, and so how late a stop is heard.
const WAIT: Duration = Duration::from_millis(50);

/// The least and the most that may be on the way, and the round trip up to which the least is enough (for 100 MB/s).
/// What is on the way is kept in memory, also for a peer that hangs.
const WINDOW_MIN: usize = 512 * 1024;
const WINDOW_MAX: usize = 4 << 20;
const NEAR: Duration = Duration::from_millis(5);

/// How many bytes should be on the way for a round trip of this length.
pub(super) fn window(round_trip: Duration) -> usize {
    let times = round_trip.as_micros() / NEAR.as_micros();
    usize::try_from(times).unwrap_or(usize::MAX).saturating_mul(WINDOW_MIN).clamp(WINDOW_MIN, WINDOW_MAX)
}

/// A connection and how far the backlog went over it.
pub(super) struct Peer {
    wire: Wire,
    /// Offset up to which the backlog was written.
    written: u64,
    /// Bytes sent on the wire, and the offset that was reached with them.
    marks: VecDeque<(u64, u64)>,
    /// Number of the message that the connection ends before.
    until: Option<u64>,
}

/// What a step has done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Something was written or acknowledged.
    Forward,
    /// Nothing.
    Waiting,
}

impl Peer {
    /// A new connection, which begins with all that is not acknowledged. It ends after `messages_max` messages; 0 is never.
    pub(super) fn new(wire: Wire, backlog: &Backlog, messages_max: u64) -> Peer {
        Peer {
            wire,
            written: backlog.acknowledged(),
            marks: VecDeque::new(),
            until: (messages_max > 0).then(|| backlog.next() + messages_max),
        }
    }

    /// How many bytes should be on the way at a time.
    pub(super) fn window(&self) -> usize {
        window(self.wire.round_trip())
    }

    /// Up to where the backlog goes over this connection, as far as it is known.
    fn limit(&self, backlog: &Backlog) -> Option<u64> {
        self.until.and_then(|number| backlog.end_of(number - 1))
    }

    /// Whether all that the connection may carry is acknowledged.
    pub(super) fn is_spent(&self, backlog: &Backlog) -> bool {
        self.limit(backlog).is_some_and(|limit| backlog.acknowledged() >= limit)
    }

    /// Whether all of the backlog is written, and the connection may carry more.
    pub(super) fn has_written(&self, backlog: &Backlog) -> bool {
        self.written == backlog.end() && self.wire.is_clear() && self.limit(backlog).is_none()
    }

    /// Writes a piece and looks what is acknowledged.
    ///
    /// # Errors
    /// The connection is dead.
    pub(super) fn step(&mut self, backlog: &mut Backlog) -> Result<Step, String> {
        self.wire.listen()?;
        let end = self.limit(backlog).unwrap_or(u64::MAX).min(backlog.end());
        let sent_before = self.wire.sent();
        let piece = backlog.between(self.written, end.min(self.written + PIECE));
        if !piece.is_empty() || !self.wire.is_clear() {
            let taken = self.wire.write(piece)?;
            self.written += taken as u64;
            if self.wire.is_clear() {
                self.marks.push_back((self.wire.sent(), self.written));
            }
        }
        let moved = self.look(backlog)? || self.wire.sent() != sent_before;
        Ok(if moved { Step::Forward } else { Step::Waiting })
    }

    /// Looks what is acknowledged. Says whether that completes a message.
    ///
    /// # Errors
    /// The connection is dead.
    pub(super) fn look(&mut self, backlog: &mut Backlog) -> Result<bool, String> {
        let acknowledged = self.wire.acknowledged()?;
        let mut moved = false;
        while let Some((_, offset)) = self.marks.pop_front_if(|(sent, _)| *sent <= acknowledged) {
            moved |= backlog.acknowledge(offset);
        }
        Ok(moved)
    }

    /// Waits a moment for room or for an acknowledgement.
    pub(super) fn wait(&self, patience: &mut Patience) {
        if self.marks.back().is_some_and(|(_, offset)| *offset == self.written) && self.wire.is_clear() {
            // Nobody tells when an acknowledgement comes.
            patience.nap();
        } else {
            self.wire.wait(WAIT);
        }
    }

    /// The connection is dead: puts what the peer may not have read back into the backlog. A peer that ended the connection
    /// itself had read all; a system that resets it throws away what was not read.
    pub(super) fn bury(self, backlog: &mut Backlog) {
        if !self.wire.is_ended_by_peer() {
            backlog.doubt();
        }
    }

    /// Takes what the peer sends.
    ///
    /// # Errors
    /// The connection is dead.
    pub(super) fn listen(&mut self) -> Result<(), String> {
        self.wire.listen()?;
        self.wire.acknowledged().map(drop)
    }

    /// Ends the connection.
    pub(super) fn close(self) {
        self.wire.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn far_peers_have_more_on_the_way() {
        let of_ms = |ms| window(Duration::from_millis(ms));
        assert_eq!(
            [of_ms(0), of_ms(5), of_ms(10), of_ms(500)],
            [WINDOW_MIN, WINDOW_MIN, 2 * WINDOW_MIN, WINDOW_MAX]
        );
    }
}
