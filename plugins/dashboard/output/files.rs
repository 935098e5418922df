//! Files and lists of folders, served as Go's file server does.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hyper::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap,
    HeaderValue, IF_MODIFIED_SINCE, LAST_MODIFIED, LOCATION, RANGE,
};
use hyper::{Response, StatusCode};
use jiff::fmt::rfc2822;
use rustix::fd::OwnedFd;
use rustix::fs::Dir;

use super::body::Reply;
use super::open_file::{Found, names, open};
use super::site::{plain, with_body};
use crate::http_server::query::unescape;

/// What a sandbox puts out may be a page made of somebody's log lines. In this box it reaches nothing of this site.
const BOX: HeaderValue = HeaderValue::from_static("sandbox allow-scripts");
/// So much of a file tells whether it is text.
const LOOK: usize = 512;

/// Answers for a path below `root`. `None`: there is no page at `/`.
pub(super) fn answer(root: &Path, path: &str, head: &HeaderMap) -> Option<Response<Reply>> {
    let missing = || Some(plain(StatusCode::NOT_FOUND, "404 page not found\n"));
    let Some(path) = unescape(path.as_bytes(), false) else { return missing() };
    let Some(names) = names(&path) else { return missing() };
    let with_slash = path.ends_with(b"/");
    if path.ends_with(b"/index.html") {
        return Some(moved("./"));
    }
    let last = names.last().copied().unwrap_or_default();
    match open(root, &names) {
        Ok(Found::File(_)) if with_slash => Some(moved(&format!("../{}", escape(last)))),
        Ok(Found::File(file)) => {
            Some(self::file(file, last, head, names.first() == Some(&b"data".as_slice())))
        }
        Ok(Found::Folder(_)) if !with_slash => Some(moved(&format!("{}/", escape(last)))),
        Ok(Found::Folder(folder)) => {
            let index: Vec<&[u8]> = names.iter().copied().chain([b"index.html".as_slice()]).collect();
            match open(root, &index) {
                Ok(Found::File(file)) => Some(self::file(file, b"index.html", head, false)),
                _ if names.is_empty() => None,
                _ => Some(
                    list(folder).unwrap_or_else(|_| plain(StatusCode::NOT_FOUND, "404 page not found\n")),
                ),
            }
        }
        Err(_) => missing(),
    }
}

fn moved(to: &str) -> Response<Reply> {
    let mut reply = plain(StatusCode::MOVED_PERMANENTLY, "");
    if let Ok(to) = HeaderValue::try_from(to) {
        reply.headers_mut().insert(LOCATION, to);
    }
    reply
}

