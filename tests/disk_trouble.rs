//! A disk that is full, fails, or gives no descriptors: what is held stays held, other work goes on, and all goes on by
//! itself when the trouble ends.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "support/bench.rs"]
mod bench;
#[path = "support/peers.rs"]
mod peers;

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use heka_testkit::daemon::configure;
use heka_testkit::faulty_disk::{Call, Fault, SmallDisk, errno};
use heka_testkit::peer::{Manner, Peer};
use heka_testkit::ports::free_ports;
use heka_testkit::{Daemon, Scratch, Signal, Tally, wait_until};

use bench::{Bench, FROM_LOG_TO_FILE, HEKAD, LONG, ids};

const TAKES_NONE: &str = "the queue takes no records, waiting";
const TAKES_AGAIN: &str = "the queue takes records again";

/// How often the last run said so on stdout, where information goes.
fn informed(bench: &Bench, text: &str) -> usize {
    let stdout = String::from_utf8_lossy(&bench.scratch.read("stdout")).into_owned();
    stdout.lines().filter(|line| line.contains(text)).count()
}

/// A daemon whose small disk is full, the disk, and the port where an output finds nobody yet. `None`: no right to mount.
fn on_a_full_disk() -> Option<(Bench, SmallDisk, u16)> {
    let scratch = Scratch::new().unwrap();
    let Some(disk) = SmallDisk::mount(&scratch, "base", 3 << 20) else {
        println!("skipped: no right to mount a small disk");
        return None;
    };
    let port = free_ports(1).unwrap()[0];
    let dead = peers::output("dead", &format!("127.0.0.1:{port}"));
    configure(&scratch, &format!("{FROM_LOG_TO_FILE}{dead}")).unwrap();
    let mut bench = Bench::start_in(scratch);
    bench.say(6000, 1000);
    bench.daemon.wait_for_log(TAKES_NONE, LONG).unwrap();
    Some((bench, disk, port))
}

#[test]
fn a_full_disk_holds_inputs_until_there_is_space() {
    let Some((mut bench, disk, port)) = on_a_full_disk() else { return };
    // What is queued goes on to where it can.
    assert!(wait_until(LONG, || !ids(&bench.scratch.read("out")).is_empty()));
    // A kill and a start while the disk is full change nothing.
    bench.daemon.kill().unwrap();
    bench.restart();
    bench.daemon.wait_for_log(TAKES_NONE, LONG).unwrap();
    assert!(bench.tally().lost.len() > 1000, "{}", bench.tally());

    let before = ids(&bench.scratch.read("out")).len();
    disk.resize(64 << 20).unwrap();
    let begun = Instant::now();
    let moved = wait_until(LONG, || ids(&bench.scratch.read("out")).len() > before);
    println!("work goes on {:?} after there is space", begun.elapsed());
    assert!(moved, "log:\n{}", bench.daemon.log());
    bench.all_arrive(LONG);
    assert_eq!((bench.logged(TAKES_NONE), informed(&bench, TAKES_AGAIN)), (1, 1), "{}", bench.daemon.log());

    let peer = Peer::listen(port, Manner::Read).unwrap();
    let told = wait_until(LONG, || Tally::of(bench.said, ids(&peer.received())).is_complete());
    assert!(told, "{}", Tally::of(bench.said, ids(&peer.received())));
    bench.is_alive();
}

/// A disk that is full of what has been delivered is emptied: cursors have their place kept.
#[test]
fn a_full_disk_is_freed_of_what_all_have_read() {
    let Some((mut bench, disk, port)) = on_a_full_disk() else { return };
    // Something else takes every byte that is left.
    let mut filler = std::fs::File::create(disk.path().join("filler")).unwrap();
    while filler.write(&[0; 512]).is_ok_and(|written| written > 0) {}
    let peer = Peer::listen(port, Manner::Read).unwrap();
    bench.all_arrive(LONG);
    assert!(wait_until(LONG, || Tally::of(bench.said, ids(&peer.received())).is_complete()));
    bench.is_alive();
}

