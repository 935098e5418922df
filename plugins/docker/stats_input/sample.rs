//! The part of a sample that messages have.

use serde_json::Value;

/// What is taken of a value.
enum Shape {
    /// A number or text, if it is not zero or empty.
    Plain,
    /// A structure: these keys in this order. It is there even if nothing is in it.
    Struct(&'static [(&'static str, Shape)]),
    /// Any keys, all alike; left out if there are none.
    Map(&'static Shape),
    /// A list; left out if it is empty.
    List(&'static Shape),
}

use Shape::{List, Map, Plain, Struct};

const NETWORK: Shape = Struct(&[
    ("rx_dropped", Plain),
    ("rx_bytes", Plain),
    ("rx_errors", Plain),
    ("tx_packets", Plain),
    ("tx_dropped", Plain),
    ("rx_packets", Plain),
    ("tx_errors", Plain),
    ("tx_bytes", Plain),
]);
const BLOCK: Shape = List(&Struct(&[("major", Plain), ("minor", Plain), ("op", Plain), ("value", Plain)]));
const CPU: Shape = Struct(&[
    (
        "cpu_usage",
        Struct(&[
            ("percpu_usage", List(&Plain)),
            ("usage_in_usermode", Plain),
            ("total_usage", Plain),
            ("usage_in_kernelmode", Plain),
        ]),
    ),
    ("system_cpu_usage", Plain),
    (
        "throttling_data",
        Struct(&[("periods", Plain), ("throttled_periods", Plain), ("throttled_time", Plain)]),
    ),
]);
const SAMPLE: Shape = Struct(&[
    ("read", Plain),
    ("networks", Map(&NETWORK)),
    (
        "memory_stats",
        Struct(&[
            // Which there are depends on the kernel.
            ("stats", Struct(&[])),
            ("max_usage", Plain),
            ("usage", Plain),
            ("failcnt", Plain),
            ("limit", Plain),
        ]),
    ),
    (
        "blkio_stats",
        Struct(&[
            ("io_service_bytes_recursive", BLOCK),
            ("io_serviced_recursive", BLOCK),
            ("io_queue_recursive", BLOCK),
            ("io_service_time_recursive", BLOCK),
            ("io_wait_time_recursive", BLOCK),
            ("io_merged_recursive", BLOCK),
            ("io_time_recursive", BLOCK),
            ("sectors_recursive", BLOCK),
        ]),
    ),
    ("cpu_stats", CPU),
    ("precpu_stats", CPU),
]);

/// When the sample was taken, in nanoseconds since the epoch.
pub(super) fn time_ns(sample: &Value) -> Option<i64> {
    let time: jiff::Timestamp = sample.get("read")?.as_str()?.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok()
}

/// A sample as messages have it.
pub(super) fn json(sample: &Value) -> String {
    text(Some(sample), &SAMPLE).unwrap_or_default()
}

/// The text of a value; `None` if it is left out.
fn text(value: Option<&Value>, shape: &Shape) -> Option<String> {
    match (shape, value) {
        (Struct([]), value) => {
            let entries = value.and_then(Value::as_object).into_iter().flatten();
            Some(object(entries.filter_map(|(key, value)| Some((key.as_str(), text(Some(value), &Plain)?)))))
        }
        (Struct(keys), value) => {
            let entry = |(key, shape): &(&'static str, Shape)| {
                Some((*key, text(value.and_then(|value| value.get(key)), shape)?))
            };
            Some(object(keys.iter().filter_map(entry)))
        }
        (Map(shape), Some(Value::Object(entries))) if !entries.is_empty() => {
            let entry = |(key, value)| Some((String::as_str(key), text(Some(value), shape)?));
            Some(object(entries.iter().filter_map(entry)))
        }
        (List(shape), Some(Value::Array(values))) if !values.is_empty() => {
            let texts = values.iter().map(|value| text(Some(value), shape).unwrap_or_else(|| "0".into()));
            Some(format!("[{}]", texts.collect::<Vec<_>>().join(",")))
        }
        (Plain, Some(Value::Number(number))) if number.as_f64() != Some(0.0) => Some(number.to_string()),
        (Plain, Some(value @ Value::String(text))) if !text.is_empty() => Some(value.to_string()),
        _ => None,
    }
}

fn object<'a>(entries: impl Iterator<Item = (&'a str, String)>) -> String {
    let shown: Vec<String> =
        entries.map(|(key, value)| format!("{}:{value}", Value::String(key.into()))).collect();
    format!("{{{}}}", shown.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_are_left_out_and_structures_stay() {
        let sample: Value = serde_json::from_str(
            r#"{"read":"2026-11-24T21:15:05.759401358Z","preread":"x","num_procs":0,"pids_stats":{"current":2},
            "blkio_stats":{"io_service_bytes_recursive":[{"major":8,"minor":0,"op":"Read","value":5}],
            "sectors_recursive":null},"cpu_stats":{"cpu_usage":{"total_usage":7,"percpu_usage":[0,7]},"online_cpus":2},
            "memory_stats":{"usage":73,"limit":252,"stats":{"cache":0,"rss":9}},"networks":{"eth0":{"rx_bytes":1}}}"#,
        )
        .unwrap();
        assert_eq!(
            json(&sample),
            "{\"read\":\"2026-11-24T21:15:05.759401358Z\",\"networks\":{\"eth0\":{\"rx_bytes\":1}},\
             \"memory_stats\":{\"stats\":{\"rss\":9},\"usage\":73,\"limit\":252},\
             \"blkio_stats\":{\"io_service_bytes_recursive\":[{\"major\":8,\"op\":\"Read\",\"value\":5}]},\
             \"cpu_stats\":{\"cpu_usage\":{\"percpu_usage\":[0,7],\"total_usage\":7},\"throttling_data\":{}},\
             \"precpu_stats\":{\"cpu_usage\":{},\"throttling_data\":{}}}"
        );
        assert_eq!(time_ns(&sample), Some(1_795_554_905_759_401_358));
    }
}
