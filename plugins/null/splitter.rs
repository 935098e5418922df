//! Takes what a read gives as a record.

use heka_plugin::splitter::SplitterPlugin;
use heka_plugin::{ConfigError, Context, Found, PluginDef, Splitter, SplitterDefaults, registry};
use schemars::JsonSchema;
use serde::Deserialize;

/// The row of this plugin.
pub static DEF: PluginDef = registry::splitter::<NullSplitter>();

/// NullSplitter has no options of its own.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename = "pipeline.NullSplitterConfig", default, deny_unknown_fields)]
pub struct Config {}

/// Does not split: what one read gives is one record.
pub struct NullSplitter;

impl SplitterPlugin for NullSplitter {
    type Config = Config;
    const NAME: &'static str = "NullSplitter";
    const DEFAULTS: SplitterDefaults = SplitterDefaults { min_buffer_size: 65536, use_message_bytes: false };

    fn open(_: Config, _: &Context) -> Result<NullSplitter, ConfigError> {
        Ok(NullSplitter)
    }
}

impl Splitter for NullSplitter {
    fn find(&mut self, bytes: &[u8]) -> Found {
        if bytes.is_empty() {
            return Found::default();
        }
        Found { consumed: bytes.len(), record: Some(0..bytes.len()), problem: None }
    }

    fn takes_whole_reads(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split_all::split_pieces;

    #[test]
    fn every_read_is_a_record() {
        let pieces: [&[u8]; 3] = [b"all of\nthis is\none record", b"", b" and this is another\n"];
        let records = split_pieces(&mut NullSplitter, &pieces);
        assert_eq!(records, ["all of\nthis is\none record", " and this is another\n"]);
        assert!(NullSplitter.takes_whole_reads());
    }
}
