use proptest::prelude::*;

use super::*;
use crate::amqp_client::content::{Collector, Content};
use crate::amqp_client::method::Incoming;

fn payload(frame: &[u8]) -> &[u8] {
    let Frame { payload, size, .. } = first(frame, 1 << 20).unwrap().unwrap();
    assert_eq!(size, frame.len());
    payload
}

#[test]
fn methods_are_as_the_protocol_says() {
    let written = |method: Outgoing<'_>| {
        let mut out = Vec::new();
        write_method(&method, &mut out);
        out
    };
    assert_eq!(written(Outgoing::CloseOk), b"\x01\0\0\0\0\0\x04\0\x0a\0\x33\xce");
    assert_eq!(
        written(Outgoing::AckUpTo { tag: 258 }),
        b"\x01\0\x01\0\0\0\x0d\0\x3c\0\x50\0\0\0\0\0\0\x01\x02\x01\xce"
    );
    assert_eq!(
        payload(&written(Outgoing::ExchangeDeclare {
            exchange: "e",
            kind: "fanout",
            durable: true,
            auto_delete: true
        })),
        b"\0\x28\0\x0a\0\0\x01e\x06fanout\x06\0\0\0\0"
    );
    assert_eq!(
        payload(&written(Outgoing::QueueDeclare {
            queue: "q",
            durable: false,
            exclusive: true,
            auto_delete: true,
            ttl_ms: Some(5000)
        })),
        b"\0\x32\0\x0a\0\0\x01q\x0c\0\0\0\x13\x0dx-message-ttlI\0\0\x13\x88"
    );
    assert_eq!(
        payload(&written(Outgoing::Consume { queue: "q", exclusive: true })),
        b"\0\x3c\0\x14\0\0\x01q\0\x04\0\0\0\0"
    );
    assert_eq!(
        payload(&written(Outgoing::Publish { exchange: "e", routing_key: "k" })),
        b"\0\x3c\0\x28\0\0\x01e\x01k\x01"
    );
    let start = written(Outgoing::StartOk { user: "u", password: "p" });
    let text = String::from_utf8_lossy(&start);
    assert!(text.contains("\x05PLAIN\0\0\0\x04\0u\0p\x05en_US"), "{text:?}");
}

#[test]
fn what_the_broker_says_is_understood() {
    for (bytes, method) in [
        (
            &b"\0\x0a\0\x1e\x07\xff\0\x02\0\0\0\x3c"[..],
            Incoming::Tune { frame_max: 131_072, heartbeat_s: 60 },
        ),
        (
            b"\0\x0a\0\x0a\0\x09\0\0\0\x02xx\0\0\0\x05PLAIN\0\0\0\0",
            Incoming::Start { mechanisms: "PLAIN".into() },
        ),
        (
            b"\0\x0a\0\x32\x01\x93\x02no\0\0\0\0",
            Incoming::Close { channel: false, code: 403, text: "no".into() },
        ),
        (
            b"\0\x14\0\x28\x01\x94\x02no\0\0\0\0",
            Incoming::Close { channel: true, code: 404, text: "no".into() },
        ),
        (b"\0\x14\0\x29", Incoming::Done),
        (b"\0\x3c\0\x78\0\0\0\0\0\0\0\x07\x01", Incoming::Confirm { tag: 7, multiple: true, taken: false }),
        (b"\0\x3c\0\x50\0\0\0\0\0\0\0\x07\0", Incoming::Confirm { tag: 7, multiple: false, taken: true }),
        (b"\0\x3c\0\x3c\x01t\0\0\0\0\0\0\0\x09\0\0\0", Incoming::Deliver { tag: 9 }),
        (b"\0\x3c\0\x32\x01\x38\x08NO_ROUTE\0\0", Incoming::Return { code: 312, text: "NO_ROUTE".into() }),
        (b"\0\x32\0\x0b\x02qq\0\0\0\0\0\0\0\0", Incoming::QueueDeclareOk { queue: "qq".into() }),
        (b"\xff\0\0\x01", Incoming::Other),
    ] {
        assert_eq!(Incoming::read(bytes), Ok(method));
    }
    assert_eq!(Incoming::read(b"\0\x0a\0"), Err(Malformed));
}

#[test]
fn frames_that_are_none() {
    assert_eq!(first(b"AMQP\0\0\x09\x01", 100), Err(Malformed));
    assert_eq!(first(b"\x01\0\0\0\0\0\x02xxy", 100), Err(Malformed));
    assert_eq!(first(b"\x03\0\x01\0\0\0\x65", 100), Err(Malformed));
    assert_eq!(first(b"\x08\0\0\0\0\0\0", 100), Ok(None));
    assert_eq!(
        first(b"\x08\0\0\0\0\0\0\xce", 100),
        Ok(Some(Frame { kind: Kind::Heartbeat, payload: b"", size: 8 }))
    );
}

proptest! {
    #[test]
    fn messages_come_back_from_frames(body: Vec<u8>, frame_max in 20usize..60, kind in "[a-z]{0,5}") {
        let properties = Properties { content_type: "application/x", kind: &kind, persistent: true, timestamp_s: 5 };
        let mut out = Vec::new();
        write_content(&properties, &body, frame_max.max(60), &mut out);
        let mut collector = Collector::default();
        collector.begin(Incoming::Deliver { tag: 3 });
        let (mut rest, mut found) = (&out[..], None);
        while let Some(Frame { kind, payload, size }) = first(rest, 1000).unwrap() {
            prop_assert!(found.is_none());
            found = match kind {
                Kind::Header => collector.header(payload).unwrap(),
                Kind::Body => collector.body(payload).unwrap(),
                _ => None,
            };
            rest = &rest[size..];
        }
        prop_assert!(rest.is_empty());
        prop_assert_eq!(found, Some(Content { method: Incoming::Deliver { tag: 3 }, kind, body }));
    }

    #[test]
    fn any_bytes_give_a_result(bytes: Vec<u8>) {
        let _ = first(&bytes, 1000);
        let _ = Incoming::read(&bytes);
        let mut collector = Collector::default();
        let _ = collector.header(&bytes);
        collector.begin(Incoming::Deliver { tag: 1 });
        let _ = collector.header(&bytes);
        let _ = collector.body(&bytes);
    }
}
