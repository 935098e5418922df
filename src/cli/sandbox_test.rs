//! `hekad test`: runs sandboxes, and any other decoder, filter or encoder, against the cases beside them.
//!
//! A case file is TOML and is called `NAME.test.toml`; `docs/reference/test.md` describes it.
//!
//! | module | holds |
//! |---|---|
//! | [`case`] | what a case file says |
//! | [`message`] | messages written as TOML tables |
//! | [`rig`] | a plugin under test: feeds it a step, gathers what comes out |
//! | [`expect`] | holds what came out against what the case expects |

mod case;
mod expect;
mod message;
mod rig;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Parser;

use case::{Case, CaseFile};
use rig::Rig;

/// What case files are called.
const SUFFIX: &str = ".test.toml";

/// Runs sandboxes, or other decoders, filters and encoders, against the cases beside them.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Where scripts and modules are looked up before those in the binary are taken.
    #[arg(long, value_name = "DIR", default_value = "/usr/share/heka")]
    share_dir: PathBuf,
    /// Case files, sandboxes with a case file beside them, or folders of case files.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

/// Runs the case files that the arguments name; prints a line for each case. The exit code is 1 if a case fails.
///
/// # Errors
/// A path names no case file, or one cannot be read or understood.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let (mut passed, mut failed) = (0, 0);
    for file in case_files(&args.paths)? {
        let text =
            std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let cases: CaseFile =
            toml::from_str(&text).map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
        if cases.case.is_empty() {
            bail!("{}: no [[case]] in it", file.display());
        }
        println!("{}", file.display());
        for case in &cases.case {
            match try_case(&cases, case, &args.share_dir) {
                Ok(()) => {
                    passed += 1;
                    println!("  ok    {}", case.name);
                }
                Err(why) => {
                    failed += 1;
                    println!("  FAIL  {}: {why:#}", case.name);
                }
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn try_case(file: &CaseFile, case: &Case, share_dir: &Path) -> Result<()> {
    let section = case::merged(&file.plugin, &case.plugin);
    let opened = Rig::open(&section, share_dir);
    if let Some(expected) = &case.refused {
        let Err(why) = opened else { bail!("the plugin starts, expected it to be refused: {expected}") };
        return expect::same_error(expected, &format!("{why:#}"));
    }
    let mut rig = opened.context("the plugin does not start")?;
    for (number, step) in case.step.iter().enumerate() {
        let (input, repeat) = step.input()?;
        for _ in 1..repeat {
            rig.feed(&input)?;
        }
        let came = rig.feed(&input)?;
        expect::check(&step.expected()?, &came).with_context(|| format!("step {}", number + 1))?;
    }
    Ok(())
}

/// The case files behind the paths, sorted within a folder.
fn case_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        if path.is_dir() {
            walk(path, &mut files)?;
            files[before..].sort();
            if files.len() == before {
                bail!("no {SUFFIX} files below {}", path.display());
            }
        } else if is_case_file(path) {
            files.push(path.clone());
        } else {
            let beside = path.with_extension(&SUFFIX[1..]);
            if !beside.is_file() {
                bail!("{} has no case file {}", path.display(), beside.display());
            }
            files.push(beside);
        }
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else if is_case_file(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_case_file(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.ends_with(SUFFIX))
}
