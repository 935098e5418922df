//! What SIGUSR2 finds out: whether messages still get through.

use std::time::{Duration, Instant};

use heka_message::Message;
use heka_plugin::Pack;
use heka_queue::{Batch, Meta};

use super::Pipeline;

/// How long the queue may refuse a message before hekad counts as wedged.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause between attempts.
const RETRY: Duration = Duration::from_millis(50);

impl Pipeline {
    /// Queues a `heka.router-test` message, which has nothing but its type; says whether the queue took it. A queue that
    /// takes nothing, as on a full disk, holds all inputs and filters.
    pub fn takes_messages(&self) -> bool {
        let message = Message { msg_type: Some("heka.router-test".into()), ..Message::default() };
        let mut pack = Pack::of(message);
        let canonical = pack.is_canonical();
        let mut batch = Batch::new();
        if batch.push(pack.encoded(), Meta { loop_count: 0, signer: &[], canonical }).is_err() {
            return false;
        }
        let began = Instant::now();
        loop {
            if self.shared.queues.filter.append(&mut batch).is_ok() {
                return true;
            }
            if began.elapsed() >= PATIENCE {
                return false;
            }
            std::thread::sleep(RETRY);
        }
    }
}
