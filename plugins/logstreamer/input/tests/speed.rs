//! How fast files are read. Run with `cargo test --release -p heka-plugins read_speed -- --ignored --nocapture`.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use heka_plugin::input::Decorator;
use heka_plugin::{Deliverer, Inlet, Pack, PluginError, Pushed, Receipt};

use super::super::journal::Journal;
use super::super::log_file::FileId;
use super::super::set::Listing;
use super::super::stream::{Begin, Stream, Surroundings, Turn, read_buffer};

/// Takes everything up to the last newline, as fast as can be.
#[derive(Default)]
struct Sink {
    total: u64,
    done: u64,
}

impl Deliverer for Sink {
    fn set_decorator(&mut self, _: Decorator) {}
    fn swallow_long_tails(&mut self) {}
    fn push(&mut self, bytes: &[u8]) -> Result<Pushed, PluginError> {
        if let Some(at) = memchr::memrchr(b'\n', bytes) {
            self.done = self.total + at as u64 + 1;
        }
        self.total += bytes.len() as u64;
        Ok(Pushed { done: self.done, records: bytes.len() as u64 / 200, receipt: Receipt::resolved() })
    }
    fn finish(&mut self) -> Result<Pushed, PluginError> {
        self.finish_record()
    }
    fn finish_record(&mut self) -> Result<Pushed, PluginError> {
        Ok(Pushed { done: self.done, records: 0, receipt: Receipt::resolved() })
    }
    fn push_blob(&mut self, _: &[u8]) -> Result<Pushed, PluginError> {
        self.finish_record()
    }
    fn inject(&mut self, _: &mut Pack) -> Result<Receipt, PluginError> {
        Ok(Receipt::resolved())
    }
    fn reset(&mut self) {
        *self = Sink::default();
    }
    fn pending(&self) -> usize {
        0
    }
    fn takes_whole_reads(&self) -> bool {
        false
    }
}

struct Silent;

impl Inlet for Silent {
    fn deliverer(&self, _: &str) -> Result<Box<dyn Deliverer>, String> {
        Ok(Box::new(Sink::default()))
    }
    fn ticker_interval_s(&self) -> u64 {
        0
    }
    fn log_info(&self, _: &str) {}
    fn log_error(&self, text: &str) {
        panic!("{text}");
    }
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

#[test]
#[ignore = "measures"]
fn read_speed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("big.log");
    let mut file = std::io::BufWriter::new(std::fs::File::create(&path).unwrap());
    for number in 0..1_000_000_u32 {
        writeln!(file, "{number:0>199}").unwrap();
    }
    file.into_inner().unwrap().sync_all().unwrap();
    let path: Arc<Path> = path.into();
    let files = Listing { ids: vec![FileId::at(&path).unwrap()], paths: vec![path] };
    let around = Surroundings {
        inlet: &Silent,
        max_record_size: 65_794,
        check_interval: Duration::from_millis(250),
        scans: 0,
    };
    let mut buffer = read_buffer();
    for round in 0..5 {
        let journal = Journal::new(dir.path(), &format!("j{round}"));
        let deliverer = Box::new(Sink::default());
        let mut stream = Stream::new("big".into(), files.clone(), journal, Begin::Oldest, deliverer);
        let start = cpu_time();
        while stream.turn(&around, &mut buffer).unwrap() != Turn::Idle {
            stream.save_if_due(&Silent);
        }
        let time = cpu_time() - start;
        assert_eq!(stream.place().unwrap().1, 200_000_000);
        println!("1 M lines of 200 bytes: {time:?} of CPU");
    }
}
