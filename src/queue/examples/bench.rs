//! CPU seconds per million records of 250 bytes, appended in batches of 64 KiB and read by 0, 1 and 4 readers, for
//! each sync mode, in a folder on a real disk.
//!
//! ```text
//! cargo run --release -p heka-queue --example bench -- FOLDER [RECORDS]
//! ```

use heka_queue::{Batch, EventCount, Meta, Options, Position, Queue, SyncMode};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const MESSAGE_BYTES: usize = 250;
const BATCH_BYTES: usize = 64 << 10;

/// User and system time of the process, in seconds.
fn cpu_seconds() -> (f64, f64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let mut fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11);
    // The kernel counts in hundredths here.
    let mut next = || fields.next().and_then(|field| field.parse::<f64>().ok()).unwrap_or_default() / 100.0;
    (next(), next())
}

/// Anonymous and file-backed resident memory, in MiB.
fn resident_mib() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or_default() / 1024
    };
    (field("RssAnon:"), field("RssFile:"))
}

fn append(queue: &Queue, records: u64) -> Result<(), Box<dyn Error>> {
    let message = [b'm'; MESSAGE_BYTES];
    let mut batch = Batch::new();
    let meta = Meta { canonical: true, ..Meta::default() };
    for _ in 0..records {
        batch.push(&message, meta)?;
        if batch.bytes() >= BATCH_BYTES {
            queue.append(&mut batch)?;
        }
    }
    let receipt = queue.append(&mut batch)?;
    receipt.wait(Duration::from_secs(60));
    Ok(())
}

fn read(queue: &Queue, records: u64) -> u64 {
    let mut reader = queue.reader(Position::default());
    let (mut seen, mut bytes) = (0, 0);
    while seen < records {
        while let Some(record) = reader.next() {
            seen += 1;
            bytes += record.message.len() as u64 + u64::from(record.message[0]);
        }
        if seen < records {
            reader.wait(Duration::from_secs(10), || false);
        }
    }
    bytes
}

fn run(dir: &Path, sync: SyncMode, readers: usize, records: u64) -> Result<(), Box<dyn Error>> {
    let events = Arc::new(EventCount::new());
    let queue = Queue::open(dir, Options { sync, events, ..Options::default() })?;
    let (user, system) = cpu_seconds();
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..readers {
            scope.spawn(|| read(&queue, records));
        }
        append(&queue, records)
    })?;
    let wall = started.elapsed().as_secs_f64();
    let (user, system) = (cpu_seconds().0 - user, cpu_seconds().1 - system);
    let (anonymous, file) = resident_mib();
    let per_million = 1e6 / records as f64;
    println!(
        "{sync:?} {readers} readers: {:.3} CPU s/M (user {:.3}, system {:.3}), wall {:.3} s/M, resident {anonymous} + {file} MiB",
        (user + system) * per_million,
        user * per_million,
        system * per_million,
        wall * per_million,
    );
    queue.close();
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

/// Reading alone, of records that lie in the page cache: the first pass checks, the second reader follows it.
fn run_readers(dir: &Path, records: u64) -> Result<(), Box<dyn Error>> {
    let queue = Queue::open(dir, Options { sync: SyncMode::None, ..Options::default() })?;
    append(&queue, records)?;
    let (user, system) = cpu_seconds();
    read(&queue, records);
    let (user, system) = (cpu_seconds().0 - user, cpu_seconds().1 - system);
    let per_million = 1e6 / records as f64;
    println!("one reader alone: user {:.3}, system {:.3} CPU s/M", user * per_million, system * per_million);
    queue.close();
    std::fs::remove_dir_all(dir)?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: bench FOLDER [RECORDS]")?;
    let records = arguments.next().map_or(Ok(2_000_000), |records| records.parse())?;
    let dir = Path::new(&folder).join("bench-queue");
    for sync in [SyncMode::None, SyncMode::Interval, SyncMode::Ack] {
        for readers in [0, 1, 4] {
            run(&dir, sync, readers, records)?;
        }
    }
    run_readers(&dir, records)
}
