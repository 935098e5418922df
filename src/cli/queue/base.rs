//! The queues of a `base_dir`, their readers, and the lock of a running hekad.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use heka_engine::filter_state::StateFile;
use heka_engine::import::Places;
use heka_engine::progress::Progress;
use heka_engine::queues::{FILTER, INPUT};
use heka_queue::fs::RealFs;
use heka_queue::{Cursors, Position, QueueError, SyncMode};

use crate::cli::DEFAULT_CONFIG;

/// Where the queues are.
#[derive(Debug, clap::Args)]
pub(super) struct Where {
    /// The base_dir of hekad
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    base_dir: Option<PathBuf>,
    /// Take base_dir from this configuration file or folder, as the daemon does [default: /etc/hekad.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Where {
    /// Finds the queues.
    pub(super) fn find(&self) -> Result<Base> {
        let base_dir = match &self.base_dir {
            Some(dir) => dir.clone(),
            None => {
                let config = self.config.as_deref().unwrap_or(Path::new(DEFAULT_CONFIG));
                let loaded = heka_engine::config::load(config).map_err(|error| {
                    anyhow::anyhow!("cannot read the configuration {}: {error}", config.display())
                })?;
                PathBuf::from(loaded.hekad.base_dir)
            }
        };
        let dir = base_dir.join("queue");
        std::fs::read_dir(&dir)
            .with_context(|| format!("no queues in {}: {}", base_dir.display(), dir.display()))?;
        Ok(Base { base_dir, dir })
    }
}

/// A `base_dir` with queues.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) base_dir: PathBuf,
    /// The folder `queue` in it.
    pub(super) dir: PathBuf,
}

/// One queue.
#[derive(Debug)]
pub(super) struct QueueFolder {
    /// Its name among the cursors.
    pub(super) name: String,
    pub(super) dir: PathBuf,
}

/// A reader's place in each queue, by the queue's name.
pub(super) type ReaderPlaces = BTreeMap<String, Position>;

impl Base {
    /// Where damaged bytes go.
    pub(super) fn aside(&self) -> PathBuf {
        self.dir.join("damaged")
    }

    /// The cursors file.
    pub(super) fn cursors(&self) -> Result<Cursors, QueueError> {
        Cursors::open(&self.dir, Arc::new(RealFs), SyncMode::Ack)
    }

    /// The queues that are there.
    pub(super) fn queues(&self, cursors: Option<&Cursors>) -> Result<Vec<QueueFolder>> {
        let mut queues = Vec::new();
        for name in [INPUT, FILTER] {
            queues.push(QueueFolder { name: name.into(), dir: self.dir.join(name) });
        }
        let places = Places::of(&self.base_dir);
        let mut imported: BTreeMap<PathBuf, String> = BTreeMap::new();
        for entry in list(&places.imported())? {
            let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // Folders with a suffix are being made or removed.
            if entry.is_dir() && !name.contains('.') {
                imported.insert(entry, format!("imported/{name}"));
            }
        }
        for (reader, queue, _) in cursors.map(Cursors::all).unwrap_or_default() {
            if queue.starts_with("imported/")
                && let Some(name) = imported.get_mut(&places.queue(&reader))
            {
                *name = queue;
            }
        }
        queues.retain(|queue| queue.dir.is_dir());
        queues.extend(imported.into_iter().map(|(dir, name)| QueueFolder { name, dir }));
        Ok(queues)
    }

    /// Where every reader goes on: at its cursor, or at the place that its state belongs to, or at its note of progress if
    /// that is ahead. `tails` are the ends of the queues.
    pub(super) fn readers(
        &self,
        cursors: &Cursors,
        tails: &BTreeMap<String, Position>,
    ) -> BTreeMap<String, ReaderPlaces> {
        let mut readers: BTreeMap<String, ReaderPlaces> = BTreeMap::new();
        for (reader, queue, at) in cursors.all() {
            readers.entry(reader).or_default().insert(queue, at);
        }
        for (reader, places) in &mut readers {
            let state = StateFile::new(&self.base_dir, reader, false).place();
            let note = Progress::look(&self.base_dir, reader);
            let of = |name: &str| match name {
                INPUT => Some((state.map(|p| p.input), note.map(|p| p.input))),
                FILTER => Some((state.map(|p| p.filter), note.map(|p| p.filter))),
                _ => Some((state.map(|p| p.imported), note.map(|p| p.imported))),
            };
            let is_ahead = |(name, at): (&String, &Position)| {
                let tail = tails.get(name).copied().unwrap_or(*at);
                of(name).and_then(|(_, note)| note).is_some_and(|note| (*at..=tail.max(*at)).contains(&note))
            };
            let note_counts = state.is_none() && places.iter().all(is_ahead);
            for (name, at) in places.iter_mut() {
                let Some((state, note)) = of(name) else { continue };
                *at = state.or(note.filter(|_| note_counts)).unwrap_or(*at);
            }
        }
        readers
    }

    /// The process that runs these queues, if one does: it holds a lock. Takes none, so that it disturbs nobody.
    pub(super) fn running(&self) -> Option<u32> {
        let inode = std::fs::metadata(self.dir.join("lock")).ok()?.ino();
        let locks = std::fs::read_to_string("/proc/locks").ok()?;
        let held = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, "FLOCK", _, _, pid, file, ..] = words.as_slice() else { return None };
            let of_file = file.rsplit(':').next()?.parse() == Ok(inode);
            of_file.then(|| pid.parse().ok()).flatten()
        };
        locks.lines().find_map(held)
    }

    /// Keeps hekad from starting on these queues while the lock is held.
    pub(super) fn lock(&self) -> Result<File> {
        let path = self.dir.join("lock");
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                bail!("hekad is running on {}: it holds the lock {}", self.base_dir.display(), path.display())
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

/// The paths in a folder; none if it is missing.
fn list(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot list {}", dir.display()))?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths.collect::<io::Result<_>>().with_context(|| format!("cannot list {}", dir.display()))
}
