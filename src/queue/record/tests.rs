//! What is written is read, and damage is seen.

use super::varint::{pad_varint, padded_varint, varint};
use super::*;
use crate::batch::Meta;
use proptest::prelude::*;

fn frame(message: &[u8], meta: &Meta<'_>, sequence: u64, time_ns: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_header(&mut bytes, meta);
    bytes.extend_from_slice(message);
    let crc = finish_message(&mut bytes);
    stamp(&mut bytes, crc, sequence, time_ns);
    bytes
}

/// The header by a plain protobuf reader: field, wire type, value or length.
fn fields(header: &[u8]) -> Vec<(u64, u64, u64)> {
    let (mut at, mut fields) = (0, Vec::new());
    while at < header.len() {
        let key = varint(header, &mut at).unwrap();
        let value = match key & 7 {
            0 => varint(header, &mut at).unwrap(),
            1 => {
                at += 8;
                u64::from_le_bytes(header[at - 8..at].try_into().unwrap())
            }
            2 => {
                let len = varint(header, &mut at).unwrap();
                at += len as usize;
                len
            }
            5 => {
                at += 4;
                u64::from(u32::from_le_bytes(header[at - 4..at].try_into().unwrap()))
            }
            other => panic!("wire type {other}"),
        };
        fields.push((key >> 3, key & 7, value));
    }
    fields
}

#[test]
fn the_header_is_protobuf_with_known_field_numbers() {
    let meta = Meta { loop_count: 300, signer: b"ops_1", canonical: true };
    let bytes = frame(b"hello", &meta, 7, 9);
    assert_eq!(bytes[0], RECORD_SEPARATOR);
    let header = &bytes[2..2 + usize::from(bytes[1])];
    assert_eq!(bytes[2 + header.len()], UNIT_SEPARATOR);
    let crc = u64::from(parse(&bytes).unwrap().crc);
    let expected =
        [(1, 0, 5), (100, 5, crc), (101, 1, 7), (102, 1, 9), (103, 0, 1), (104, 0, 300), (105, 2, 5)];
    assert_eq!(fields(header), expected);
}

#[test]
fn the_crc_is_what_the_module_says() {
    let bytes = frame(b"hello", &Meta::default(), 7, 9);
    let mut covered = bytes[33..].to_vec();
    covered.extend_from_slice(&bytes[13..33]);
    assert_eq!(parse(&bytes).unwrap().crc, crc32c::crc32c_append(5, &covered));
}

#[test]
fn a_copy_is_good_and_known_as_one() {
    let mut bytes = frame(b"hello", &Meta { canonical: true, ..Meta::default() }, 7, 9);
    assert!(!parse(&bytes).unwrap().is_copy());
    mark_copy(&mut bytes);
    let copy = good_at(&bytes, 0).unwrap();
    assert!(copy.is_copy());
    assert!(copy.record(&bytes, Position::default()).unwrap().canonical);
}

#[test]
fn a_frame_inside_a_damaged_message_is_not_taken_for_a_record() {
    let inner = frame(b"forged", &Meta::default(), 99, 9);
    let mut bytes = frame(&inner, &Meta::default(), 1, 1);
    let outer = bytes.len();
    bytes.extend(frame(b"next", &Meta::default(), 2, 1));
    bytes[outer - 1] ^= 1;
    let (at, good) = next_good(&bytes, 0).unwrap();
    assert_eq!((at, good.sequence), (outer, 2));
}

#[test]
fn a_damaged_length_that_ends_at_a_later_frame_passes_no_good_one() {
    // Frames of 64 bytes: a flipped bit of the length skips one or more of them exactly.
    let frames: Vec<_> = (0..8).map(|sequence| frame(&[7; 27], &Meta::default(), sequence, 1)).collect();
    assert_eq!(frames[0].len(), 64);
    for bit in [6, 8] {
        let mut bytes = frames.concat();
        bytes[3 + bit / 7] ^= 1 << (bit % 7);
        let (at, good) = next_good(&bytes, 0).unwrap();
        assert_eq!((at, good.sequence), (64, 1), "bit {bit} of the length");
    }
}

#[test]
fn the_header_holds_the_longest_signer() {
    let signer = [b's'; MAX_SIGNER_BYTES];
    let bytes =
        frame(b"", &Meta { loop_count: u32::MAX, signer: &signer, canonical: true }, u64::MAX, u64::MAX);
    let record = good_at(&bytes, 0).unwrap().record(&bytes, Position::default()).unwrap();
    assert_eq!((record.signer, record.loop_count), (&signer[..], u32::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(
        message: Vec<u8>, loop_count: u32, sequence: u64, time_ns: u64, canonical: bool,
        signer in prop::collection::vec(any::<u8>(), 0..=MAX_SIGNER_BYTES),
    ) {
        let bytes = frame(&message, &Meta { loop_count, signer: &signer, canonical }, sequence, time_ns);
        let good = good_at(&bytes, 0).unwrap();
        prop_assert_eq!(good.end, bytes.len());
        let record = good.record(&bytes, Position::default()).unwrap();
        prop_assert_eq!(record.message, &message[..]);
        prop_assert_eq!(record.signer, &signer[..]);
        prop_assert_eq!(record.loop_count, loop_count);
        prop_assert_eq!((record.sequence, record.append_time_ns), (sequence, time_ns));
        prop_assert_eq!(record.canonical, canonical);
    }

    #[test]
    fn lengths_survive_padding(len in 0usize..=MAX_MESSAGE_BYTES) {
        prop_assert_eq!(padded_varint(pad_varint(len)), Some(len));
    }

    #[test]
    fn no_flip_of_one_bit_goes_unseen(message: Vec<u8>, bit: prop::sample::Index) {
        let mut bytes = frame(&message, &Meta { signer: b"s", ..Meta::default() }, 1, 2);
        // Bytes to read beyond the frame, should its length grow.
        bytes.resize(bytes.len() + 300, 0x1F);
        let bit = bit.index((bytes.len() - 300) * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(good_at(&bytes, 0).is_none());
    }

    #[test]
    fn any_bytes_are_parsed_without_a_panic(mut bytes: Vec<u8>, header in 0usize..80, at: prop::sample::Index) {
        next_good(&bytes, 0);
        let good = frame(b"m", &Meta { signer: b"signer", loop_count: 9, canonical: true }, 1, 2);
        let keep = header.min(good.len());
        bytes.splice(..0, good[..keep].iter().copied());
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = bytes[at].wrapping_add(1);
        }
        if let Some(frame) = parse(&bytes) {
            frame.verify(&bytes);
            frame.record(&bytes, Position::default());
        }
        next_good(&bytes, 0);
    }
}
