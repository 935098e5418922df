//! What host functions cost on top of an empty call of `process_message`, in CPU time of this thread:
//! `cargo run --release -p heka-sandbox --example host_functions [NAME]`
//!
//! Each statement runs many times a call; what a loop without it costs is taken off. The best of several rounds counts.

use std::hint::black_box;

use heka_message::{Field, Message, MessageView};
use heka_sandbox::{
    DECODER, Injected, InjectedPayload, Messages, Outcome, Refused, Sandbox, Settings, Source,
};

const ROUNDS: usize = 15;
const TIMES: u32 = 200_000;

/// Name, what runs once, what is measured, and the aim in nanoseconds.
const ROWS: &[(&str, &str, &str, f64)] = &[
    (
        "inject_message",
        "local m = {Timestamp = 1e18, Type = 'nginx.access', Logger = 'in', Fields = {
            remote_addr = '192.168.1.10', remote_user = '-', request = 'GET /index.html HTTP/1.1', status = 200,
            body_bytes_sent = 1234, http_referer = 'http://example.com/', user_agent = 'Mozilla/5.0 (X11)',
            request_time = 0.25, cached = true, host = 'www.example.com'}}",
        "inject_message(m)",
        1500.0,
    ),
    ("read_message", "", "read_message('Fields[x]')", 120.0),
    ("read_payload", "", "read_message('Payload')", 120.0),
    ("add_to_payload", "", "add_to_payload('one ', 'two ', 'three')", 250.0),
    ("write_message", "", "write_message('Fields[w]', 'value')", f64::INFINITY),
    ("inject_payload", "", "inject_payload('txt', 'name', 'one ', 'two ', 'three')", f64::INFINITY),
    ("decode_message", "local raw = read_message('raw')", "decode_message(raw)", f64::INFINITY),
];

/// A message to read and edit; what is injected is counted and dropped.
struct Plugin<'a> {
    encoded: &'a [u8],
    edited: Message,
    bytes: usize,
}

impl Messages for Plugin<'_> {
    fn current(&mut self) -> Option<Source<'_>> {
        // As filters, encoders and outputs get them: what is in a queue is known to be canonical.
        Some(Source::Encoded(MessageView::new_canonical(self.encoded)))
    }

    fn edit(&mut self) -> Option<&mut Message> {
        Some(&mut self.edited)
    }

    fn inject_message(&mut self, message: Injected<'_>) -> Result<(), Refused> {
        self.bytes += message.bytes.len();
        Ok(())
    }

    fn inject_payload(&mut self, payload: InjectedPayload<'_>) -> Result<(), Refused> {
        self.bytes += payload.payload.len();
        Ok(())
    }
}

fn message() -> Vec<u8> {
    let mut message = Message {
        uuid: Some(vec![7; 16].into()),
        timestamp: Some(1),
        msg_type: Some("nginx.access".into()),
        payload: Some("a payload of usual length".into()),
        hostname: Some("host".into()),
        ..Message::default()
    };
    for name in ["a", "b", "c", "d", "x", "e", "f", "g", "h", "i"] {
        message.fields.push(Field::string(name, "", "some text"));
    }
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

/// CPU nanoseconds of this thread.
fn cpu_ns() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the struct is ours.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Nanoseconds for each time that the statement runs, the loop included.
fn measure(before: &str, statement: &str, encoded: &[u8]) -> Result<f64, String> {
    let file = std::env::temp_dir().join(format!("heka-host-functions-{}.lua", std::process::id()));
    // The output is emptied now and then, as a payload that is added to would grow for ever.
    let script = format!(
        "function process_message()
            {before}
            for i = 1, {TIMES} / 500 do
                for j = 1, 500 do {statement} end
                inject_payload()
            end
            return 0
        end"
    );
    std::fs::write(&file, script).map_err(|why| why.to_string())?;
    let mut settings = Settings::new(&DECODER, &file);
    // A limit, so that the hook runs as it does for every plugin.
    settings.instruction_limit = usize::MAX / 2;
    let mut sandbox = Sandbox::open(settings)?;
    std::fs::remove_file(&file).map_err(|why| why.to_string())?;
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let mut plugin = Plugin { encoded, edited: Message::default(), bytes: 0 };
        let start = cpu_ns();
        let outcome = sandbox.process_message(&mut plugin);
        best = best.min(cpu_ns() - start);
        if outcome != Outcome::Returned(0) {
            return Err(sandbox.last_error());
        }
        black_box(plugin.bytes);
    }
    Ok(best / f64::from(TIMES))
}

fn main() -> Result<(), String> {
    let wanted = std::env::args().nth(1);
    let encoded = message();
    let empty = measure("", "", &encoded)?;
    println!("{:<16} {empty:8.1} ns", "an empty loop");
    for (name, before, statement, aim) in ROWS {
        if wanted.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let cost = measure(before, statement, &encoded)? - empty;
        let aim = if aim.is_finite() { format!("aim {aim:.0} ns") } else { String::new() };
        println!("{name:<16} {cost:8.1} ns  {aim}");
    }
    Ok(())
}
