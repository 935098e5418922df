#![allow(clippy::unwrap_used, reason = "a test may")]

use heka_message::{MessageView, Signers, Verified, unframe, verify};

use super::schedule::Kind;
use super::*;

fn test(config: &str) -> Result<Test, String> {
    let path = std::env::temp_dir().join(format!(
        "heka-flood-{}-{:x}",
        std::process::id(),
        Random::default().next()
    ));
    std::fs::write(&path, config).unwrap();
    let read = Test::read(&path, "default");
    std::fs::remove_file(&path).unwrap();
    read
}

/// How many of so many messages are corrupt, signed, oversized.
fn kinds(config: &str, sent: u64) -> [usize; 3] {
    let mut schedule = Schedule::new(&test(config).unwrap());
    let due: Vec<_> = (0..sent).map(|sent| schedule.next(sent)).collect();
    let count = |kind| due.iter().filter(|due| due.kind == kind).count();
    [due.iter().filter(|due| due.corrupt).count(), count(Kind::Signed), count(Kind::Oversized)]
}

#[test]
fn shares_are_spread_evenly() {
    assert_eq!(kinds("[default]\ncorrupt_percentage = 1.0\n", 1001), [10, 0, 0]);
    assert_eq!(kinds("[default]\nsigned_percentage = 12.5\n", 801), [0, 100, 0]);
    assert_eq!(kinds("[default]\noversized_percentage = 0.5\n", 1001), [0, 0, 5]);
    // The first message is of no share: nothing was sent before it.
    assert_eq!(kinds("[default]\nsigned_percentage = 100.0\noversized_percentage = 50.0\n", 11), [0, 10, 0]);
}

#[test]
fn options_are_checked() {
    let refused = |config: &str| test(config).unwrap_err();
    assert_eq!(refused("[other]\n"), "Configuration test: 'default' was not found");
    let why = refused("[default]\n[other]\ncorrupt_percentage = 1\n");
    assert_eq!(
        why,
        "Error decoding config file: Type mismatch for 'main.FloodTest.CorruptPercentage': \
         Expected float but found 'int64'."
    );
    let why = refused("[default]\nmessage_interval = \"soon\"\n");
    assert!(why.starts_with("Invalid message_interval duration soon: "), "{why}");
    let fine = test("[default]\nmessage_interval = \"3ms\"\nencoder = \"x\"\nno_such = 1\n").unwrap();
    assert_eq!(fine.interval(), Some(Duration::from_millis(3)));
    assert_eq!((fine.fixed_size(), fine.reconnect_interval()), (1000, Duration::from_secs(5)));
}

#[test]
fn messages_are_of_their_kinds() {
    let signer = "[default.signer]\nname = \"s\"\nhmac_hash = \"sha1\"\nhmac_key = \"k\"\nversion = 2\n";
    for variable in [false, true] {
        let config = format!(
            "[default]\nsigned_percentage = 1.0\noversized_percentage = 1.0\nascii_only = true\n\
             variable_size_messages = {variable}\n{signer}"
        );
        let test = test(&config).unwrap();
        let mut random = Random::default();
        let messages = Messages::make(&test, &mut random, &Logger::default()).unwrap();
        let mut signers = Signers::default();
        signers.insert("s_2", "k");
        let plain = messages.pick(Kind::Plain, &mut random);
        assert!(matches!(verify(plain, &signers), Verified::Unsigned));
        let signed = messages.pick(Kind::Signed, &mut random);
        assert!(matches!(verify(signed, &signers), Verified::SignedBy(name) if name == "s"));
        assert!(messages.pick(Kind::Oversized, &mut random).len() > 65536);
        let bytes = unframe(plain).unwrap().message;
        let payload = MessageView::new(bytes).payload().unwrap().to_vec();
        let host = format!("hekabench: {} - ", crate::origin::hostname());
        assert!(payload.starts_with(host.as_bytes()));
        assert!(payload.iter().all(|byte| (32..126).contains(byte)));
        assert!(variable || payload.len() == host.len() + 1000);
    }
}

#[test]
fn messages_that_are_too_large_cannot_be_sent() {
    let test = test("[default]\nmax_message_size = 2048\nstatic_message_size = 3000\n").unwrap();
    assert!(Messages::make(&test, &mut Random::default(), &Logger::default()).is_err());
}
