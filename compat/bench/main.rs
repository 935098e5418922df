//! Benchmarks of a whole `hekad` process.
//!
//! The unit is CPU seconds, user and system, per million messages, beside two peers measured in the same run: machines
//! are noisy, ratios are not.
#![forbid(unsafe_code)]

mod backlog;
mod baseline;
mod inputs;
mod latency;
mod measure;
mod queue;
mod rows;
mod syslog;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use heka_compat::program;
use heka_testkit::Scratch;

use inputs::Inputs;
use measure::Measured;
use rows::{Aim, Kind, ROWS, Row};

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
        "{:<16} {:>9} {:>8} {:>10} {:>8} {:>8} {:>7} {:>7}",
        "CPU s/M", "", "aim", "msgs/s", "RSS MB", "anon MB", "x gzip", "x lua"
    );
    let mut baselines = [None, None];
    if wanted.iter().any(|row| matches!(row.kind, Kind::Throughput(_))) {
        let gzip = baseline::gzip(&inputs)?;
        print_row("gzip -6", Aim::None, &gzip, &[Some(&gzip), None]);
        let lua = baseline::lua(&inputs)?;
        match &lua {
            Some(lua) => print_row("lua5.1 + lpeg", Aim::None, lua, &[Some(&gzip), Some(lua)]),
            None => println!("lua5.1 + lpeg    not installed"),
        }
        baselines = [Some(gzip), lua];
    }
    let baselines = [baselines[0].as_ref(), baselines[1].as_ref()];
    let share = options.share.as_deref();
    for row in wanted {
        match row.kind {
            Kind::Throughput(pipeline) => {
                let measured = measure::run(&hekad, &inputs, share, pipeline)?;
                print_row(row.name, row.aim, &measured, &baselines);
            }
            Kind::Reject => print_figure(row, measure::rejecting(&hekad, &inputs, share)? * 1e9, ""),
            Kind::Ack => print_figure(row, measure::ack_share(&hekad, &inputs, share)? * 100.0, ""),
            Kind::Queue(work) => print_figure(row, queue::measure(&inputs, work)?, ""),
            Kind::Latency => {
                let latency = latency::measure(&hekad, share)?;
                let more = format!("; 90 %: {:.2}, most: {:.2}", latency.at(0.9), latency.at(1.0));
                print_figure(row, latency.at(0.5), &more);
            }
            Kind::Backlog => {
                let start = backlog::measure(&hekad, share)?;
                let megabytes = |bytes: u64| bytes as f64 / 1e6;
                let (peak, anonymous) = (megabytes(start.peak), megabytes(start.anonymous));
                print_figure(
                    row,
                    start.first.as_secs_f64(),
                    &format!("; RSS {peak:.1} MB, anonymous {anonymous:.1} MB"),
                );
            }
        }
    }
    Ok(())
}

/// A row that has one figure; its description says the unit.
fn print_figure(row: &Row, figure: f64, more: &str) {
    println!("{:<16} {figure:>9.2} {:>8}{} {}{more}", row.name, row.aim, mark(row.aim, figure), row.what);
}

/// What stands behind a figure that is not as it should be.
fn mark(aim: Aim, figure: f64) -> &'static str {
    if aim.is_met(figure) { " " } else { "!" }
}

fn print_row(name: &str, aim: Aim, measured: &Measured, baselines: &[Option<&Measured>; 2]) {
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let ratios: String = baselines
        .iter()
        .map(|peer| match peer {
            Some(peer) => format!(" {:>7.2}", measured.cpu_per_million() / peer.cpu_per_million()),
            None => format!(" {:>7}", ""),
        })
        .collect();
    println!(
        "{name:<16} {:>9.2} {aim:>8}{} {:>9.0} {:>8.1} {:>8.1}{ratios}{}",
        measured.cpu_per_million(),
        mark(aim, measured.cpu_per_million()),
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
