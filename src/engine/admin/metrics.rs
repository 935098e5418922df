//! The figures in the text format of Prometheus (version 0.0.4). docs/reference/metrics.md lists them; a test holds it to that.

mod exposition;

use heka_plugin::telemetry::{InputFigures, QueueFigures, ReaderFigures, Snapshot};

use self::exposition::{Exposition, Kind};

/// A figure of hekad as a whole.
const NONE: &[(&str, &str)] = &[];

/// The text.
pub fn text(figures: &Snapshot) -> String {
    let mut out = Exposition::default();
    process(figures, &mut out);
    out.family(
        "hekad_inputs_held",
        Kind::Gauge,
        "1 while inputs are held back because a reader lags too far behind.",
    );
    out.flag(&[], figures.inputs_held);
    out.family("hekad_queue_refuses", Kind::Gauge, "1 while the queues take nothing, as on a full disk.");
    out.flag(&[], figures.queue_refuses);
    out.family("hekad_reports_total", Kind::Counter, "Reports that were asked for.");
    out.count(NONE, figures.reports);
    queues(&figures.queues, &mut out);
    inputs(&figures.inputs, &mut out);
    readers(&figures.readers, &mut out);
    out.text
}

fn process(figures: &Snapshot, out: &mut Exposition) {
    let process = &figures.process;
    out.family("hekad_build_info", Kind::Gauge, "Always 1; its label tells hekad's version.");
    out.count(&[("version", figures.version)], 1);
    let counts = [
        (
            "process_resident_memory_bytes",
            "Resident memory, mapped queue files included.",
            process.resident_bytes,
        ),
        ("process_virtual_memory_bytes", "Virtual memory.", process.virtual_bytes),
        ("process_open_fds", "Open file descriptors.", process.open_fds),
        ("process_max_fds", "Largest number of open file descriptors.", process.max_fds),
        ("process_threads", "Threads.", process.threads),
        (
            "hekad_anonymous_memory_bytes",
            "Resident memory that is no file's: what hekad itself takes.",
            process.anonymous_bytes,
        ),
    ];
    for (name, help, value) in counts {
        out.family(name, Kind::Gauge, help);
        out.count(NONE, value);
    }
    out.family("process_cpu_seconds_total", Kind::Counter, "Processor time in user and system mode.");
    out.number(NONE, process.cpu_s);
    out.family("process_start_time_seconds", Kind::Gauge, "Start of the process since 1970.");
    out.number(NONE, process.start_s);
}

fn queues(queues: &[QueueFigures], out: &mut Exposition) {
    type Of = fn(&QueueFigures) -> u64;
    let families: [(&str, Kind, &str, Of); 8] = [
        ("hekad_queue_records_total", Kind::Counter, "Records since the queue was made.", |q| q.records),
        ("hekad_queue_bytes", Kind::Gauge, "Bytes of records in live segments.", |q| q.bytes),
        ("hekad_queue_segments", Kind::Gauge, "Live segments.", |q| q.segments),
        ("hekad_queue_commits_total", Kind::Counter, "Group commits.", |q| q.commits),
        ("hekad_queue_sync_failures_total", Kind::Counter, "Syncs that failed.", |q| q.failed_syncs),
        ("hekad_queue_bad_records_total", Kind::Counter, "Bad stretches that readers passed over.", |q| {
            q.bad_records
        }),
        ("hekad_queue_lost_records_total", Kind::Counter, "Records that could not be saved.", |q| {
            q.lost_records
        }),
        ("hekad_queue_failed", Kind::Gauge, "1: it takes nothing until hekad is started anew.", |q| {
            u64::from(q.failed)
        }),
    ];
    for (name, kind, help, of) in families {
        out.family(name, kind, help);
        for queue in queues {
            out.count(&[("queue", queue.name)], of(queue));
        }
    }
}

