//! What librdkafka tells of its trouble, made fit for a log.

use std::sync::{Mutex, PoisonError};

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

/// The trouble of the day. A client with several brokers tells the same of each again and again, with figures that change; of
/// all that is of one kind the first text is kept.
#[derive(Default)]
pub(crate) struct Trouble {
    last: Mutex<Option<(Option<RDKafkaErrorCode>, String)>>,
}

impl Trouble {
    /// Takes note of what the client tells.
    pub(crate) fn note(&self, error: &KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = match (&*last, code) {
            // That all are down says less than why one is.
            (Some(_), Some(RDKafkaErrorCode::AllBrokersDown)) => false,
            (Some((known, _)), code) => *known != code,
            (None, _) => true,
        };
        if is_news {
            *last = Some((code, gist(reason).into()));
        }
    }

    /// The trouble, if there is any.
    pub(crate) fn get(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|(_, text)| text.clone())
    }

    /// All is well again. Tells what the trouble was.
    pub(crate) fn clear(&self) -> Option<String> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).take().map(|(_, text)| text)
    }
}

/// Whether an error only sums up others.
pub(crate) fn sums_up(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown)
}

/// A reason without its figures: `... failed: Connection refused (after 0ms in state CONNECT, 3 identical error(s) suppressed)`.
pub(crate) fn gist(reason: &str) -> &str {
    reason.split_once(" (after ").map_or(reason, |(gist, _)| gist).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn global(code: RDKafkaErrorCode) -> KafkaError {
        KafkaError::Global(code)
    }

    #[test]
    fn the_first_text_of_a_kind_stays_without_its_figures() {
        let trouble = Trouble::default();
        assert_eq!(trouble.get(), None);
        let refused = global(RDKafkaErrorCode::BrokerTransportFailure);
        trouble.note(&refused, "b1: Connect failed: Connection refused (after 1ms in state CONNECT)");
        trouble.note(&refused, "b2: Connect failed: Connection refused (after 7ms in state CONNECT)");
        trouble.note(&global(RDKafkaErrorCode::AllBrokersDown), "2/2 brokers are down");
        assert_eq!(trouble.get().unwrap(), "b1: Connect failed: Connection refused");
        trouble.note(&global(RDKafkaErrorCode::Authentication), "b1: no");
        assert_eq!(trouble.clear().unwrap(), "b1: no");
        assert_eq!(trouble.get(), None);
    }
}
