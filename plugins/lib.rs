//! The plugins: a folder a family, a file a plugin. This file is their registry.
#![forbid(unsafe_code)]

mod addressing;
mod base64_text;
mod complaint;
mod home_zone;
mod sandbox_data;
mod sandbox_timing;
pub mod tls;
mod word_name;

#[cfg(test)]
mod fake_inlet;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod split_all;

heka_plugin::registry! {
    counter { filter }
    elasticsearch { json_encoder logstash_v0_encoder }
    file { output }
    heka_framing { splitter }
    log { output }
    logstreamer { input }
    multi { decoder }
    null { splitter }
    pattern_grouping { splitter }
    payload { encoder regex_decoder }
    protobuf { decoder encoder }
    regex { splitter }
    rst { encoder }
    sandbox { decoder encoder filter input manager_filter output }
    scribble { decoder }
    stats_to_fields { decoder }
    tcp { input output }
    token { splitter }
    udp { input output }
}
