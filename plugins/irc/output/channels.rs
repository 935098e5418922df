//! The channels to write to, and whether we are in them.

use std::time::{Duration, Instant};

use super::message::same_name;

/// How things stand with a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is no connection to join it over.
    Out,
    /// `JOIN` was sent; if nothing comes by then it is sent again.
    Joining(Instant),
    /// It is full; `JOIN` is sent again then.
    Later(Instant),
    /// We may write to it.
    In,
    /// It is not to be joined any more on this connection.
    Never,
}

/// A channel.
pub(super) struct Channel {
    pub(super) name: String,
    key: String,
    pub(super) state: State,
    /// How often a join was put off.
    pub(super) retries: u32,
}

impl Channel {
    /// A channel as an option names it: its name, and its key behind a blank.
    pub(super) fn configured(text: &str) -> Channel {
        let (name, key) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        Channel { name: name.into(), key: key.trim().into(), state: State::Out, retries: 0 }
    }

    /// The line that joins it; `within` is the longest wait for an answer.
    pub(super) fn join(&mut self, within: Duration) -> String {
        self.state = State::Joining(Instant::now() + within);
        if self.key.is_empty() {
            format!("JOIN {}", self.name)
        } else {
            format!("JOIN {} {}", self.name, self.key)
        }
    }

    /// Whether it will soon be known if we are in it.
    pub(super) fn is_open_question(&self) -> bool {
        !matches!(self.state, State::In | State::Never)
    }
}

/// The channel of this name.
pub(super) fn named<'a>(channels: &'a mut [Channel], name: &str) -> Option<&'a mut Channel> {
    channels.iter_mut().find(|channel| same_name(&channel.name, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_behind_a_blank() {
        let mut channels = [Channel::configured("#a"), Channel::configured(" #b  secret ")];
        assert_eq!(channels[0].join(Duration::ZERO), "JOIN #a");
        let second = named(&mut channels, "#B").unwrap();
        assert_eq!(second.join(Duration::ZERO), "JOIN #b secret");
        assert!(matches!(second.state, State::Joining(_)) && second.is_open_question());
        assert!(named(&mut channels, "#c").is_none());
    }
}
