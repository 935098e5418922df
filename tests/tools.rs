//! The command line tools against a running hekad.

#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "support/tools.rs"]
mod tools;

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use heka_testkit::daemon::Signal;
use heka_testkit::peer::{Manner, Peer};
use heka_testkit::ports::free_ports;
use heka_testkit::{Scratch, wait_until};

use tools::{FLOOD, INJECT, LOGSTREAMER, LONG, Rig, SBMGR, SBMGRLOAD, Started, messages, run, text};

const SIGNER: &str = "name = \"ops\"\nhmac_hash = \"sha1\"\nhmac_key = \"secret\"\nversion = 3\n";

#[test]
fn without_flags_some_tools_show_their_usage() {
    let scratch = Scratch::new().unwrap();
    for (tool, flag) in [(FLOOD, "-test string"), (INJECT, "-severity int"), (LOGSTREAMER, "-config string")]
    {
        let done = run(tool, &scratch, &[]);
        assert_eq!((done.code, done.stdout.as_str()), (0, ""));
        assert!(done.stderr.contains(&format!("  {flag}\n    \t")), "{}", done.stderr);
        let done = run(tool, &scratch, &["-nope"]);
        assert_eq!(done.code, 2);
        assert!(done.stderr.starts_with("flag provided but not defined: -nope\nUsage of heka-"));
    }
}

#[test]
fn failures_and_their_exit_codes() {
    let scratch = Scratch::new().unwrap();
    let port = free_ports(1).unwrap()[0];
    let section = format!("ip_address = \"127.0.0.1:{port}\"\n");
    scratch.write("sbmgr.toml", &section).unwrap();
    scratch
        .write("flood.toml", format!("[t]\nsender = \"tcp\"\n{section}[n]\nsender = \"pigeon\"\n"))
        .unwrap();
    let refused = format!("Error creating sender: dial tcp 127.0.0.1:{port}: connect: connection refused\n");
    let none = "Error decoding config file: open none.toml: no such file or directory\n";
    for (tool, args, code, error) in [
        (SBMGR, &["-action=unload"][..], 1, refused.as_str()),
        (SBMGR, &["-config=none.toml"], 0, none),
        (SBMGRLOAD, &["-config=sbmgr.toml"], 1, &refused),
        (SBMGRLOAD, &["-config=none.toml"], 0, none),
        (FLOOD, &["-config=flood.toml", "-test=t"], 0, &refused),
        (
            FLOOD,
            &["-config=flood.toml", "-test=n"],
            0,
            "Error creating sender: dial pigeon: unknown network pigeon\n",
        ),
        (FLOOD, &["-config=flood.toml"], 0, "Configuration test: 'default' was not found\n"),
        (
            LOGSTREAMER,
            &["-config=none.toml"],
            1,
            "Error opening config file: open none.toml: no such file or directory\n",
        ),
    ] {
        let done = run(tool, &scratch, args);
        assert_eq!((done.code, done.unstamped_stderr().as_str()), (code, error), "{tool} {args:?}");
    }
}

#[test]
fn an_injected_message_arrives() {
    let mut rig = Rig::start("");
    let address = format!("-heka={}", rig.address());
    let done =
        run(INJECT, &rig.scratch, &[&address, "-type=t", "-payload=hello", "-severity=3", "-pid", "7"]);
    assert_eq!((done.code, done.stdout + &done.stderr), (0, String::new()));
    let found = rig.wait_for(1);
    let message = &found[0];
    assert_eq!(text(message, 3), "t");
    assert_eq!(text(message, 4), "Inject Client");
    assert_eq!(text(message, 6), "hello");
    assert_eq!(text(message, 9), tools::hostname());
    assert_eq!((tools::number(message, 5), tools::number(message, 8)), (3, 7));
    rig.stop();
}

