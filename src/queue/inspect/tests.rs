use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::fs::SimulatedFs;
use crate::fs::simulated::{Fault, Random};
use crate::{Batch, Meta, Options, Queue, SyncMode};

const DIR: &str = "/base/input";
const ASIDE: &str = "/base/damaged";
const RECORDS: u64 = 12;

/// A closed queue of several segments.
fn queue() -> SimulatedFs {
    let fs = SimulatedFs::new();
    let options = Options {
        segment_size_bytes: 4096,
        sync: SyncMode::Ack,
        fs: Arc::new(fs.clone()),
        ..Options::default()
    };
    let queue = Queue::open_without_commits(Path::new(DIR), options).unwrap();
    for id in 0..RECORDS {
        let mut batch = Batch::new();
        batch.push(&[id as u8 + 1; 1000], Meta::default()).unwrap();
        queue.append(&mut batch).unwrap();
        queue.sync();
    }
    queue.close();
    fs.after_kill()
}

/// Sequences of all records that can be read.
fn readable(fs: &SimulatedFs) -> Vec<u64> {
    let listing = Listing::read(Path::new(DIR), fs).unwrap();
    let mut sequences = Vec::new();
    for file in &listing.segments {
        let segment = Segment::read(file, fs).unwrap().unwrap();
        sequences.extend(segment.walk(0).filter_map(|piece| match piece {
            Piece::Record(entry) => Some(entry.record.sequence),
            Piece::Bad { .. } => None,
        }));
    }
    sequences
}

fn look(fs: &SimulatedFs) -> Result<(Listing, QueueCheck), QueueError> {
    let listing = Listing::read(Path::new(DIR), fs)?;
    let known = Ledger::read(Path::new(ASIDE), fs)?;
    let found = check("q", &listing, &[], &known, fs)?;
    Ok((listing, found))
}

fn repair(fs: &SimulatedFs) -> Result<Plan, QueueError> {
    let (listing, found) = look(fs)?;
    let plan = Plan::new("q", &listing, &found);
    plan.save_damage(Path::new(ASIDE), fs)?;
    plan.apply(Path::new(ASIDE), fs)?;
    Ok(plan)
}

/// The second segment with a flipped bit in its first record and garbage at its end; the third without a record.
fn damaged() -> SimulatedFs {
    let fs = queue();
    let ids: Vec<u64> = Listing::read(Path::new(DIR), &fs).unwrap().segments.iter().map(|s| s.id).collect();
    assert!(ids.len() > 2, "{ids:?}");
    let path = |at: usize| Path::new(DIR).join(format!("{:08}.log", ids[at]));
    fs.damage(&path(1), |bytes| {
        bytes[500] ^= 1;
        bytes.extend_from_slice(b"garbage");
    });
    fs.damage(&path(2), |bytes| bytes.fill(7));
    fs
}

#[test]
fn a_queue_without_damage_is_clean() {
    let (_, found) = look(&queue()).unwrap();
    assert_eq!(found.findings, []);
    assert_eq!(found.records, RECORDS);
    let outline = Outline::read(Path::new(DIR), &queue()).unwrap();
    assert_eq!(outline.bytes(), found.bytes);
    assert_eq!(outline.bytes_after(Position::default()), found.bytes);
    assert_eq!(outline.bytes_after(outline.tail()), 0);
    assert_eq!(outline.records_from(outline.first), RECORDS);
}

/// As a running hekad does it while a check reads.
#[test]
fn a_segment_that_goes_away_during_a_check_is_no_break() {
    let fs = queue();
    let listing = Listing::read(Path::new(DIR), &fs).unwrap();
    let gone = &listing.segments[1];
    Fs::unlink(&fs, &gone.path).unwrap();
    let found = check("q", &listing, &[], &Ledger::default(), &fs).unwrap();
    assert_eq!(found.findings, []);
    assert!(0 < found.records && found.records < RECORDS);
    // Gone before the check: that is one.
    assert_eq!(look(&fs).unwrap().1.findings.len(), 1);
}

#[test]
fn a_repair_keeps_all_that_can_be_read_and_leaves_no_problem() {
    let fs = damaged();
    let before = readable(&fs);
    assert!(before.len() < RECORDS as usize);
    let (_, found) = look(&fs).unwrap();
    assert!(!found.findings.is_empty());
    repair(&fs).unwrap();
    assert_eq!(readable(&fs), before);
    let (_, found) = look(&fs).unwrap();
    assert_eq!(found.findings, []);
}

#[test]
fn positions_move_with_the_records_they_point_at() {
    let fs = damaged();
    let (listing, found) = look(&fs).unwrap();
    let plan = Plan::new("q", &listing, &found);
    let [first, second, third] = [0, 1, 2].map(|at| listing.segments[at].id);
    let bad = found.findings.iter().find(|f| matches!(f.problem, Problem::Damaged { .. })).unwrap();
    let Problem::Damaged { bytes } = bad.problem else { unreachable!() };
    assert_eq!(plan.moved(Position::new(first, 77)), Position::new(first, 77));
    assert_eq!(plan.moved(Position::new(second, 0)), Position::new(second, 0));
    assert_eq!(plan.moved(Position::new(second, bytes / 2)), Position::new(second, 0));
    assert_eq!(plan.moved(Position::new(second, bytes + 5)), Position::new(second, 5));
    let after = listing.segments.get(3).map(|next| Position::new(next.id, 0));
    let moved = plan.moved(Position::new(third, 10));
    assert_eq!(moved, after.unwrap_or(moved));
    assert_ne!(moved.segment, third);
}

/// Wherever the power goes, what could be read still can be, and the repair works when it is tried again.
#[test]
fn a_repair_that_is_cut_off_loses_nothing() {
    let good = readable(&damaged());
    let calls = {
        let fs = damaged();
        let before = fs.calls();
        repair(&fs).unwrap();
        fs.calls() - before
    };
    assert!(calls > 10);
    for call in 0..calls {
        for (seed, fault) in [(1, Fault::PowerOff), (2, Fault::PowerOff), (3, Fault::Torn(libc::EIO))] {
            let fs = damaged();
            fs.fail_call(fs.calls() + call, fault);
            assert!(repair(&fs).is_err(), "call {call} of {calls}, {fault:?}");
            let fs = fs.after_power_cut(&mut Random::new(seed));
            assert_eq!(readable(&fs), good, "call {call}, {fault:?}");
            repair(&fs).unwrap();
            assert_eq!(readable(&fs), good, "call {call}, {fault:?}, repeated");
            assert_eq!(look(&fs).unwrap().1.findings, [], "call {call}, {fault:?}, repeated");
        }
    }
}

#[test]
fn copies_of_records_are_no_break() {
    let fs = queue();
    let last = Listing::read(Path::new(DIR), &fs).unwrap().segments.pop().unwrap();
    let segment = Segment::read(&last, &fs).unwrap().unwrap();
    let Some(Piece::Record(entry)) = segment.walk(0).last() else { panic!("no record") };
    let mut copy = segment.bytes()[entry.start as usize..].to_vec();
    let next = Path::new(DIR).join(format!("{:08}.log", last.id + 1));
    let write = |bytes: &[u8]| {
        fs.unlink(&next).ok();
        crate::fs::write_all_at(fs.create(&next).unwrap().as_ref(), bytes, 0).unwrap();
    };
    write(&copy);
    let (_, found) = look(&fs).unwrap();
    assert!(matches!(found.findings[0].problem, Problem::Break { .. }), "{:?}", found.findings);
    crate::record::mark_copy(&mut copy);
    write(&copy);
    assert_eq!(look(&fs).unwrap().1.findings, []);
}
