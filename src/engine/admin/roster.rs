//! Who runs: what each plugin of the pipeline leaves for those who ask about it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use heka_message::Matcher;
use heka_plugin::telemetry::ReaderKind;

use crate::counters::{AppendCounters, Count, DecodeCounters};
use crate::desk::Desk;
use crate::stops::Stops;

/// An input.
#[derive(Clone)]
pub struct ListedInput {
    /// Its section.
    pub name: String,
    /// Its type.
    pub type_name: &'static str,
    /// Its splitter's section; "" if it has none.
    pub splitter: String,
    /// Its decoder's section; "" if it has none.
    pub decoder: String,
    /// `synchronous_decode`
    pub synchronous: bool,
    /// Where its report is.
    pub desk: Desk,
    /// What it has done.
    pub counters: Arc<InputCounters>,
}

/// What an input has done.
#[derive(Default)]
pub struct InputCounters {
    /// It runs.
    pub running: AtomicBool,
    /// How often it was started again.
    pub restarts: Count,
    /// What it queued.
    pub appended: Arc<AppendCounters>,
    /// What its decoders did.
    pub decoded: Arc<DecodeCounters>,
}

/// A filter or output.
#[derive(Clone)]
pub struct ListedReader {
    /// Its section.
    pub name: String,
    /// Its type.
    pub type_name: &'static str,
    /// Which kind.
    pub kind: ReaderKind,
    /// It was loaded while hekad runs.
    pub dynamic: bool,
    /// Its matcher.
    pub matcher: Arc<Matcher>,
    /// Its encoder's section; "" if it has none.
    pub encoder: String,
    /// How it is asked.
    pub stops: Stops,
    /// What a filter injected.
    pub injected: Arc<AppendCounters>,
}

/// The inputs and readers, in the order of their start. Clones are the same roster.
#[derive(Clone, Default)]
pub struct Roster(Arc<Shared>);

#[derive(Default)]
struct Shared {
    next: AtomicU64,
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    inputs: Vec<(u64, ListedInput)>,
    readers: Vec<(u64, ListedReader)>,
}

/// Keeps somebody on the roster for as long as it lives.
pub struct Listing {
    roster: Roster,
    id: u64,
}

impl Roster {
    /// Lists an input.
    pub fn list_input(&self, input: ListedInput) -> Listing {
        let listing = self.listing();
        self.lists().inputs.push((listing.id, input));
        listing
    }

    /// Lists a filter or output.
    pub fn list_reader(&self, reader: ListedReader) -> Listing {
        let listing = self.listing();
        self.lists().readers.push((listing.id, reader));
        listing
    }

    /// The inputs.
    pub fn inputs(&self) -> Vec<ListedInput> {
        self.lists().inputs.iter().map(|(_, input)| input.clone()).collect()
    }

    /// The filters and outputs.
    pub fn readers(&self) -> Vec<ListedReader> {
        self.lists().readers.iter().map(|(_, reader)| reader.clone()).collect()
    }

    fn listing(&self) -> Listing {
        Listing { roster: self.clone(), id: self.0.next.fetch_add(1, Ordering::Relaxed) }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.0.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listing {
    fn drop(&mut self) {
        let mut lists = self.roster.lists();
        lists.inputs.retain(|(id, _)| *id != self.id);
        lists.readers.retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(name: &str) -> ListedInput {
        ListedInput {
            name: name.into(),
            type_name: "TcpInput",
            splitter: String::new(),
            decoder: String::new(),
            synchronous: false,
            desk: Desk::default(),
            counters: Arc::default(),
        }
    }

    #[test]
    fn who_is_gone_is_not_listed_any_more() {
        let roster = Roster::default();
        let first = roster.list_input(input("same"));
        let second = roster.list_input(input("same"));
        drop(first);
        assert_eq!(roster.inputs().len(), 1, "only the one that is gone");
        drop(second);
        assert!(roster.inputs().is_empty());
    }
}
