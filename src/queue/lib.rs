//! Heka's disk queue.
