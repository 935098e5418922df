//! The queue's receipts in the form that plugins see.

use std::sync::Arc;
use std::time::Duration;

use heka_plugin::{HeldMark, Receipt};
use heka_queue::ReceiptState;

struct Mark(heka_queue::Receipt);

impl HeldMark for Mark {
    fn held(&self) -> u64 {
        if self.0.is_held() { self.0.next_sequence() } else { 0 }
    }

    fn wait(&self, _: u64, time: Duration) -> bool {
        self.0.wait(time) == ReceiptState::Held
    }
}

/// Wraps a queue's receipt.
pub(crate) fn receipt(of: heka_queue::Receipt) -> Receipt {
    let sequence = of.next_sequence();
    Receipt::new(sequence, Arc::new(Mark(of)))
}
