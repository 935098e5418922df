//! The engine that runs a configuration.