/// A name as part of a URL.
fn escape(name: &[u8]) -> String {
    let mut out = String::new();
    for byte in name {
        match byte {
            b'a'..=b'z'
            | b'A'..=b'Z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b'$'
            | b'&'
            | b'+'
            | b'@' => {
                out.push(char::from(*byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The names in a folder as a page of links.
fn list(folder: OwnedFd) -> io::Result<Response<Reply>> {
    let mut found: Vec<(Vec<u8>, bool)> = Vec::new();
    for entry in Dir::new(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            found.push((name.into(), entry.file_type().is_dir()));
        }
    }
    found.sort();
    let mut page = String::from("<pre>\n");
    for (name, is_folder) in found {
        let slash = if is_folder { "/" } else { "" };
        let shown =
            String::from_utf8_lossy(&name).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let shown = shown.replace('"', "&#34;").replace('\'', "&#39;");
        page += &format!("<a href=\"{}{slash}\">{shown}{slash}</a>\n", escape(&name));
    }
    page += "</pre>\n";
    let mut reply = with_body(StatusCode::OK, "text/html; charset=utf-8", page.into_bytes());
    reply.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    Ok(reply)
}

fn file(mut file: File, name: &[u8], head: &HeaderMap, boxed: bool) -> Response<Reply> {
    let Ok(about) = file.metadata() else { return plain(StatusCode::NOT_FOUND, "404 page not found\n") };
    let size = about.len();
    let changed_s = about
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map(|time| time.as_secs());
    let kind = kind_of(name).unwrap_or_else(|| sniff(&mut file));
    let mut reply = Response::new(Reply::Whole(Default::default()));
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if boxed {
        headers.insert(CONTENT_SECURITY_POLICY, BOX);
    }
    if let Some(date) = changed_s.and_then(http_date) {
        headers.insert(LAST_MODIFIED, date);
    }
    if let (Some(changed), Some(since)) = (changed_s, head.get(IF_MODIFIED_SINCE).and_then(date_s))
        && changed <= since
    {
        headers.remove(CONTENT_TYPE);
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        return reply;
    }
    match head.get(RANGE).map(|range| part(range.as_bytes(), size)) {
        Some(Part::Wrong) => {
            let mut reply = plain(StatusCode::RANGE_NOT_SATISFIABLE, "invalid range: failed to overlap\n");
            if let Ok(range) = HeaderValue::try_from(format!("bytes */{size}")) {
                reply.headers_mut().insert(CONTENT_RANGE, range);
            }
            return reply;
        }
        Some(Part::Of(from, to)) => {
            if file.seek(SeekFrom::Start(from)).is_err() {
                return plain(StatusCode::NOT_FOUND, "404 page not found\n");
            }
            if let Ok(range) = HeaderValue::try_from(format!("bytes {from}-{to}/{size}")) {
                headers.insert(CONTENT_RANGE, range);
            }
            *reply.status_mut() = StatusCode::PARTIAL_CONTENT;
            *reply.body_mut() = Reply::File(file, to - from + 1);
        }
        Some(Part::All) | None => *reply.body_mut() = Reply::File(file, size),
    }
    reply
}

/// Which bytes are asked for.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// All: no single range is asked for that can be read.
    All,
    /// From the first to the last, both included.
    Of(u64, u64),
    /// None that there are.
    Wrong,
}

fn part(range: &[u8], size: u64) -> Part {
    let text = std::str::from_utf8(range).ok().and_then(|range| range.strip_prefix("bytes="));
    let Some((from, to)) = text.and_then(|range| range.trim().split_once('-')) else { return Part::All };
    let number = |text: &str| text.parse::<u64>().ok();
    match (from, to) {
        ("", to) => match number(to) {
            Some(0) => Part::Wrong,
            Some(last) if size > 0 => Part::Of(size - last.min(size), size - 1),
            Some(_) => Part::Wrong,
            None => Part::All,
        },
        (from, to) => match (number(from), if to.is_empty() { Some(u64::MAX) } else { number(to) }) {
            (Some(from), Some(to)) if from >= size || to < from => Part::Wrong,
            (Some(from), Some(to)) => Part::Of(from, to.min(size - 1)),
            _ => Part::All,
        },
    }
}

fn http_date(unix_s: u64) -> Option<HeaderValue> {
    let time = jiff::Timestamp::from_second(i64::try_from(unix_s).ok()?).ok()?;
    let text = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()?;
    HeaderValue::try_from(text).ok()
}

fn date_s(value: &HeaderValue) -> Option<u64> {
    let time = rfc2822::DateTimeParser::new().parse_timestamp(value.as_bytes()).ok()?;
    u64::try_from(time.as_second()).ok().filter(|second| {
        *second <= SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() + 1
    })
}

/// The media type that goes with a file's name.
fn kind_of(name: &[u8]) -> Option<&'static str> {
    let at = name.iter().rposition(|byte| *byte == b'.')?;
    Some(match name.get(at + 1..)?.to_ascii_lowercase().as_slice() {
        b"html" | b"htm" => "text/html; charset=utf-8",
        b"css" => "text/css; charset=utf-8",
        b"js" | b"mjs" => "text/javascript; charset=utf-8",
        b"json" | b"map" => "application/json",
        b"xml" => "text/xml; charset=utf-8",
        b"txt" => "text/plain; charset=utf-8",
        b"csv" => "text/csv; charset=utf-8",
        b"tsv" => "text/tab-separated-values; charset=utf-8",
        b"svg" => "image/svg+xml",
        b"png" => "image/png",
        b"gif" => "image/gif",
        b"jpg" | b"jpeg" => "image/jpeg",
        b"webp" => "image/webp",
        b"ico" => "image/vnd.microsoft.icon",
        b"woff" => "font/woff",
        b"woff2" => "font/woff2",
        b"ttf" => "font/ttf",
        b"eot" => "application/vnd.ms-fontobject",
        b"pdf" => "application/pdf",
        b"wasm" => "application/wasm",
        _ => return None,
    })
}

/// Text or not, by the first bytes.
fn sniff(file: &mut File) -> &'static str {
    let mut begin = [0; LOOK];
    let read = file.read(&mut begin).unwrap_or(0);
    let rewound = file.rewind().is_ok();
    let is_binary = |byte: &u8| matches!(byte, 0..=8 | 0xb | 0xe..=0x1a | 0x1c..=0x1f);
    let text = rewound && !begin.get(..read).unwrap_or_default().iter().any(is_binary);
    if text { "text/plain; charset=utf-8" } else { "application/octet-stream" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(part(b"bytes=0-", 10), Part::Of(0, 9));
        assert_eq!(part(b"bytes=2-3", 10), Part::Of(2, 3));
        assert_eq!(part(b"bytes=8-99", 10), Part::Of(8, 9));
        assert_eq!(part(b"bytes=-4", 10), Part::Of(6, 9));
        assert_eq!(part(b"bytes=-40", 10), Part::Of(0, 9));
        for wrong in [b"bytes=10-".as_slice(), b"bytes=5-4", b"bytes=-0"] {
            assert_eq!(part(wrong, 10), Part::Wrong);
        }
        assert_eq!(part(b"bytes=-1", 0), Part::Wrong);
        for all in [b"bytes=1-2,4-5".as_slice(), b"lines=1-2", b"bytes=", b"\xff"] {
            assert_eq!(part(all, 10), Part::All);
        }
    }

    #[test]
    fn dates_go_out_and_come_back() {
        let date = http_date(784_111_777).unwrap();
        assert_eq!(date, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date_s(&date), Some(784_111_777));
        assert_eq!(date_s(&HeaderValue::from_static("nonsense")), None);
    }
}
