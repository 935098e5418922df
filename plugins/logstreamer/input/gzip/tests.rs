use std::io::Write;

use flate2::{Compression, GzBuilder};
use proptest::prelude::*;

use super::*;

fn member(text: &[u8]) -> Vec<u8> {
    let mut encoder =
        GzBuilder::new().filename("a.log").comment("c").extra("xx").write(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn file_of(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file
}

fn read_all(gunzip: &mut Gunzip, file: &File) -> (Vec<u8>, Option<String>) {
    let (mut text, mut problem) = (Vec::new(), None);
    let mut out = [0; 100];
    loop {
        match gunzip.read(file, &mut out) {
            Ok(0) => return (text, problem),
            Ok(size) => text.extend_from_slice(&out[..size]),
            Err(error) => problem = Some(error.to_string()),
        }
    }
}

#[test]
fn all_members_and_padding() {
    let content = [member(b"two a\n"), member(b""), member(b"two b\n"), vec![0; 512]].concat();
    let mut gunzip = Gunzip::new();
    assert_eq!(read_all(&mut gunzip, &file_of(&content)), (b"two a\ntwo b\n".to_vec(), None));
}

#[test]
fn damage_is_told_once_and_what_was_good_is_kept() {
    let mut sum = member(b"text\n");
    let crc = sum.len() - 8;
    sum[crc] ^= 1;
    sum.extend(member(b"more\n"));
    let read = |content: &[u8]| read_all(&mut Gunzip::new(), &file_of(content));
    assert_eq!(read(&sum), (b"text\nmore\n".to_vec(), Some("gzip: invalid checksum".into())));
    let garbage = [member(b"text\n"), b"garbage".to_vec()].concat();
    assert_eq!(read(&garbage), (b"text\n".to_vec(), Some("gzip: invalid header".into())));
    let mut body = member(b"text\n");
    let start = body.len() - 8 - 7;
    body[start..start + 7].fill(0xff);
    assert_eq!(read(&body).1, Some("flate: corrupt input".into()));
}

proptest! {
    #[test]
    fn a_file_that_grows_byte_by_byte(texts in proptest::collection::vec(".{0,200}", 0..4), step in 1_usize..50) {
        let content: Vec<u8> = texts.iter().flat_map(|text| member(text.as_bytes())).collect();
        let mut file = tempfile::tempfile().unwrap();
        let mut gunzip = Gunzip::new();
        let mut text = Vec::new();
        for piece in content.chunks(step) {
            file.write_all(piece).unwrap();
            let (more, problem) = read_all(&mut gunzip, &file);
            prop_assert_eq!(problem, None);
            text.extend(more);
        }
        prop_assert_eq!(text, texts.concat().into_bytes());
        prop_assert!(!gunzip.is_inside_member());
    }

    #[test]
    fn any_bytes_end(content in proptest::collection::vec(any::<u8>(), 0..300)) {
        let content = [&MAGIC[..], &[8], &content].concat();
        read_all(&mut Gunzip::new(), &file_of(&content));
    }
}
