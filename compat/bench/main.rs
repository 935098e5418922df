//! Benchmarks of a whole `hekad` process.
//!
//! The unit is CPU seconds, user and system, per million messages, beside two peers measured in the same run: machines
//! are noisy, ratios are not.
#![forbid(unsafe_code)]

mod baseline;
mod inputs;
mod latency;
mod measure;
mod rows;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use heka_compat::program;
use heka_testkit::Scratch;

use inputs::Inputs;
use measure::Measured;
use rows::{ROWS, Row};

const USAGE: &str = "\
Usage: bench [--hekad PATH] [--share DIR] [--lines N] [--seed N] [ROW ...]

  --hekad PATH   the daemon to measure (the hekad of this workspace, built like this program)
  --share DIR    share_dir for a daemon that does not carry its Lua files
  --lines N      lines of the access log (1000000)
  --seed N       seed of the log (7)

Rows:
";

/// The command line.
struct Options {
    hekad: Option<PathBuf>,
    share: Option<PathBuf>,
    lines: u64,
    seed: u64,
    rows: Vec<String>,
}

fn options(args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options { hekad: None, share: None, lines: 1_000_000, seed: 7, rows: Vec::new() };
    let mut args = args;
    while let Some(arg) = args.next() {
        let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
        match arg.as_str() {
            "--hekad" => options.hekad = Some(value()?.into()),
            "--share" => options.share = Some(value()?.into()),
            "--lines" => options.lines = value()?.parse().context("--lines")?,
            "--seed" => options.seed = value()?.parse().context("--seed")?,
            // What `cargo bench` and others add.
            "--bench" => {}
            row if ROWS.iter().any(|r| r.name == row) => options.rows.push(arg),
            _ => bail!("unknown option or row {arg}\n\n{}", usage()),
        }
    }
    Ok(options)
}

fn usage() -> String {
    let rows: String = ROWS.iter().map(|row| format!("  {:<16}{}\n", row.name, row.what)).collect();
    format!("{USAGE}{rows}")
}

fn run(options: &Options) -> anyhow::Result<()> {
    let hekad = match &options.hekad {
        Some(hekad) => hekad.canonicalize().with_context(|| hekad.display().to_string())?,
        None => program::built_hekad()?,
    };
    let wanted: Vec<&Row> = ROWS
        .iter()
        .filter(|row| options.rows.is_empty() || options.rows.iter().any(|r| r == row.name))
        .collect();
    let scratch = Scratch::new()?;
    let inputs = Inputs::write(&scratch, options.lines, options.seed)?;
    println!("{} lines of {} bytes, {}", options.lines, inputs.bytes / options.lines.max(1), hekad.display());
    println!(
        "{:<16} {:>9} {:>10} {:>9} {:>9} {:>8} {:>8}",
        "", "CPU s/M", "msgs/s", "RSS MB", "anon MB", "x gzip", "x lua"
    );
    let gzip = baseline::gzip(&inputs)?;
    print_row("gzip -6", &gzip, &[Some(&gzip), None]);
    let lua = baseline::lua(&inputs)?;
    match &lua {
        Some(lua) => print_row("lua5.1 + lpeg", lua, &[Some(&gzip), Some(lua)]),
        None => println!("lua5.1 + lpeg    not installed"),
    }
    let baselines = [Some(&gzip), lua.as_ref()];
    for row in wanted {
        match row.kind {
            rows::Kind::Throughput(config) => {
                let measured = measure::run(&hekad, &inputs, options.share.as_deref(), config)?;
                print_row(row.name, &measured, &baselines);
            }
            rows::Kind::Reject => {
                let cost = measure::rejecting(&hekad, &inputs, options.share.as_deref())?;
                println!("{:<16} {:>9.1} ns a message and reader", row.name, cost * 1e9);
            }
            rows::Kind::Latency => {
                let latency = latency::measure(&hekad, options.share.as_deref())?;
                println!("{:<16} {latency}", row.name);
            }
        }
    }
    Ok(())
}

fn print_row(name: &str, measured: &Measured, baselines: &[Option<&Measured>; 2]) {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let ratios: String = baselines
        .iter()
        .map(|peer| match peer {
            Some(peer) => format!(" {:>8.2}", measured.cpu_per_million() / peer.cpu_per_million()),
            None => format!(" {:>8}", ""),
        })
        .collect();
    println!(
        "{name:<16} {:>9.2} {:>10.0} {:>9.1} {:>9.1}{ratios}{}",
        measured.cpu_per_million(),
        measured.messages as f64 / measured.wall.as_secs_f64().max(1e-9),
        megabytes(measured.peak),
        megabytes(measured.anonymous),
        measured.remark
    );
}

fn main() -> ExitCode {
    if env::args().any(|arg| arg == "-h" || arg == "--help") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    match options(env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::FAILURE
        }
    }
}
