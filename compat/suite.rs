//! Many cases, side by side.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::error::CaseError;
use crate::glob;
use crate::run::run_case;

/// What the cases are run with.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The daemon's command: program and leading arguments.
    pub hekad: Vec<String>,
    /// The `share_dir` that `%ENV[SHARE_DIR]` names.
    pub share: PathBuf,
    /// The folder of the command line tools.
    pub tools: PathBuf,
    /// Write what comes out to `expected/` instead of comparing it.
    pub record: bool,
    /// Leave scratch folders behind.
    pub keep: bool,
    /// How many cases run at a time.
    pub jobs: usize,
    /// Factor on the waiting times of cases, for slow machines.
    pub patience: f64,
}

/// What became of one case.
#[derive(Debug)]
pub struct Verdict {
    /// `AREA/NAME`.
    pub name: String,
    /// Passed, or why not.
    pub result: Result<(), CaseError>,
    /// The scratch folder, when it was kept.
    pub scratch: Option<PathBuf>,
}

impl Suite {
    /// The daemon's command.
    pub fn hekad_command(&self) -> Command {
        let mut words = self.hekad.iter();
        let mut command = Command::new(words.next().map_or("hekad", String::as_str));
        command.args(words);
        command
    }

    /// Runs the named cases of a folder and tells of each as soon as all before it are done.
    pub fn run(&self, cases: &Path, names: &[String], mut tell: impl FnMut(&Verdict)) -> Vec<Verdict> {
        let next = AtomicUsize::new(0);
        let (done, results) = mpsc::channel();
        let mut verdicts: Vec<Option<Verdict>> = names.iter().map(|_| None).collect();
        let mut told = 0;
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let (done, next) = (done.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(name) = names.get(index) else { return };
                        let (result, scratch) = run_case(&cases.join(name), self);
                        // The receiver lives until all threads have ended.
                        let _ = done.send((index, Verdict { name: name.clone(), result, scratch }));
                    }
                });
            }
            drop(done);
            for (index, verdict) in results {
                verdicts[index] = Some(verdict);
                while let Some(Some(verdict)) = verdicts.get(told) {
                    tell(verdict);
                    told += 1;
                }
            }
        });
        verdicts.into_iter().flatten().collect()
    }
}

/// The cases of a folder as `AREA/NAME`, sorted; with patterns only those that match one.
pub fn find_cases(folder: &Path, patterns: &[String]) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for area in sub_folders(folder)? {
        for name in sub_folders(&folder.join(&area))? {
            if folder.join(&area).join(&name).join("case.toml").exists() {
                names.push(format!("{area}/{name}"));
            }
        }
    }
    names.sort();
    names.retain(|name| patterns.is_empty() || patterns.iter().any(|pattern| glob::matches(pattern, name)));
    Ok(names)
}

fn sub_folders(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}
