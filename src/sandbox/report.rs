//! Figures of sandboxes for reports.

/// What a sandbox uses and used at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bytes in use; 0 once terminated.
    pub memory: usize,
    /// Most bytes ever in use.
    pub max_memory: usize,
    /// Most VM instructions that a successful call spent, to the nearest thousand below.
    pub max_instructions: usize,
    /// Most bytes that the output buffer held.
    pub max_output: usize,
}

/// Counts of a plugin around its sandbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of `process_message`.
    pub processed: u64,
    /// Of these, failures.
    pub failures: u64,
    /// Messages injected.
    pub injected: u64,
    /// Calls of `process_message` that were timed.
    pub samples: u64,
    /// Nanoseconds that the timed calls took together.
    pub sampled_ns: u64,
}

impl Counts {
    /// Average nanoseconds of a timed call.
    pub fn average_ns(&self) -> u64 {
        self.sampled_ns.checked_div(self.samples).unwrap_or(0)
    }
}
