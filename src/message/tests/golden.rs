//! Bytes that the original wrote.
#![allow(clippy::unwrap_used)]

use heka_message::{
    Field, HashFunction, Message, MessageView, Signer, Signers, ValueType, Verified, find_frame,
    is_canonical, unframe, verify, write_frame, write_signed_frame,
};

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn encode(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    assert_eq!(bytes.len(), message.encoded_len());
    bytes
}

fn every_kind_of_value() -> Message {
    let mut many = Field::new("m", ValueType::Integer, "");
    many.value_integer = vec![1, 300];
    Message {
        uuid: Some("0123456789abcdef".into()),
        timestamp: Some(1_400_000_000_123_456_789),
        msg_type: Some("T".into()),
        logger: Some("L".into()),
        severity: Some(6),
        payload: Some("hi".into()),
        env_version: Some("1".into()),
        pid: Some(42),
        hostname: Some("h".into()),
        fields: vec![
            Field::string("s", "", "x"),
            Field::integer("i", "count", -1),
            Field::double("d", "", 1.5),
            Field::boolean("b", "", true),
            Field::bytes("y", "", [1_u8, 2].as_slice()),
            many,
        ],
        unknown: Vec::new(),
    }
}

const FRAME: &str = "1e030890011f0a103031323334353637383961626364656610959a9fa7d292f3b6131a015422014c280632\
                     0268693a0131402a4a0168520a0a017310001a0022017852180a016910021a05636f756e74320affffffff\
                     ffffffffff0152110a016410031a003a08000000000000f83f520a0a016210041a00420101520b0a017910\
                     011a002a020102520c0a016d10021a00320301ac02";

#[test]
fn a_frame_of_every_kind_of_value() {
    let message = every_kind_of_value();
    let mut frame = Vec::new();
    write_frame(&encode(&message), 65536, &mut frame).unwrap();
    assert_eq!(frame, hex(FRAME));

    let found = find_frame(&frame, 65536);
    assert_eq!((found.consumed, found.record), (frame.len(), Some(0..frame.len())));
    let bytes = unframe(&frame).unwrap().message;
    assert!(is_canonical(bytes));
    assert_eq!(Message::decode(bytes).unwrap(), message);
    assert_eq!(MessageView::new_canonical(bytes).to_message().unwrap(), message);
}

#[test]
fn an_empty_message() {
    let mut frame = Vec::new();
    write_frame(&encode(&Message::default()), 65536, &mut frame).unwrap();
    assert_eq!(frame, hex("1e0208001f"));
    assert_eq!(find_frame(&frame, 65536).record, Some(0..5));
    assert_eq!(Message::decode(b"").unwrap(), Message::default());
}

#[test]
fn negative_numbers_take_five_bytes_and_are_read_from_ten() {
    let severity = Message { severity: Some(-1), ..Message::default() };
    assert_eq!(encode(&severity), hex("28ffffffff0f"));
    assert_eq!(Message::decode(&hex("28ffffffff0f")).unwrap(), severity);
    assert_eq!(Message::decode(&hex("28ffffffffffffffffff01")).unwrap(), severity);
    let pid = Message { pid: Some(-5), ..Message::default() };
    assert_eq!(encode(&pid), hex("40fbffffff0f"));
}

#[test]
fn signed_frames() {
    let message = Message { uuid: Some("0123456789abcdef".into()), timestamp: Some(1), ..Message::default() };
    let golden = [
        (
            HashFunction::Md5,
            "1e1b081422036f707328013210a9fc4eb4b1c92a6312c0bd74a19ba63c1f0a10303132333435363738396162636465661001",
        ),
        (
            HashFunction::Sha1,
            "1e210814180122036f707328013214f5a984b93a6e114d4f90cde1b8f691c67559bc681f0a10303132333435363738396162636465661001",
        ),
    ];
    let mut signers = Signers::default();
    signers.insert("ops_1", "secret");
    for (hash, expected) in golden {
        let signer = Signer { name: "ops".into(), version: 1, hash, key: b"secret".to_vec() };
        let mut frame = Vec::new();
        write_signed_frame(&encode(&message), &signer, 65536, &mut frame).unwrap();
        assert_eq!(frame, hex(expected));
        assert_eq!(verify(&frame, &signers), Verified::SignedBy("ops".into()));
        assert_eq!(verify(&frame, &Signers::default()), Verified::Rejected(None));

        let last = frame.len() - 1;
        frame[last] ^= 1;
        assert_eq!(verify(&frame, &signers), Verified::Rejected(None));
    }
}

#[test]
fn unknown_fields_are_kept_behind_the_known_ones() {
    // Field 15 = 1 in front, group 20 inside the dynamic field.
    let bytes = hex("780152070a0161a301a4011a0174");
    let message = Message::decode(&bytes).unwrap();
    assert_eq!(message.unknown, hex("7801"));
    assert_eq!(message.fields[0].unknown, hex("a301a401"));
    assert_eq!(encode(&message), hex("1a017452070a0161a301a4017801"));
}