#[test]
fn small_files_that_cannot_be_written_stop_nothing() {
    let lua =
        "count = 0\nfunction process_message() count = count + 1 return 0 end\nfunction timer_event() end\n";
    let scratch = Scratch::new().unwrap();
    scratch.write("count.lua", lua).unwrap();
    let filter = "[count]\ntype = \"SandboxFilter\"\nmessage_matcher = \"Type == 'logfile'\"\n\
                  filename = \"$DIR/count.lua\"\npreserve_data = true\nticker_interval = 60\n";
    configure(&scratch, &format!("{FROM_LOG_TO_FILE}{filter}")).unwrap();
    let mut bench = Bench::start_in(scratch);
    bench.is_alive();
    for (path, error) in [
        ("/queue/cursors", errno::ENOSPC),
        ("/queue/progress/", errno::ENOSPC),
        ("/filter_state/", errno::ENOSPC),
        ("/logstreamer/", errno::ENOSPC),
        ("/queue/cursors", errno::EIO),
        ("/filter_state/", errno::EIO),
    ] {
        let rule = bench.disk.inject(path, Fault::always(Call::Write, error)).unwrap();
        let lines = bench.daemon.log().lines().count();
        let mut begun = Instant::now();
        // Work goes on meanwhile, long enough for many attempts.
        while begun.elapsed() < Duration::from_millis(700) || bench.disk.hits(rule) < 2 {
            bench.say(10, 100);
            std::thread::sleep(Duration::from_millis(20));
            assert!(begun.elapsed() < LONG, "{path}: nothing was written there");
        }
        bench.all_arrive(LONG);
        let complaints = bench.daemon.log().lines().count() - lines;
        assert!(complaints <= 2, "{path}: {complaints} log lines:\n{}", bench.daemon.log());
        bench.disk.lift(rule).unwrap();
        begun = Instant::now();
        bench.is_alive();
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
    bench.daemon.kill().unwrap();
    bench.restart();
    bench.is_alive();
    bench.all_arrive(LONG);
    assert!(bench.daemon.stop(LONG).unwrap().success());
}

#[test]
fn a_destination_without_space_gets_all_when_it_has_some() {
    let mut bench = Bench::start("");
    bench.is_alive();
    for error in [errno::ENOSPC, errno::EIO] {
        let rule = bench.disk.inject("/out", Fault::always(Call::Write, error)).unwrap();
        bench.say(300, 100);
        assert!(wait_until(LONG, || bench.disk.hits(rule) > 3));
        assert!(bench.logged("Can't write to") <= 2, "{}", bench.daemon.log());
        bench.disk.lift(rule).unwrap();
        bench.all_arrive(Duration::from_secs(5));
        assert_eq!(bench.tally().duplicates, 0);
        bench.is_alive();
    }
}

#[test]
fn a_failed_sync_of_the_queue_is_never_believed() {
    let mut bench = Bench::start("");
    bench.is_alive();
    let rule = bench.disk.inject("/queue/input/", Fault::times(Call::Sync, errno::EIO, 1)).unwrap();
    bench.say(500, 100);
    assert!(wait_until(LONG, || bench.disk.hits(rule) == 1));
    bench.daemon.wait_for_log("sync failed, its records are written again", LONG).unwrap();
    bench.daemon.wait_for_log("bytes written again after a failed sync", LONG).unwrap();
    bench.all_arrive(LONG);
    bench.is_alive();
    bench.daemon.kill().unwrap();
    bench.restart();
    bench.is_alive();
    bench.all_arrive(LONG);
}

#[test]
fn a_disk_that_syncs_nothing_ends_hekad_and_the_next_run_has_all() {
    let mut bench = Bench::start("");
    bench.is_alive();
    let rule = bench.disk.inject("/queue/input", Fault::always(Call::Sync, errno::EIO)).unwrap();
    bench.say(500, 100);
    let status = bench.daemon.wait(LONG).unwrap();
    assert_eq!(status.code(), Some(1), "{}", bench.daemon.log());
    assert_eq!(bench.logged("the queue takes no more records"), 1, "{}", bench.daemon.log());
    assert!(bench.logged("a queue cannot hold records any more, shutting down") == 1);
    bench.disk.lift(rule).unwrap();
    bench.restart();
    bench.all_arrive(LONG);
    bench.is_alive();
}

/// What a failed sync of an output's file may have lost is written again.
#[test]
fn a_failed_sync_of_a_destination_is_never_believed() {
    let mut bench = Bench::start("");
    bench.is_alive();
    // The cursor is past the first line once it is synced; only then is what follows told apart.
    assert!(wait_until(LONG, || !bench.scratch.read("base/queue/cursors").is_empty()));
    let rule = bench.disk.inject("/out", Fault::always(Call::Sync, errno::EIO)).unwrap();
    let before = bench.said;
    bench.say(50, 10);
    let status = bench.daemon.wait(LONG).unwrap();
    assert_eq!(status.code(), Some(1), "{}", bench.daemon.log());
    assert!(bench.disk.hits(rule) > 0);
    // As if the system had dropped the pages that it could not write.
    let kept: Vec<u8> = bench
        .scratch
        .read("out")
        .split_inclusive(|b| *b == b'\n')
        .take(before as usize)
        .flatten()
        .copied()
        .collect();
    bench.scratch.write("out", kept).unwrap();
    bench.disk.lift(rule).unwrap();
    bench.restart();
    bench.all_arrive(LONG);
    bench.is_alive();
}

#[test]
fn a_place_that_cannot_be_written_is_left_for_another() {
    let mut bench = Bench::start("");
    bench.is_alive();
    for call in [Call::Write, Call::Fallocate, Call::Open] {
        let rule = bench.disk.inject("/queue/input/", Fault::always(call, errno::EIO)).unwrap();
        let begun = Instant::now();
        while bench.disk.hits(rule) < 4 {
            bench.say(300, 1000);
            std::thread::sleep(Duration::from_millis(100));
            assert!(begun.elapsed() < LONG);
        }
        bench.disk.lift(rule).unwrap();
        bench.all_arrive(LONG);
        bench.is_alive();
    }
    assert!(bench.logged("write failed, going on in a new segment") <= 4, "{}", bench.daemon.log());
}

#[test]
fn without_descriptors_work_waits_for_some() {
    let port = free_ports(1).unwrap()[0];
    let tcp = format!(
        "[net]\ntype = \"TcpInput\"\naddress = \"127.0.0.1:{port}\"\nsplitter = \"TokenSplitter\"\ndecoder = \"\"\n\
         [net_out]\ntype = \"FileOutput\"\nmessage_matcher = \"Type == 'net'\"\npath = \"$DIR/net\"\n\
         encoder = \"PayloadEncoder\"\n"
    );
    let mut bench = Bench::start(&tcp);
    bench.is_alive();
    // The queue's next segment, for writing and for reading; then the log itself.
    for path in ["/queue/input/", "/logs/", ""] {
        let rule = bench.disk.inject(path, Fault::always(Call::Open, errno::EMFILE)).unwrap();
        let lines = bench.daemon.log().lines().count();
        bench.say(1200, 1000);
        if path == "/logs/" {
            // A new file has to be opened.
            std::fs::rename(bench.scratch.join("logs/app.log"), bench.scratch.join("logs/app.old")).unwrap();
            bench.scratch.write("logs/app.log", "").unwrap();
        }
        let begun = Instant::now();
        while bench.disk.hits(rule) < 3 {
            bench.say(300, 1000);
            std::thread::sleep(Duration::from_millis(50));
            assert!(begun.elapsed() < LONG, "{path:?}: nothing was opened");
        }
        // More attempts that fail bring no more lines.
        let hits = bench.disk.hits(rule);
        assert!(wait_until(LONG, || bench.disk.hits(rule) >= hits + 3), "{path:?}: it is not tried again");
        let complaints = bench.daemon.log().lines().count() - lines;
        assert!(complaints <= 5, "{path:?}: {complaints} log lines:\n{}", bench.daemon.log());
        bench.disk.lift(rule).unwrap();
        bench.all_arrive(LONG);
        bench.is_alive();
    }

    let rule = bench.disk.inject("", Fault::always(Call::Accept, errno::EMFILE)).unwrap();
    let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.write_all(b"0 over the net\n").unwrap();
    assert!(wait_until(LONG, || bench.disk.hits(rule) > 3));
    assert_eq!(bench.logged("TCP accept failed"), 1, "{}", bench.daemon.log());
    bench.disk.lift(rule).unwrap();
    assert!(wait_until(Duration::from_secs(5), || ids(&bench.scratch.read("net")) == [0]));
}

#[test]
fn interrupted_calls_are_repeated() {
    let mut bench = Bench::start("");
    for call in [Call::Open, Call::Write, Call::Fallocate, Call::Sync, Call::Truncate, Call::Read] {
        bench.disk.inject("heka-test-", Fault::times(call, errno::EINTR, 60)).unwrap();
    }
    // On some file systems these too.
    for (call, path) in
        [(Call::Rename, "/queue/cursors"), (Call::Unlink, "/queue/cursors"), (Call::Unlink, "/queue/input/")]
    {
        bench.disk.inject(path, Fault::times(call, errno::EINTR, 60)).unwrap();
    }
    for _ in 0..40 {
        bench.say(50, 1000);
        std::thread::sleep(Duration::from_millis(10));
    }
    bench.all_arrive(LONG);
    assert_eq!(bench.tally().duplicates, 0);
    assert_eq!(bench.daemon.log(), "");
    bench.is_alive();
}

#[test]
fn a_paused_process_goes_on() {
    let mut bench = Bench::start("");
    for _ in 0..3 {
        bench.say(200, 100);
        bench.daemon.signal(Signal::STOP).unwrap();
        bench.say(200, 100);
        std::thread::sleep(Duration::from_millis(1000));
        bench.daemon.signal(Signal::CONT).unwrap();
        bench.is_alive();
    }
    bench.all_arrive(LONG);
    assert_eq!(bench.tally().duplicates, 0);
}

#[test]
fn one_hekad_a_folder() {
    let mut bench = Bench::start("");
    bench.is_alive();
    let lock = bench.scratch.join("base/queue/lock");
    // Another folder for its own log, the same base_dir.
    let second = Scratch::new().unwrap();
    let config = String::from_utf8(bench.scratch.read("hekad.toml")).unwrap();
    second.write("hekad.toml", config).unwrap();
    let mut other = Daemon::start(HEKAD, &second).unwrap();
    assert_eq!(other.wait(LONG).unwrap().code(), Some(1));
    let text = format!(
        "base_dir {} is in use by another hekad (it holds the lock {})",
        bench.scratch.join("base").display(),
        lock.display()
    );
    assert!(other.log().contains(&text), "{}", other.log());
    bench.is_alive();
    bench.daemon.kill().unwrap();
    assert!(lock.exists());
    bench.restart();
    bench.is_alive();
}

#[test]
fn a_read_only_base_dir_is_a_clear_error() {
    let scratch = Scratch::new().unwrap();
    let Some(disk) = SmallDisk::mount(&scratch, "base", 1 << 20) else {
        println!("skipped: no right to mount a small disk");
        return;
    };
    disk.set_read_only().unwrap();
    configure(&scratch, FROM_LOG_TO_FILE).unwrap();
    let mut bench = Bench::start_in(scratch);
    assert_eq!(bench.daemon.wait(LONG).unwrap().code(), Some(1));
    let log = bench.daemon.log();
    let named = log.contains(&disk.path().display().to_string()) && log.to_lowercase().contains("read-only");
    assert!(named, "{log}");
}
