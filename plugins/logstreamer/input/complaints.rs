//! Saying a thing once.

use std::collections::HashMap;

use heka_plugin::Inlet;

/// What was said last, per topic.
#[derive(Debug, Default)]
pub(super) struct Complaints {
    said: HashMap<&'static str, String>,
}

impl Complaints {
    /// Logs an error unless it is what was said last on the topic.
    pub(super) fn tell(&mut self, inlet: &dyn Inlet, topic: &'static str, text: String) {
        if self.said.get(topic) != Some(&text) {
            inlet.log_error(&text);
            self.said.insert(topic, text);
        }
    }

    /// The cause is gone; should it come back, it is said again.
    pub(super) fn clear(&mut self, topic: &'static str) {
        self.said.remove(topic);
    }
}