#[test]
fn signed_and_corrupt_messages_are_told_apart() {
    let signed = "[signed]\ntype = \"FileOutput\"\npath = \"$DIR/signed\"\nencoder = \"ProtobufEncoder\"\n\
                  flush_interval = 50\nmessage_matcher = \"TRUE\"\nmessage_signer = \"ops\"\n";
    let mut rig = Rig::start(signed);
    let test = |name: &str, options: &str, signer: &str| {
        let address = rig.address();
        format!(
            "[{name}]\nsender = \"tcp\"\nip_address = \"{address}\"\nstatic_message_size = 50\n{options}\n\
             [{name}.signer]\n{signer}"
        )
    };
    let config = test("good", "num_messages = 1001\nsigned_percentage = 10.0", SIGNER)
        + &test("bad", "num_messages = 401\nsigned_percentage = 100.0", &SIGNER.replace("secret", "guess"))
        + &test(
            "corrupt",
            "num_messages = 201\nsigned_percentage = 100.0\ncorrupt_percentage = 10.0",
            SIGNER,
        );
    rig.scratch.write("flood.toml", config).unwrap();
    let flood = |scratch: &Scratch, name: &str, sent: usize| {
        let done = run(FLOOD, scratch, &["-config", "flood.toml", "-test", name]);
        let last = done.stdout.lines().last().unwrap_or_default().to_owned();
        let expected = format!("Clean shutdown:  {sent}  messages sent;  {sent}  messages delivered.");
        assert!(last.ends_with(&expected), "{last}");
        assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    };
    flood(&rig.scratch, "good", 1001);
    flood(&rig.scratch, "bad", 401);
    // Of the wrongly signed ones only the first, which is not signed, gets in.
    rig.wait_for(1002);
    assert!(wait_until(LONG, || messages(&rig.scratch, "signed").len() == 100));
    flood(&rig.scratch, "corrupt", 201);
    // 20 are corrupt. A wrong length may cost some more, a byte may have been replaced by the same.
    rig.wait_for(1002 + 130);
    rig.stop();
    let found = messages(&rig.scratch, "out").len();
    assert!(found <= 1002 + 201 - 10, "{found}");
}

#[test]
fn a_flood_goes_over_tls_and_udp() {
    let scratch = Scratch::new().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let cert = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    scratch.write("cert.pem", cert.pem()).unwrap();
    scratch.write("key.pem", key.serialize_pem()).unwrap();
    let [tls, udp] = free_ports(2).unwrap()[..] else { panic!("two ports") };
    let more = format!(
        "[tls]\ntype = \"TcpInput\"\naddress = \"127.0.0.1:{tls}\"\nuse_tls = true\n\
         [tls.tls]\ncert_file = \"$DIR/cert.pem\"\nkey_file = \"$DIR/key.pem\"\n\
         [udp]\ntype = \"UdpInput\"\naddress = \"127.0.0.1:{udp}\"\n"
    );
    let mut rig = Rig::start_in(scratch, &more);
    rig.scratch
        .write(
            "flood.toml",
            format!(
                "[tls]\nsender = \"tcp\"\nip_address = \"localhost:{tls}\"\nnum_messages = 300\nuse_tls = true\n\
                 [tls.tls]\nroot_cafile = \"cert.pem\"\n\
                 [udp]\nsender = \"udp\"\nip_address = \"127.0.0.1:{udp}\"\nnum_messages = 20\nmessage_interval = \"2ms\"\n"
            ),
        )
        .unwrap();
    let done = run(FLOOD, &rig.scratch, &["-config=flood.toml", "-test=tls"]);
    assert!(done.stdout.contains("300  messages delivered."), "{} {}", done.stdout, done.stderr);
    rig.wait_for(300);
    let done = run(FLOOD, &rig.scratch, &["-config=flood.toml", "-test=udp"]);
    assert!(done.stdout.contains("20  messages delivered."), "{} {}", done.stdout, done.stderr);
    rig.wait_for(320);
    rig.stop();
}

#[test]
fn a_flood_waits_for_its_peer_and_ends_with_a_signal() {
    let scratch = Scratch::new().unwrap();
    let port = free_ports(1).unwrap()[0];
    let config = format!(
        "[default]\nsender = \"tcp\"\nip_address = \"127.0.0.1:{port}\"\nreconnect_on_error = true\n\
         reconnect_interval = 1\nmessage_interval = \"1ms\"\n"
    );
    scratch.write("flood.toml", config).unwrap();
    let mut flood = Started::new(FLOOD, &scratch, &["-config=flood.toml"]);
    assert!(wait_until(LONG, || flood.stdout().contains("Attempting to reconnect...\n")));
    let resetting = Peer::listen(port, Manner::ResetAfter(20_000)).unwrap();
    assert!(wait_until(LONG, || resetting.connections() > 0));
    assert!(wait_until(LONG, || flood.stderr().contains("Error sending message: write tcp 127.0.0.1:")));
    drop(resetting);
    // Its thread may hold the port for another moment.
    let mut peer = None;
    assert!(wait_until(LONG, || {
        peer = Peer::listen(port, Manner::Read).ok();
        peer.is_some()
    }));
    let peer = peer.unwrap();
    assert!(wait_until(LONG, || peer.received_bytes() > 20_000));
    flood.signal(Signal::INT);
    assert!(flood.wait().success());
    assert!(flood.stdout().lines().last().unwrap().contains("Clean shutdown:  "), "{}", flood.stdout());
    assert!(flood.stdout().contains(" msg/sec "));
}

