//! Holds a `hekad` binary against recorded cases.
#![forbid(unsafe_code)]

mod soak;

use std::env;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use heka_compat::program;
use heka_compat::suite::{Suite, Verdict, find_cases};

const USAGE: &str = "\
Usage: heka-compat [--hekad CMD] [--share DIR] [--tools DIR] [--cases DIR] [--jobs N] [--patience X] [--record] [--keep] [-v] [GLOB ...]
       heka-compat soak --minutes N [--seed S] [--hekad PATH]

Runs recorded cases and compares what comes out with what hekad 0.11 gave. `soak` disturbs a daemon for
minutes or days instead.

  --hekad CMD    program, with leading arguments if need be (the hekad of this workspace)
  --share DIR    share_dir of the configurations (an empty folder)
  --tools DIR    folder of heka-cat, heka-inject and so on (the folder of hekad)
  --cases DIR    folder of the cases (compat/cases)
  --jobs N       cases at a time (2)
  --patience X   factor on waiting times, for slow machines (1)
  --record       write what comes out to expected/ instead of comparing it; read the difference before you commit it
  --keep         leave scratch folders behind and tell where
  -v             tell of passing cases, too
  GLOB           picks cases by AREA/NAME
";

/// The command line.
struct Options {
    hekad: Option<String>,
    share: Option<PathBuf>,
    tools: Option<PathBuf>,
    cases: PathBuf,
    jobs: usize,
    patience: f64,
    record: bool,
    keep: bool,
    verbose: bool,
    globs: Vec<String>,
}

fn options(args: impl Iterator<Item = String>) -> anyhow::Result<Options> {
    let mut options = Options {
        hekad: None,
        share: None,
        tools: None,
        cases: program::own_cases(),
        jobs: 2,
        patience: 1.0,
        record: false,
        keep: false,
        verbose: false,
        globs: Vec::new(),
    };
    let mut args = args;
    while let Some(arg) = args.next() {
        let (name, inline) = match arg.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
            _ => (arg, None),
        };
        let mut value =
            || inline.clone().or_else(|| args.next()).with_context(|| format!("{name} needs a value"));
        match name.as_str() {
            "--hekad" => options.hekad = Some(value()?),
            "--share" => options.share = Some(value()?.into()),
            "--tools" => options.tools = Some(value()?.into()),
            "--cases" => options.cases = value()?.into(),
            "--jobs" => options.jobs = value()?.parse().context("--jobs")?,
            "--patience" => options.patience = value()?.parse().context("--patience")?,
            "--record" => options.record = true,
            "--keep" => options.keep = true,
            "-v" => options.verbose = true,
            other if other.starts_with('-') => bail!("unknown option {other}\n\n{USAGE}"),
            _ => options.globs.push(name),
        }
    }
    Ok(options)
}

fn run(options: &Options) -> anyhow::Result<bool> {
    let hekad: Vec<String> = match &options.hekad {
        Some(command) => command.split_whitespace().map(str::to_owned).collect(),
        None => vec![program::built_hekad()?.display().to_string()],
    };
    let first = hekad.first().context("--hekad is empty")?;
    let first = absolute(Path::new(first))?;
    let empty = tempfile::tempdir()?;
    let suite = Suite {
        hekad: std::iter::once(first.display().to_string()).chain(hekad[1..].iter().cloned()).collect(),
        share: absolute(options.share.as_deref().unwrap_or(empty.path()))?,
        tools: match &options.tools {
            Some(tools) => absolute(tools)?,
            None => first.parent().unwrap_or(Path::new("/")).to_owned(),
        },
        record: options.record,
        keep: options.keep,
        jobs: options.jobs,
        patience: options.patience,
    };
    let cases = absolute(&options.cases)?;
    let names = find_cases(&cases, &options.globs).with_context(|| cases.display().to_string())?;
    let verdicts = suite.run(&cases, &names, |verdict| tell(verdict, options.verbose));
    let failed = verdicts.iter().filter(|v| v.result.is_err()).count();
    println!("{} passed, {failed} failed", verdicts.len() - failed);
    Ok(failed == 0 && !verdicts.is_empty())
}

/// A bare word stays as it is: it is looked up in PATH.
fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    if path.components().count() == 1 && !path.exists() {
        return Ok(path.to_owned());
    }
    path.canonicalize().with_context(|| path.display().to_string())
}

fn tell(verdict: &Verdict, verbose: bool) {
    let scratch = verdict.scratch.as_ref().map_or(String::new(), |path| format!("  [{}]", path.display()));
    match &verdict.result {
        Err(why) => println!("FAIL {}: {why}{scratch}", verdict.name),
        Ok(()) if verbose => println!("ok   {}", verdict.name),
        Ok(()) => {}
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    if let [first, rest @ ..] = args.as_slice()
        && first == "soak"
    {
        return exit_code(soak::run(rest));
    }
    if env::args().any(|arg| arg == "-h" || arg == "--help") {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    exit_code(options(args.into_iter()).and_then(|options| run(&options)))
}

fn exit_code(result: anyhow::Result<bool>) -> ExitCode {
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why:#}");
            ExitCode::from(2)
        }
    }
}
