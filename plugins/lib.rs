//! The plugins: a folder a family, a file a plugin. This file is their registry.
#![forbid(unsafe_code)]

pub mod addressing;
mod base64_text;
mod call_timing;
mod captured_headers;
mod complaint;
mod home_zone;
mod http_client;
mod placeholders;
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
    geoip { decoder }
    heka_framing { splitter }
    http { input listen_input output }
    log { output }
    logstreamer { input }
    multi { decoder }
    null { splitter }
    pattern_grouping { splitter }
    payload { encoder regex_decoder xml_decoder }
    protobuf { decoder encoder }
    regex { splitter }
    rst { encoder }
    sandbox { decoder encoder filter input manager_filter output }
    scribble { decoder }
    stat_accum { input }
    stats_to_fields { decoder }
    statsd { filter input }
    tcp { input output }
    token { splitter }
    udp { input output }
}
