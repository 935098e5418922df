//! `hekad queue status`: how much the queues hold, and how far each reader is.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use heka_queue::QueueError;
use heka_queue::fs::RealFs;
use heka_queue::inspect::Outline;
use serde::Serialize;

use super::base::{Base, QueueFolder, Where};

/// Show how much the queues hold and how far each reader is; works while hekad runs
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Status {
    base_dir: String,
    /// Process id of the hekad that runs the queues.
    running: Option<u32>,
    /// Why there are no readers below.
    cursors_error: Option<String>,
    queues: Vec<QueueStatus>,
    readers: Vec<ReaderStatus>,
}

#[derive(Debug, Serialize)]
struct QueueStatus {
    name: String,
    segments: usize,
    bytes: u64,
    records: u64,
    oldest: Option<String>,
    newest: Option<String>,
}

#[derive(Debug, Serialize)]
struct ReaderStatus {
    name: String,
    lag_bytes: u64,
    lag_records: u64,
    /// Age of the oldest unread record in seconds.
    oldest_unread_age_s: Option<f64>,
    places: Vec<PlaceStatus>,
}

#[derive(Debug, Serialize)]
struct PlaceStatus {
    queue: String,
    segment: u64,
    offset: u64,
    lag_bytes: u64,
    lag_records: u64,
    oldest_unread: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let status = Status::read(&args.place.find()?)?;
    let text = if args.json { serde_json::to_string_pretty(&status)? + "\n" } else { status.text() };
    // Whoever reads may have seen enough.
    std::io::stdout().write_all(text.as_bytes()).ok();
    Ok(ExitCode::SUCCESS)
}

impl Status {
    fn read(base: &Base) -> Result<Status> {
        let cursors = base.cursors();
        let queues = base.queues(cursors.as_ref().ok())?;
        let mut outlines = Vec::new();
        for QueueFolder { name, dir } in queues {
            outlines.push((name, Outline::read(&dir, &RealFs)?));
        }
        let (readers, cursors_error) = match cursors {
            // Read again: the segments that are seen now go with newer cursors.
            Ok(_) => {
                let tails = outlines.iter().map(|(name, queue)| (name.clone(), queue.tail())).collect();
                (base.readers(&base.cursors()?, &tails), None)
            }
            Err(error @ QueueError::DamagedCursors { .. }) => (BTreeMap::new(), Some(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        let mut status = Status {
            base_dir: base.base_dir.display().to_string(),
            running: base.running(),
            cursors_error,
            queues: outlines.iter().map(|(name, queue)| QueueStatus::of(name, queue)).collect(),
            readers: Vec::new(),
        };
        for (name, places) in readers {
            let mut reader = ReaderStatus {
                name,
                lag_bytes: 0,
                lag_records: 0,
                oldest_unread_age_s: None,
                places: Vec::new(),
            };
            for (queue, at) in places {
                let Some((_, outline)) = outlines.iter().find(|(name, _)| *name == queue) else { continue };
                reader.add(queue, at, outline)?;
            }
            status.readers.push(reader);
        }
        Ok(status)
    }

    fn text(&self) -> String {
        let running =
            self.running.map_or("hekad is not running".into(), |pid| format!("hekad runs, pid {pid}"));
        let mut text = format!("{} ({running})\n\n", self.base_dir);
        let mut rows = vec![["QUEUE", "SEGMENTS", "BYTES", "RECORDS", "OLDEST", "NEWEST"].map(String::from)];
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "-".into());
        rows.extend(self.queues.iter().map(|q| {
            let (segments, bytes, records) =
                (q.segments.to_string(), q.bytes.to_string(), q.records.to_string());
            [q.name.clone(), segments, bytes, records, time(&q.oldest), time(&q.newest)]
        }));
        table(&rows, &mut text);
        text.push('\n');
        if let Some(error) = &self.cursors_error {
            text.push_str(&format!("no readers: {error} (see `hekad queue check`)\n"));
            return text;
        }
        let mut rows =
            vec![["READER", "LAG BYTES", "LAG RECORDS", "OLDEST UNREAD", "POSITION"].map(String::from)];
        rows.extend(self.readers.iter().map(|r| {
            let places = r.places.iter().map(|p| format!("{} {}:{}", p.queue, p.segment, p.offset));
            let age = r.oldest_unread_age_s.map_or("-".into(), |age| format!("{age:.1} s ago"));
            let places = places.collect::<Vec<_>>().join(", ");
            [r.name.clone(), r.lag_bytes.to_string(), r.lag_records.to_string(), age, places]
        }));
        table(&rows, &mut text);
        text
    }
}

impl QueueStatus {
    fn of(name: &str, queue: &Outline) -> QueueStatus {
        QueueStatus {
            name: name.to_owned(),
            segments: queue.segments(),
            bytes: queue.bytes(),
            records: queue.records_from(queue.first),
            oldest: queue.first.map(|stamp| time_text(stamp.append_time_ns)),
            newest: queue.last.map(|stamp| time_text(stamp.append_time_ns)),
        }
    }
}

impl ReaderStatus {
    fn add(&mut self, queue: String, at: heka_queue::Position, outline: &Outline) -> Result<()> {
        let next = outline.next_after(at, &RealFs)?;
        let place = PlaceStatus {
            queue,
            segment: at.segment,
            offset: at.offset,
            lag_bytes: outline.bytes_after(at),
            lag_records: outline.records_from(next),
            oldest_unread: next.map(|stamp| time_text(stamp.append_time_ns)),
        };
        self.lag_bytes += place.lag_bytes;
        self.lag_records += place.lag_records;
        self.places.push(place);
        if let Some(next) = next {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let age_ms = now.saturating_sub(u128::from(next.append_time_ns)) / 1_000_000;
            let age_s = age_ms as f64 / 1000.0;
            self.oldest_unread_age_s = Some(self.oldest_unread_age_s.unwrap_or(0.0).max(age_s));
        }
        Ok(())
    }
}

/// An append time in RFC 3339, to the millisecond.
pub(super) fn time_text(ns: u64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(ns)).unwrap_or_default();
    format!("{time:.3}")
}

/// Columns as wide as what is in them.
pub(super) fn table<const N: usize>(rows: &[[String; N]], out: &mut String) {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
}
