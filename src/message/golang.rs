//! How Go 1.x writes and reads numbers, strings, times and durations.
//!
//! Heka is a Go program, and much of what it shows (encoder output, log lines, reports, error texts) is whatever Go's
//! `strconv`, `time` and `encoding/json` make of a value. These rules are kept here once, each in a small file that
//! depends on nothing else of this crate.
//!
//! | module | Go's name | used for |
//! |---|---|---|
//! | [`float`] | `strconv.FormatFloat`, `%0.2f` | JSON and text encoders, reports |
//! | [`number`] | `strconv.ParseInt`, `ParseUint`, `ParseFloat` with their error texts | decoders |
//! | [`quote`] | `strconv.Quote` | Elasticsearch coordinates, error texts |
//! | [`json`] | strings of `encoding/json` | reports, heka-cat |
//! | [`proto_text`] | strings and doubles of protobuf's text form | heka-cat |
//! | [`zone`], [`clock`] | `time.Location`, `time.Time` | everything below |
//! | [`strftime`] | the strftime dialect of `cactus/gostrftime` | file names, indexes, prefixes |
//! | [`layout`] | `time.ParseInLocation` | timestamps of decoders |
//! | [`timestamp`] | Heka's forgiving timestamp parsing | timestamps of decoders |
//! | [`duration`] | `time.ParseDuration` | options |
//! | [`os_error`] | `os.PathError` | error texts |

pub mod clock;
mod digits;
pub mod duration;
pub mod float;
pub mod json;
pub mod layout;
pub mod number;
pub mod os_error;
pub mod proto_text;
pub mod quote;
pub mod strftime;
pub mod timestamp;
pub mod zone;

pub use clock::{GoTime, write_time_string};
pub use duration::parse_duration;
pub use float::{write_fixed, write_float_f, write_float_g, write_float_json};
pub use json::write_json_string;
pub use layout::Layout;
pub use quote::write_quoted;
pub use strftime::Strftime;
pub use timestamp::TimestampParser;
pub use zone::Zone;
