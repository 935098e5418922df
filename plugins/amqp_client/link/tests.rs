use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;

use heka_plugin::Context;

use super::*;
use crate::tls::TlsOptions;

const START: &[u8] = b"\x01\0\0\0\0\0\x17\0\x0a\0\x0a\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\0\xce";
/// Frames of 4096 bytes and heartbeats of a second.
const TUNE: &[u8] = b"\x01\0\0\0\0\0\x0c\0\x0a\0\x1e\0\0\0\0\x10\0\0\x01\xce";
const OPEN_OK: &[u8] = b"\x01\0\0\0\0\0\x05\0\x0a\0\x29\0\xce";
const CHANNEL_OPEN_OK: &[u8] = b"\x01\0\x01\0\0\0\x08\0\x14\0\x0b\0\0\0\0\xce";
const CLOSE_OK: &[u8] = b"\x01\0\0\0\0\0\x04\0\x0a\0\x33\xce";

/// A broker that is told what to do.
struct Script(TcpStream);

impl Script {
    fn hear(&mut self, part: &[u8]) -> Vec<u8> {
        let mut heard = Vec::new();
        let mut byte = [0];
        while !heard.ends_with(part) {
            self.0.read_exact(&mut byte).unwrap();
            heard.push(byte[0]);
        }
        heard
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    fn open(&mut self) {
        self.hear(b"AMQP\0\0\x09\x01");
        self.say(START);
        self.hear(b"\0guest\0guest\x05en_US\xce");
        self.say(TUNE);
        self.hear(b"\x01/\0\0\xce");
        self.say(OPEN_OK);
        self.hear(b"\x01\0\x01\0\0\0\x05\0\x14\0\x0a\0\xce");
        self.say(CHANNEL_OPEN_OK);
    }
}

fn broker(play: impl FnOnce(Script) + Send + 'static) -> (Target, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("amqp://{}", listener.local_addr().unwrap());
    let target = Target::new(&url, &TlsOptions::default(), &Context::for_test("x")).unwrap();
    (target, std::thread::spawn(move || play(Script(listener.accept().unwrap().0))))
}

fn refusal(target: &Target) -> String {
    Link::open(target, &Stop::new()).err().unwrap().to_string()
}

fn until_closed(link: &mut Link) -> String {
    loop {
        if let Some(Event::Closed(why)) = link.next(Duration::from_secs(20)) {
            return why;
        }
    }
}

#[test]
fn a_refused_login_is_told_whatever_the_broker_does() {
    let (target, played) = broker(|mut broker| {
        broker.hear(b"AMQP\0\0\x09\x01");
        broker.say(START);
        broker.hear(b"en_US\xce");
    });
    assert_eq!(
        refusal(&target),
        r#"can't connect: Exception (403) Reason: "username or password not allowed""#
    );
    played.join().unwrap();
    let (target, played) = broker(|mut broker| {
        broker.hear(b"AMQP\0\0\x09\x01");
        broker.say(START);
        broker.hear(b"en_US\xce");
        broker.say(b"\x01\0\0\0\0\0\x0d\0\x0a\0\x32\x01\x93\x02no\0\0\0\0\xce");
        broker.hear(b"\0\x0a\0\x33\xce");
    });
    assert_eq!(refusal(&target), r#"can't connect: Exception (403) Reason: "no""#);
    played.join().unwrap();
}

#[test]
fn who_is_no_broker_is_recognized() {
    let (target, played) = broker(|mut broker| broker.say(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    assert_eq!(refusal(&target), "can't connect: the server sent what is not AMQP 0-9-1");
    played.join().unwrap();
    let (target, played) = broker(drop);
    assert_eq!(refusal(&target), "can't connect: EOF");
    played.join().unwrap();
}

#[test]
fn a_stop_ends_the_wait_for_a_broker_that_says_nothing() {
    let (tell, told) = mpsc::channel::<()>();
    let (target, played) = broker(move |_broker| assert!(told.recv().is_err()));
    let stop = Stop::new();
    stop.request();
    assert_eq!(Link::open(&target, &stop).err(), Some(LinkError::Stopped));
    drop(tell);
    played.join().unwrap();
}

#[test]
fn heartbeats_are_sent_and_missed() {
    let (target, played) = broker(|mut broker| {
        broker.open();
        broker.hear(b"\x08\0\0\0\0\0\0\xce\x08\0\0\0\0\0\0\xce");
        let mut rest = Vec::new();
        broker.0.read_to_end(&mut rest).unwrap();
    });
    let mut link = Link::open(&target, &Stop::new()).unwrap();
    assert_eq!(until_closed(&mut link), "the broker sends no heartbeat");
    // It is told again.
    assert_eq!(until_closed(&mut link), "the broker sends no heartbeat");
    assert_eq!(
        link.call(&Outgoing::ConfirmSelect, &Stop::new()),
        Err(LinkError::Failed("the broker sends no heartbeat".into()))
    );
    played.join().unwrap();
}

#[test]
fn what_comes_before_an_answer_is_kept_and_a_closed_channel_ends_it_all() {
    let (target, played) = broker(|mut broker| {
        broker.open();
        broker.hear(b"\0\x55\0\x0a\0\xce");
        broker.say(b"\x01\0\0\0\0\0\x07\0\x0a\0\x3c\x02no\xce");
        broker.say(b"\x01\0\x01\0\0\0\x04\0\x55\0\x0b\xce");
        let heard = broker.hear(b"body\xce");
        assert!(heard.ends_with(b"\x01e\x01k\x01\xce\x02\0\x01\0\0\0\x19\0\x3c\0\0\0\0\0\0\0\0\0\x04\x90\x40\x01t\x01\0\0\0\0\0\0\0\x05\xce\x03\0\x01\0\0\0\x04body\xce"));
        broker.say(b"\x01\0\x01\0\0\0\x0d\0\x14\0\x28\x01\x94\x02no\0\0\0\0\xce");
        broker.hear(b"\0\x14\0\x29\xce");
        broker.hear(b"\0\x0a\0\x32\0\xc8\x0bhekad stops\0\0\0\0\xce");
    });
    let mut link = Link::open(&target, &Stop::new()).unwrap();
    assert_eq!(link.call(&Outgoing::ConfirmSelect, &Stop::new()), Ok(Incoming::Done));
    let early = link.next(Duration::ZERO);
    assert!(matches!(early, Some(Event::Said(Incoming::Blocked { reason })) if reason == "no"));
    let properties = Properties { content_type: "t", kind: "", persistent: false, timestamp_s: 5 };
    link.publish(&Outgoing::Publish { exchange: "e", routing_key: "k" }, &properties, b"body");
    link.flush();
    assert_eq!(until_closed(&mut link), r#"Exception (404) Reason: "no""#);
    played.join().unwrap();
}

#[test]
fn closing_waits_for_the_broker() {
    let (target, played) = broker(|mut broker| {
        broker.open();
        broker.hear(b"\0\x3c\0\x50\0\0\0\0\0\0\0\x09\x01\xce");
        broker.hear(b"hekad stops\0\0\0\0\xce");
        broker.say(CLOSE_OK);
    });
    let mut link = Link::open(&target, &Stop::new()).unwrap();
    link.tell(&Outgoing::AckUpTo { tag: 9 });
    link.close(Duration::from_secs(20));
    assert!(played.is_finished() || played.join().is_ok());
}
