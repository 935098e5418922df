//! Recorded cases and their runner.
