//! The plugins: a folder a family, a file a plugin. This file is their registry.
#![forbid(unsafe_code)]

#[cfg(test)]
mod split_all;

heka_plugin::registry! {
    heka_framing { splitter }
    logstreamer { input }
    null { splitter }
    pattern_grouping { splitter }
    regex { splitter }
    token { splitter }
}
