//! An HTTP server that answers every request the same way and keeps it.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::Shared;

/// Serves the requests of one connection until the client closes it or asks for that.
pub(super) fn serve(stream: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader, stream)? {
        shared.keep(&request.kept(&shared.spec.headers))?;
        let body = &shared.spec.body;
        let status = shared.spec.status;
        let mut reply =
            format!("HTTP/1.1 {status} {}\r\nContent-Length: {}\r\n\r\n", reason(status), body.len());
        if request.method != "HEAD" {
            reply.push_str(body);
        }
        (&mut &*stream).write_all(reply.as_bytes())?;
        if request.closes() {
            return Ok(());
        }
    }
    Ok(())
}

struct Request {
    method: String,
    path: String,
    version: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    fn closes(&self) -> bool {
        let connection = self.header("Connection").unwrap_or_default().to_ascii_lowercase();
        connection == "close" || (self.version == "HTTP/1.0" && connection != "keep-alive")
    }

    /// `METHOD PATH`, the wanted headers that are there, the body and a newline.
    fn kept(&self, wanted: &[String]) -> Vec<u8> {
        let mut text = format!("{} {}\n", self.method, self.path);
        for name in wanted {
            if let Some(value) = self.header(name) {
                text.push_str(&format!("{name}: {value}\n"));
            }
        }
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes.push(b'\n');
        bytes
    }
}

fn read_request(reader: &mut BufReader<&TcpStream>, mut stream: &TcpStream) -> io::Result<Option<Request>> {
    let Some(first) = read_line(reader)? else { return Ok(None) };
    let mut words = first.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let version = words.next().unwrap_or_default();
    let headers = read_headers(reader)?;
    if header(&headers, "Expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    // Slashes at the start are one.
    let path = if path.starts_with("//") { format!("/{}", path.trim_start_matches('/')) } else { path };
    let body = read_body(reader, &headers, false)?;
    Ok(Some(Request { method, path, version, headers, body }))
}

/// The value of a header, whatever its case.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

/// A line without its end; `None` at the end of the stream.
pub(crate) fn read_line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
}

/// Headers up to the blank line.
pub(crate) fn read_headers(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    while let Some(line) = read_line(reader)? {
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':') {
            headers.push((name.trim().to_owned(), value.trim().to_owned()));
        }
    }
    Ok(headers)
}

/// A body by its length or its chunks; without either it is empty, or all that comes when `to_end` is set.
pub(crate) fn read_body(
    reader: &mut impl BufRead,
    headers: &[(String, String)],
    to_end: bool,
) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if header(headers, "Transfer-Encoding").is_some_and(|value| value.contains("chunked")) {
        while let Some(line) = read_line(reader)? {
            let digits = line.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16).map_err(io::Error::other)?;
            reader.take(size).read_to_end(&mut body)?;
            read_line(reader)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = header(headers, "Content-Length") {
        let length: u64 = length.parse().map_err(io::Error::other)?;
        reader.take(length).read_to_end(&mut body)?;
        if body.len() as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    } else if to_end {
        reader.read_to_end(&mut body)?;
    }
    Ok(body)
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        302 => "Found",
        400 => "Bad Request",
        404 => "Not Found",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "",
    }
}
