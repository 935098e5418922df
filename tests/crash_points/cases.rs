//! How each point is reached.

/// A way to a point.
#[cfg_attr(not(feature = "fault"), allow(dead_code, reason = "only the names are looked at"))]
pub(crate) struct Case {
    /// The point's name in the source.
    pub(crate) point: &'static str,
    /// Which passing of it is the last.
    pub(crate) turn: u32,
    /// Another point at which the process died before, so that this one is passed.
    pub(crate) before: Option<&'static str>,
    /// A call that fails on the way, with its turn.
    pub(crate) fail: Option<&'static str>,
    /// A file that no hekad wrote lies in the input queue.
    pub(crate) foreign_file: bool,
}

const fn at(point: &'static str, turn: u32) -> Case {
    Case { point, turn, before: None, fail: None, foreign_file: false }
}

const fn after(point: &'static str, before: &'static str) -> Case {
    Case { before: Some(before), ..at(point, 1) }
}

const fn failing(point: &'static str, call: &'static str) -> Case {
    Case { fail: Some(call), ..at(point, 1) }
}

/// Every point has one.
pub(crate) const CASES: &[Case] = &[
    at("segment-created", 2),
    at("segment-preallocated", 2),
    at("segment-dir-synced", 2),
    at("segment-sealed", 1),
    at("segment-rolled", 2),
    at("segment-synced", 2),
    at("segment-cut", 1),
    at("batch-torn", 3),
    at("batch-written", 3),
    at("tail-published", 3),
    at("receipt-resolved", 2),
    at("queue-closed", 1),
    failing("write-undone", "write:2"),
    failing("rescue-begun", "sync:2"),
    failing("rescue-torn", "sync:1"),
    failing("rescue-copied", "sync:1"),
    failing("rescue-adopted", "sync:2"),
    at("prune-before-unlink", 1),
    at("prune-after-unlink", 1),
    at("cursors-torn", 2),
    at("cursors-written", 2),
    at("cursors-synced", 2),
    at("cursors-renamed", 2),
    at("cursors-dir-synced", 2),
    at("recovery-scanned", 1),
    after("recovery-truncated", "tail-published"),
    after("recovery-synced", "batch-torn"),
    after("recovery-removed", "segment-dir-synced"),
    after("recovery-sealed", "tail-published"),
    Case { foreign_file: true, ..at("recovery-set-aside", 1) },
    at("readers-placed", 1),
    at("hekad-started", 1),
    at("filter-injected", 1),
    at("filter-published", 2),
    at("filter-state-torn", 2),
    at("filter-state-written", 1),
    at("filter-state-synced", 2),
    at("filter-state-renamed", 2),
    at("filter-state-dir-synced", 2),
    at("progress-torn", 2),
    at("progress-noted", 2),
    at("output-sent", 3),
    at("output-flushed", 1),
    at("file-output-torn", 3),
    at("file-output-written", 3),
    at("file-output-synced", 2),
    after("file-output-cut", "file-output-torn"),
    at("journal-torn", 1),
    at("journal-written", 1),
    at("journal-renamed", 1),
    at("journal-note-torn", 2),
    at("journal-noted", 2),
    at("inputs-stopped", 1),
    at("filters-stopped", 1),
    at("outputs-stopped", 1),
];