#[test]
fn a_signed_request_loads_and_unloads_a_filter() {
    let manager = "[manager]\ntype = \"SandboxManagerFilter\"\nmax_filters = 2\nmessage_signer = \"ops\"\n";
    let mut rig = Rig::start(manager);
    let config = |signer: &str| format!("ip_address = \"{}\"\n[signer]\n{signer}", rig.address());
    rig.scratch.write("sbmgr.toml", config(SIGNER)).unwrap();
    rig.scratch.write("stranger.toml", config(&SIGNER.replace("secret", "guess"))).unwrap();
    rig.scratch
        .write("echo.lua", "function process_message() inject_payload('txt', '', 'heard') return 0 end")
        .unwrap();
    rig.scratch
        .write("echo.toml", "[Echo]\ntype = \"SandboxFilter\"\nmessage_matcher = \"Type == 'call'\"\n")
        .unwrap();
    let load = |config: &str| {
        let config = format!("-config={config}");
        let done = run(SBMGR, &rig.scratch, &[&config, "-script=echo.lua", "-scriptconfig=echo.toml"]);
        assert_eq!((done.code, done.stdout + &done.stderr), (0, String::new()));
    };
    let loaded = rig.scratch.join("base/sbxmgrs/manager-Echo.lua");
    load("stranger.toml");
    load("sbmgr.toml");
    assert!(wait_until(LONG, || loaded.exists()), "not loaded; log:\n{}", rig.daemon.log());
    let call = format!("-heka={}", rig.address());
    let heard = |scratch: &Scratch| messages(scratch, "out").iter().any(|m| text(m, 6) == "heard");
    assert!(wait_until(LONG, || {
        run(INJECT, &rig.scratch, &[&call, "-type=call"]);
        heard(&rig.scratch)
    }));
    let done = run(SBMGR, &rig.scratch, &["-action=unload", "-filtername=Echo"]);
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    assert!(wait_until(LONG, || !loaded.exists()), "not unloaded; log:\n{}", rig.daemon.log());
    let done = run(SBMGR, &rig.scratch, &["-action=fly"]);
    assert_eq!((done.code, done.unstamped_stderr().as_str()), (0, "Invalid action: fly\n"));
    let done = run(SBMGR, &rig.scratch, &["-script=none.lua"]);
    assert_eq!(
        done.unstamped_stderr(),
        "Error reading scriptFile: open none.lua: no such file or directory\n"
    );
    assert!(!rig.daemon.log().contains("already running"), "the stranger was heard");
    rig.stop();
}

#[test]
fn many_counting_filters_are_loaded_and_unloaded() {
    let mut rig = Rig::start("[manager]\ntype = \"SandboxManagerFilter\"\nmax_filters = 3\n");
    let config = format!("ip_address = \"{}\"\n[signer]\n{SIGNER}", rig.address());
    rig.scratch.write("sbmgrload.toml", config).unwrap();
    rig.scratch
        .write(
            "flood.toml",
            format!("[default]\nsender = \"tcp\"\nip_address = \"{}\"\nnum_messages = 10\n", rig.address()),
        )
        .unwrap();
    let files: Vec<PathBuf> = (0..3)
        .map(|number| rig.scratch.join(format!("base/sbxmgrs/manager-CounterSandbox{number}.toml")))
        .collect();
    run(SBMGRLOAD, &rig.scratch, &["-num", "3"]);
    assert!(wait_until(LONG, || files.iter().all(|file| file.exists())), "log:\n{}", rig.daemon.log());
    let counted = |scratch: &Scratch| {
        let found = messages(scratch, "out");
        let lines: Vec<_> = found.iter().map(|m| (text(m, 4), text(m, 6))).collect();
        (0..3).all(|number| {
            let counter = format!("manager-CounterSandbox{number}");
            lines.iter().any(|(logger, payload)| *logger == counter && payload.starts_with("Got "))
        })
    };
    assert!(
        wait_until(LONG, || {
            run(FLOOD, &rig.scratch, &["-config=flood.toml"]);
            counted(&rig.scratch)
        }),
        "log:\n{}",
        rig.daemon.log()
    );
    run(SBMGRLOAD, &rig.scratch, &["-num=3", "-action=unload"]);
    assert!(wait_until(LONG, || files.iter().all(|file| !file.exists())), "log:\n{}", rig.daemon.log());
    rig.stop();
}

