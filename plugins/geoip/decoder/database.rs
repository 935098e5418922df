//! Databases of either format. Decoders that name the same file share what was read.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::SystemTime;

use maxminddb::MaxMindDbError;

use super::legacy::Legacy;
use super::maxmind::MaxMind;
use super::record::Record;

/// A database in memory.
#[derive(Debug)]
pub(super) enum Database {
    Legacy(Legacy),
    MaxMind(MaxMind),
    /// A file of another kind, in which nothing is ever found.
    Other,
}

/// Why a database was not opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    #[error("{}: {why}", path.display())]
    Read { path: PathBuf, why: io::Error },
    #[error("{}: {why}", path.display())]
    Damaged { path: PathBuf, why: MaxMindDbError },
}

/// A file in a state of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Version {
    path: PathBuf,
    modified: Option<SystemTime>,
    bytes: u64,
}

static OPEN: LazyLock<Mutex<HashMap<Version, Weak<Database>>>> = LazyLock::new(Mutex::default);

impl Database {
    /// The database in the file at `path`. It is read whole, unless somebody has it already.
    ///
    /// # Errors
    /// The file cannot be read, or is a damaged `.mmdb`.
    pub(super) fn open(path: &Path) -> Result<Arc<Database>, OpenError> {
        let unread = |why| OpenError::Read { path: path.into(), why };
        let metadata = std::fs::metadata(path).map_err(unread)?;
        let version =
            Version { path: path.into(), modified: metadata.modified().ok(), bytes: metadata.len() };
        // Held while reading, so that the decoders of many streams do not all read at once.
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, database| database.strong_count() > 0);
        if let Some(database) = open.get(&version).and_then(Weak::upgrade) {
            return Ok(database);
        }
        let bytes = std::fs::read(path).map_err(unread)?;
        let database = if MaxMind::is_meant_by(&bytes) {
            let damaged = |why| OpenError::Damaged { path: path.into(), why };
            Database::MaxMind(MaxMind::new(bytes).map_err(damaged)?)
        } else {
            Legacy::new(bytes).map_or(Database::Other, Database::Legacy)
        };
        let database = Arc::new(database);
        open.insert(version, Arc::downgrade(&database));
        Ok(database)
    }

    /// What is known of an address, if anything.
    pub(super) fn find(&self, address: IpAddr) -> Option<Record<'_>> {
        let address = address.to_canonical();
        match self {
            Database::Legacy(legacy) => legacy.find(address),
            Database::MaxMind(maxmind) => maxmind.find(address),
            Database::Other => None,
        }
    }
}