fn inputs(inputs: &[InputFigures], out: &mut Exposition) {
    type Of = fn(&InputFigures) -> u64;
    let families: [(&str, Kind, &str, Of); 7] = [
        ("hekad_input_up", Kind::Gauge, "1 while the input runs.", |i| u64::from(i.running)),
        ("hekad_input_messages_total", Kind::Counter, "Messages that it queued.", |i| i.messages),
        ("hekad_input_bytes_total", Kind::Counter, "Bytes of the messages that it queued.", |i| i.bytes),
        ("hekad_input_decoded_total", Kind::Counter, "Records that its decoder was given.", |i| i.decoded),
        ("hekad_input_decode_failures_total", Kind::Counter, "Records that its decoder failed on.", |i| {
            i.decode_failures
        }),
        ("hekad_input_restarts_total", Kind::Counter, "How often it was started again.", |i| i.restarts),
        ("hekad_input_errors_total", Kind::Counter, "Errors that it logged.", |i| i.errors),
    ];
    let labels = |input: &InputFigures| [("plugin", input.name.clone()), ("type", input.type_name.into())];
    for (name, kind, help, of) in families {
        out.family(name, kind, help);
        for input in inputs {
            out.count(&labels(input), of(input));
        }
    }
    let help = "Time of one append to the queue, waiting included.";
    out.family("hekad_input_append_duration_seconds", Kind::Histogram, help);
    inputs.iter().for_each(|input| out.histogram(&labels(input), &input.append));
    let help = "Time of decoding one record; one in sample_denominator is timed.";
    out.family("hekad_input_decode_duration_seconds", Kind::Histogram, help);
    let decoding = inputs.iter().filter(|input| !input.decoder.is_empty());
    decoding.for_each(|input| out.histogram(&labels(input), &input.decode));
}

fn readers(readers: &[ReaderFigures], out: &mut Exposition) {
    type Of = fn(&ReaderFigures) -> f64;
    let families: [(&str, Kind, &str, Of); 15] = [
        ("hekad_reader_up", Kind::Gauge, "1 while the filter or output runs.", |r| {
            f64::from(u8::from(r.running))
        }),
        ("hekad_reader_messages_total", Kind::Counter, "Messages that its matcher let through.", |r| {
            r.messages as f64
        }),
        ("hekad_reader_bytes_total", Kind::Counter, "Bytes of these messages.", |r| r.bytes as f64),
        ("hekad_reader_failures_total", Kind::Counter, "Messages that it could not handle.", |r| {
            r.failures as f64
        }),
        ("hekad_reader_injected_total", Kind::Counter, "Messages that it injected.", |r| r.injected as f64),
        ("hekad_reader_retries_total", Kind::Counter, "Batches that it had to send again.", |r| {
            r.retries as f64
        }),
        (
            "hekad_reader_dropped_bytes_total",
            Kind::Counter,
            "Bytes of queued messages that were given up because it lagged too far behind.",
            |r| r.dropped_bytes as f64,
        ),
        ("hekad_reader_errors_total", Kind::Counter, "Errors that it logged.", |r| r.errors as f64),
        ("hekad_reader_lag_bytes", Kind::Gauge, "Bytes between its place and the end of the queues.", |r| {
            r.lag_bytes as f64
        }),
        (
            "hekad_reader_lag_records",
            Kind::Gauge,
            "Records between its place and the end of the queues.",
            |r| r.lag_records as f64,
        ),
        (
            "hekad_reader_oldest_unread_seconds",
            Kind::Gauge,
            "How long ago the oldest record was queued that it has not read; 0 if it has read all.",
            |r| r.oldest_unread_s,
        ),
        (
            "hekad_reader_lag_limit_bytes",
            Kind::Gauge,
            "Its limit of hekad_reader_lag_bytes; 0 is none.",
            |r| r.limit_bytes as f64,
        ),
        (
            "hekad_reader_holds_inputs",
            Kind::Gauge,
            "1 while it is at its limit and so holds inputs back.",
            |r| f64::from(u8::from(r.holds_inputs)),
        ),
        (
            "hekad_reader_busy_seconds",
            Kind::Gauge,
            "For how long it has been at one batch without getting on; 0 if it is at none.",
            |r| r.busy_s,
        ),
        ("hekad_reader_stuck", Kind::Gauge, "1 while it does not get on.", |r| {
            f64::from(u8::from(r.is_stuck()))
        }),
    ];
    let labels = |reader: &ReaderFigures| {
        [
            ("plugin", reader.name.clone()),
            ("type", reader.type_name.into()),
            ("kind", reader.kind.word().into()),
        ]
    };
    for (name, kind, help, of) in families {
        out.family(name, kind, help);
        for reader in readers {
            out.number(&labels(reader), of(reader));
        }
    }
    let help = "Time of handing over one batch (outputs), or of one message (filters; one in sample_denominator is timed).";
    out.family("hekad_reader_duration_seconds", Kind::Histogram, help);
    readers.iter().for_each(|reader| out.histogram(&labels(reader), &reader.duration));
}

#[cfg(test)]
mod tests;
