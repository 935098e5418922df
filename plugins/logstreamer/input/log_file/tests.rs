use std::fs;
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn file(content: &[u8]) -> (tempfile::TempDir, Arc<Path>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.log");
    fs::write(&path, content).unwrap();
    (dir, path.into())
}

fn text(log: &mut LogFile) -> Result<Vec<u8>, Read> {
    let mut buffer = [0; 1000];
    match log.read(&mut buffer).unwrap() {
        Read::Bytes(range) => {
            let end = log.end() + range.len() as u64;
            log.window.advance(&buffer[range.clone()], end);
            Ok(buffer[range].to_vec())
        }
        other => Err(other),
    }
}

fn append(path: &Path, content: &[u8]) {
    File::options().append(true).open(path).unwrap().write_all(content).unwrap();
}

#[test]
fn a_growing_file() {
    let (_dir, path) = file(b"one\n");
    let mut log = LogFile::open(&path).unwrap();
    assert_eq!(text(&mut log).unwrap(), b"one\n");
    assert_eq!(text(&mut log), Err(Read::End));
    append(&path, b"two\n");
    assert_eq!(text(&mut log).unwrap(), b"two\n");
}

#[test]
fn a_rewritten_file_is_noticed_before_anything_of_it_is_read() {
    for new in [&b""[..], b"x", b"other\nlonger content than before\n", b"oNe\n", b"oNe\ntwo\n"] {
        let (_dir, path) = file(b"one\n");
        let mut log = LogFile::open(&path).unwrap();
        text(&mut log).unwrap();
        fs::write(&path, new).unwrap();
        assert_eq!(text(&mut log), Err(Read::Rewritten), "{new:?}");
    }
}

#[test]
fn opened_at_a_position_only_if_the_hash_agrees() {
    let long: Vec<u8> = (0..3000_u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
    for content in [long.clone(), gzip(&long)] {
        let (_dir, path) = file(&content);
        for seek in [1, 499, 500, 501, 4000, long.len()] {
            let expected = hash(&long[..seek]);
            let mut log = LogFile::open_at(&path, seek as u64, &expected).unwrap().unwrap();
            assert_eq!(log.end(), seek as u64);
            match text(&mut log) {
                Ok(more) => assert_eq!(more, long[seek..seek + more.len()]),
                Err(read) => assert_eq!((read, seek), (Read::End, long.len())),
            }
            assert!(LogFile::open_at(&path, seek as u64 + 1, &expected).unwrap().is_none());
        }
        assert!(LogFile::open_at(&path, 0, "").unwrap().is_some());
    }
}

#[test]
fn opened_at_the_end() {
    for content in [b"one\ntwo\n".to_vec(), gzip(b"one\ntwo\n")] {
        let (_dir, path) = file(&content);
        let mut log = LogFile::open_at_end(&path).unwrap();
        assert_eq!((log.end(), log.window.before(8)), (8, &b"one\ntwo\n"[..]));
        assert_eq!(text(&mut log), Err(Read::End));
    }
    let (_dir, path) = file(b"");
    assert_eq!(LogFile::open_at_end(&path).unwrap().end(), 0);
}

#[test]
fn a_gzip_file_whatever_its_name_also_when_it_comes_late() {
    let (_dir, path) = file(b"");
    let mut log = LogFile::open(&path).unwrap();
    assert_eq!(text(&mut log), Err(Read::End));
    let content = gzip(b"zipped\n");
    append(&path, &content[..1]);
    assert_eq!(text(&mut log), Err(Read::End));
    append(&path, &content[1..20]);
    let mut got = text(&mut log).unwrap_or_default();
    append(&path, &content[20..]);
    while let Ok(more) = text(&mut log) {
        got.extend(more);
    }
    assert_eq!(got, b"zipped\n");
    assert!(log.is_gzip() && !log.is_cut_short());
}