#[test]
fn the_streams_of_a_configuration_are_shown() {
    let scratch = Scratch::new().unwrap();
    for name in ["app.log", "app.log.1", "app.log.2", "web.log"] {
        scratch.write(format!("logs/{name}"), "line\n").unwrap();
    }
    let dir = scratch.path().display().to_string();
    let logs = format!("{dir}/logs");
    let ages = "file_match = '(?P<Name>app|web)\\.log\\.?(?P<Seq>\\d*)'\npriority = [\"^Seq\"]\n";
    let conf = format!(
        "[rotated]\ntype = \"LogstreamerInput\"\nlog_directory = \"{logs}\"\n{ages}differentiator = [\"Name\", \"-log\"]\n\
         initial_tail = true\nsplitter = \"x\"\n[other]\ntype = \"UdpInput\"\n"
    );
    scratch.write("conf/a.toml", conf).unwrap();
    scratch.write("conf/b.toml.bak", "not = a = config").unwrap();
    scratch.write("conf/.hidden", "not = a = config").unwrap();
    scratch
        .write(
            "conf/c.txt",
            format!("[LogstreamerInput]\nlog_directory = \"{logs}\"\nfile_match = 'web\\.log'\n"),
        )
        .unwrap();
    let done = run(LOGSTREAMER, &scratch, &["-config", "conf"]);
    let expected = format!(
        "Found 2 Logstream(s) for section [rotated].\n\
         \nLogstream name: [app-log]\nStream Choosing Filename: {logs}/app.log, SeekPosition: 5\n\
         Files: 3 (printing oldest to newest)\n\t{logs}/app.log.2\n\t{logs}/app.log.1\n\t{logs}/app.log\n\
         \nLogstream name: [web-log]\nStream Choosing Filename: {logs}/web.log, SeekPosition: 5\n\
         Files: 1 (printing oldest to newest)\n\t{logs}/web.log\n\
         Found 1 Logstream(s) for section [LogstreamerInput].\n\
         \nLogstream name: [LogstreamerInput]\nStream Choosing Filename: , SeekPosition: 0\n\
         Files: 1 (printing oldest to newest)\n\t{logs}/web.log\n"
    );
    assert_eq!((done.code, done.stderr.as_str(), done.stdout), (0, "", expected));

    scratch
        .write("bad.toml", "[LogstreamerInput]\npriority = 1\n[x]\ntype = \"LogstreamerInput\"\n")
        .unwrap();
    let done = run(LOGSTREAMER, &scratch, &["-config=bad.toml"]);
    let said = done.unstamped_stderr();
    assert_eq!(done.code, 1);
    assert!(
        said.starts_with("Error decoding config file: Type mismatch for 'main.LogstreamerConfig.Priority'"),
        "{said}"
    );
    assert!(said.ends_with("Error initializing LogstreamSet: `file_match` setting is required.\n"), "{said}");
}

#[test]
#[ignore = "a measurement"]
fn how_fast_a_flood_is() {
    let scratch = Scratch::new().unwrap();
    let peer = Peer::listen(0, Manner::Read).unwrap();
    let config =
        format!("[default]\nsender = \"tcp\"\nip_address = \"{}\"\nnum_messages = 1000000\n", peer.address());
    scratch.write("flood.toml", config).unwrap();
    let mut flood = Command::new(FLOOD);
    flood.arg("-config=flood.toml").current_dir(scratch.path());
    flood.stdout(File::create(scratch.join("rate")).unwrap());
    let begun = std::time::Instant::now();
    assert!(flood.status().unwrap().success());
    let took: Duration = begun.elapsed();
    println!("1000000 messages of 1 kB in {took:?}\n{}", String::from_utf8_lossy(&scratch.read("rate")));
}
