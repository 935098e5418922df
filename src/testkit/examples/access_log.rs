//! `access_log LINES [SEED]`: writes an nginx access log to standard output.
#![forbid(unsafe_code)]

use std::io::{self, BufWriter, Write};

use heka_testkit::access_log::AccessLog;

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|arg| arg.parse::<u64>().map_err(io::Error::other));
    let lines = numbers.next().unwrap_or(Ok(1000))?;
    let mut log = AccessLog::new(numbers.next().unwrap_or(Ok(1))?);
    let mut out = BufWriter::new(io::stdout().lock());
    for _ in 0..lines {
        out.write_all(log.next_line().as_bytes())?;
    }
    out.flush()
}
