use std::net::TcpListener;

use super::*;
use crate::fake_inlet::FakeInlet;

fn refused(config: Config) -> String {
    AmqpInput::open(config, &Context::for_test("in")).err().unwrap().to_string()
}

#[test]
fn options_that_cannot_work() {
    assert_eq!(refused(Config::default()), "AMQP scheme must be either 'amqp://' or 'amqps://'");
    let config = || Config { url: "amqp://localhost".into(), ..Config::default() };
    assert_eq!(
        refused(Config { queue: "q".repeat(256), ..config() }),
        "`queue` can't be longer than 255 bytes."
    );
    for prefetch_count in [-1, 65_536] {
        assert_eq!(
            refused(Config { prefetch_count, ..config() }),
            "`prefetch_count` must be from 0 to 65535."
        );
    }
    let tls = TlsOptions { min_version: "TLS9".into(), ..TlsOptions::default() };
    assert_eq!(
        refused(Config { url: "amqps://localhost".into(), tls: tls.clone(), ..config() }),
        "TLS init error: Invalid MinVersion: TLS9"
    );
    assert!(AmqpInput::open(Config { tls, ..config() }, &Context::for_test("in")).is_ok());
}

#[test]
fn messages_have_a_bound_in_memory() {
    let prefetch = |prefetch_count, read_only| {
        let config = Config { url: "amqp://h".into(), prefetch_count, read_only, ..Config::default() };
        AmqpInput::open(config, &Context::for_test("in")).unwrap().prefetch_count
    };
    assert_eq!((prefetch(2, false), prefetch(0, false), prefetch(2, true)), (2, 1000, 1000));
}

#[test]
fn a_broker_that_is_not_there_is_told_of_once_and_a_stop_is_heard() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let retries =
        Retries { delay: "1ms".into(), max_delay: "1ms".into(), max_jitter: "0s".into(), max_retries: 20 };
    let config = Config { url: format!("amqp://{address}"), retries: retries.clone(), ..Config::default() };
    let mut input = AmqpInput::open(config, &Context::for_test("in")).unwrap();
    let inlet = FakeInlet::default();
    let error = input.run(&inlet, &Stop::new()).unwrap_err();
    assert_eq!(error.to_string(), "Max retries exceeded");
    let why = format!("error: can't connect: dial tcp {address}: connect: connection refused");
    assert_eq!(inlet.log_with("dial"), [why]);

    let config = Config {
        url: format!("amqp://{address}"),
        retries: Retries { max_delay: "1h".into(), delay: "1h".into(), ..retries },
        ..Config::default()
    };
    let mut input = AmqpInput::open(config, &Context::for_test("in")).unwrap();
    let stop = Stop::new();
    let (inlet, stopper) = (FakeInlet::default(), stop.clone());
    std::thread::scope(|scope| {
        let running = scope.spawn(|| input.run(&inlet, &stop));
        inlet.log_with("dial");
        stopper.request();
        assert!(running.join().unwrap().is_ok());
    });
}

#[test]
fn messages_that_the_splitter_makes_little_of_are_told() {
    let inlet = FakeInlet::default();
    let mut deliverer = inlet.deliverer("").unwrap();
    let mut bring = |body: &str| {
        let content =
            Content { method: Incoming::Deliver { tag: 1 }, kind: "mail".into(), body: body.into() };
        assert!(deliver(deliverer.as_mut(), &content, &inlet).unwrap().is_held());
    };
    for body in ["one\ntwo\n", "three\nrest", "four\n", "rest", ""] {
        bring(body);
    }
    assert_eq!(inlet.payloads(4), ["one\n", "two\n", "three\n", "four\n"]);
    assert_eq!(
        inlet.log_with("no records"),
        [
            "error: extra data in message of type mail dropped",
            "error: processing message of type mail: no records",
            "error: processing message of type mail: no records",
        ]
    );
}
