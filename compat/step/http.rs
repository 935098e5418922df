//! HTTP requests to the daemon. Their headers are part of what it may pass on, so they are those of the recordings.

use std::io::{self, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::{Steps, patiently};
use crate::case::Step;
use crate::error::CaseError;
use crate::sink::{header, read_body, read_headers, read_line};

const TIMEOUT: Duration = Duration::from_secs(5);

/// An answer as far as it is saved.
struct Reply {
    status: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Steps<'_> {
    /// Makes a request and saves status, chosen headers and body.
    pub(super) fn request(&mut self, step: &Step) -> Result<(), CaseError> {
        let address = self.address(step)?;
        let data = self.place.data(step)?;
        let failed = CaseError::io(format!("request to {address}"));
        let reply = patiently(|| exchange(address, step, &data)).map_err(failed)?;
        let mut saved = format!("{}\n", reply.status);
        for name in &step.show {
            let values: Vec<&str> = reply
                .headers
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, v)| &**v)
                .collect();
            let value = if values.is_empty() { "None".to_owned() } else { values.join(", ") };
            saved.push_str(&format!("{name}: {value}\n"));
        }
        let saved = [saved.as_bytes(), &reply.body, b"\n"].concat();
        self.save(step, "http-replies", &saved)
    }
}

fn exchange(address: SocketAddr, step: &Step, data: &[u8]) -> io::Result<Reply> {
    let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let method = step.method.as_deref().unwrap_or("GET");
    let head = request_head(address, step, method, data.len());
    (&stream).write_all(&[head.as_bytes(), data].concat())?;
    let mut reader = BufReader::new(&stream);
    loop {
        let first = read_line(&mut reader)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        let status = first.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let headers = read_headers(&mut reader)?;
        if status == "100" {
            continue;
        }
        let bodiless = method == "HEAD" || status == "204" || status == "304";
        let body = if bodiless { Vec::new() } else { read_body(&mut reader, &headers, true)? };
        return Ok(Reply { status, headers, body });
    }
}

fn request_head(address: SocketAddr, step: &Step, method: &str, length: usize) -> String {
    let own: Vec<(String, String)> = step.headers.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    let mut head = format!("{method} {} HTTP/1.1\r\n", step.path.as_deref().unwrap_or("/"));
    if header(&own, "Host").is_none() {
        head.push_str(&format!("Host: {address}\r\n"));
    }
    if header(&own, "Accept-Encoding").is_none() {
        head.push_str("Accept-Encoding: identity\r\n");
    }
    let has_body = length > 0 || matches!(method, "PATCH" | "POST" | "PUT");
    if has_body && header(&own, "Content-Length").is_none() && header(&own, "Transfer-Encoding").is_none() {
        head.push_str(&format!("Content-Length: {length}\r\n"));
    }
    for (name, value) in own {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}
