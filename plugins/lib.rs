//! The plugins: a folder a family, a file a plugin. This file is their registry.
#![forbid(unsafe_code)]

pub mod addressing;
#[cfg(feature = "amqp")]
mod amqp_client;
mod base64_text;
mod call_timing;
mod captured_headers;
mod complaint;
#[cfg(feature = "docker")]
mod docker_api;
mod home_zone;
mod http_client;
mod http_server;
#[cfg(feature = "kafka")]
mod kafka_client;
mod placeholders;
mod sandbox_data;
mod sandbox_timing;
mod text_link;
mod ticks;
pub mod tls;
mod word_name;

#[cfg(test)]
mod fake_inlet;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod split_all;

heka_plugin::registry! {
    #[cfg(feature = "amqp")]
    amqp { input output }
    carbon { output }
    counter { filter }
    dashboard { output }
    #[cfg(feature = "docker")]
    docker { event_input log_input stats_input }
    elasticsearch { json_encoder logstash_v0_encoder output }
    file { output polling_input }
    geoip { decoder }
    heka_framing { splitter }
    http { input listen_input output }
    irc { output }
    #[cfg(feature = "kafka")]
    kafka { input output }
    log { output }
    logstreamer { input }
    multi { decoder }
    nagios { output }
    null { splitter }
    pattern_grouping { splitter }
    payload { encoder regex_decoder xml_decoder }
    process { directory_input input }
    protobuf { decoder encoder }
    regex { splitter }
    rst { encoder }
    sandbox { decoder encoder filter input manager_filter output }
    scribble { decoder }
    smtp { output }
    stat_accum { input }
    stats_to_fields { decoder }
    statsd { filter input }
    tcp { input output }
    token { splitter }
    udp { input output }
    whisper { output }
}
