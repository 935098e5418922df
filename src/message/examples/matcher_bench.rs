//! What a matcher that rejects costs per message:
//! `cargo run --release -p heka-message --example matcher_bench`

use std::hint::black_box;
use std::time::Instant;

use heka_message::{Field, Matcher, Message, MessageView, is_canonical};

const MESSAGES: usize = 200;
const ROUNDS: usize = 20;
const RUNS: usize = 100;

const MATCHERS: &[&str] = &[
    "FALSE",
    "Type == 'nginx.error'",
    "Logger == 'other'",
    "Severity < 6",
    "Pid == 1",
    "Hostname == 'web2'",
    "Type =~ /^heka\\./",
    "Type =~ /metric$/",
    "Type =~ /error/",
    "Type =~ /^(apache|iis)/",
    "Payload =~ /OutOfMemory/",
    "Type == 'heka.all-report' || Type == 'heka.sandbox-output' || Type == 'heka.sandbox-terminated'",
    "Type == 'nginx.access' && Fields[status] == 500",
    "Fields[status] >= 500",
    "Fields[nope] == 'x'",
    "Fields[name] == 'a' || Fields[name] == 'b' || Fields[name] == 'c'",
    "Type == 'nginx.access' && (Fields[status] > 499 || Fields[request] =~ /admin/)",
    "Uuid == 'x'",
];

fn message(number: usize) -> Message {
    let mut uuid = [0x5a; 16];
    uuid[..8].copy_from_slice(&number.to_le_bytes());
    Message {
        uuid: Some(uuid.to_vec().into()),
        timestamp: Some(1_400_000_000_000_000_000 + number as i64),
        msg_type: Some("nginx.access".into()),
        logger: Some("nginx".into()),
        severity: Some(6),
        payload: Some(
            format!(
                "10.0.0.{} - - \"GET /path/{number} HTTP/1.1\" 200 1234 \"-\" \"Mozilla/5.0\"",
                number % 256
            )
            .into(),
        ),
        env_version: None,
        pid: Some(4242),
        hostname: Some("web1".into()),
        fields: vec![
            Field::string("remote_addr", "ipv4", format!("10.0.0.{}", number % 256)),
            Field::string("remote_user", "", "-"),
            Field::string("request", "", format!("GET /path/{number} HTTP/1.1")),
            Field::double("status", "", 200.0),
            Field::double("body_bytes_sent", "B", number as f64),
            Field::string("http_referer", "", "-"),
            Field::string("user_agent_browser", "", "Firefox"),
            Field::double("user_agent_version", "", 30.0),
            Field::string("name", "", "access"),
        ],
        unknown: Vec::new(),
    }
}

fn main() {
    // One after another in memory, as a queue's segment has them.
    let mut bytes = Vec::new();
    let mut ends = Vec::new();
    for number in 0..MESSAGES {
        message(number).encode(&mut bytes);
        ends.push(bytes.len());
    }
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let messages: Vec<&[u8]> = starts.zip(&ends).map(|(start, &end)| &bytes[start..end]).collect();
    assert!(messages.iter().all(|bytes| is_canonical(bytes)));
    println!("{} bytes a message; ns per message, canonical and any order", bytes.len() / MESSAGES);
    println!("{:7.1}          the loop alone", time(&messages, |bytes| bytes.is_empty()));
    for text in MATCHERS {
        let matcher = match Matcher::parse(text) {
            Ok(matcher) => matcher,
            Err(error) => panic!("{text}: {error}"),
        };
        let canonical = time(&messages, |bytes| matcher.matches(&MessageView::new_canonical(bytes)));
        let any = time(&messages, |bytes| matcher.matches(&MessageView::new(bytes)));
        println!("{canonical:7.1} {any:7.1}  {text}");
    }
    println!("{:7.1}          is_canonical", time(&messages, |bytes| !is_canonical(bytes)));
    let mut message = Message::default();
    println!("{:7.1}          decode_into", time(&messages, |bytes| message.decode_into(bytes).is_err()));
}

/// Nanoseconds a message of the fastest of many short runs: what other work on the machine disturbs least.
fn time(messages: &[&[u8]], mut test: impl FnMut(&[u8]) -> bool) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        let mut matched = 0;
        for _ in 0..ROUNDS {
            matched += messages.iter().filter(|bytes| test(black_box(bytes))).count();
        }
        assert_eq!(matched, 0);
        best = best.min(start.elapsed().as_secs_f64() / (messages.len() * ROUNDS) as f64);
    }
    best * 1e9
}
