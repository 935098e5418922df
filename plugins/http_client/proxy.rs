//! Proxies, which the environment names: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY`, in capitals or small letters.

use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Url;
use super::failure::{Failure, of_io};
use super::header::basic;

/// Longest head of a proxy's reply.
const HEAD_SIZE_MAX: usize = 16 * 1024;

/// Which proxy is for whom. By default there is none.
#[derive(Default)]
pub(super) struct Proxies {
    http: String,
    https: String,
    /// Hosts that are reached without.
    without: Vec<String>,
}

impl Proxies {
    /// Those of the environment.
    pub(super) fn of_environment() -> Proxies {
        let variable = |name: &str| {
            let value = std::env::var(name).ok().filter(|value| !value.is_empty());
            value.or_else(|| std::env::var(name.to_lowercase()).ok()).unwrap_or_default()
        };
        Proxies::new(variable("HTTP_PROXY"), variable("HTTPS_PROXY"), &variable("NO_PROXY"))
    }

    /// These proxies, and a list of hosts that are reached without.
    pub(super) fn new(http: String, https: String, without: &str) -> Proxies {
        let without = without.split(',').map(|entry| entry.trim().to_lowercase());
        Proxies { http, https, without: without.filter(|entry| !entry.is_empty()).collect() }
    }

    /// The proxy for a URL, if it has one.
    ///
    /// # Errors
    /// The environment's value is no URL of a proxy.
    pub(super) fn of(&self, url: &Url) -> Result<Option<Url>, String> {
        let named = if url.scheme == "https" { &self.https } else { &self.http };
        if named.is_empty() || self.passes_by(url) {
            return Ok(None);
        }
        let proxy = Url::parse(named).ok().filter(|proxy| proxy.scheme == "http" && !proxy.host.is_empty());
        let proxy = proxy.map_or_else(|| Url::parse(&format!("http://{named}")), Ok);
        proxy.map(Some).map_err(|why| format!("invalid proxy address {named:?}: {why}"))
    }

    fn passes_by(&self, url: &Url) -> bool {
        let host = url.host_name().to_lowercase();
        let address: Option<IpAddr> = host.parse().ok();
        if host == "localhost" || address.is_some_and(|ip| ip.is_loopback()) {
            return true;
        }
        let place = url.place().to_lowercase();
        self.without.iter().any(|entry| {
            if entry == "*" || *entry == host || *entry == place {
                return true;
            }
            match (entry.split_once('/'), address) {
                (Some((network, bits)), Some(ip)) => is_in(ip, network, bits),
                (Some(_), None) => false,
                (None, _) => {
                    let domain = entry.strip_prefix("*.").or(entry.strip_prefix('.')).unwrap_or(entry);
                    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
                }
            }
        })
    }
}

/// Whether an address lies in a network.
fn is_in(ip: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let (one, other, width) = match (ip, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (u128::from(one.to_bits()), u128::from(other.to_bits()), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let below = u32::saturating_sub(width, bits);
    bits <= width && one.checked_shr(below).unwrap_or(0) == other.checked_shr(below).unwrap_or(0)
}

/// Has a proxy connect its end to `place`.
pub(super) async fn tunnel(socket: &mut TcpStream, place: &str, proxy: &Url) -> Result<(), Failure> {
    let mut request =
        format!("CONNECT {place} HTTP/1.1\r\nHost: {place}\r\nUser-Agent: Go-http-client/1.1\r\n");
    if let Some((user, password)) = &proxy.user {
        let value = basic(user, password).map_err(Failure::Said)?;
        let value = value.to_str().map_err(|error| Failure::Said(error.to_string()))?;
        request.push_str(&format!("Proxy-Authorization: {value}\r\n"));
    }
    request.push_str("\r\n");
    let io = |error: std::io::Error| Failure::Said(of_io(&error));
    socket.write_all(request.as_bytes()).await.map_err(io)?;
    let mut head = Vec::new();
    // What follows the head belongs to the tunnel, so it is read byte by byte.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() == HEAD_SIZE_MAX {
            return Err(Failure::Said("the proxy's reply is too long".into()));
        }
        head.push(socket.read_u8().await.map_err(io)?);
    }
    let text = String::from_utf8_lossy(&head);
    let status = text.lines().next().unwrap_or_default().split_once(' ').map_or("", |(_, status)| status);
    let words = status.split_once(' ').map_or("", |(_, words)| words);
    if status.starts_with("200") { Ok(()) } else { Err(Failure::Said(words.to_string())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.of(&Url::parse(url).unwrap()).unwrap().map(|proxy| proxy.place())
    }

    #[test]
    fn a_proxy_is_chosen_by_scheme_and_passed_by_for_some() {
        let without = "x.org, .y.org,10.0.0.0/8, z.org:81";
        let proxies = Proxies::new("p:3128".into(), "http://u:pw@s:1".into(), without);
        let through = |url: &str| proxy(&proxies, url);
        assert_eq!(through("http://a.com/").as_deref(), Some("p:3128"));
        assert_eq!(through("https://a.com/").as_deref(), Some("s:1"));
        assert_eq!(through("http://z.org/").as_deref(), Some("p:3128"));
        assert_eq!(through("http://11.0.0.1/").as_deref(), Some("p:3128"));
        for direct in
            ["localhost", "127.0.0.1:99", "[::1]", "x.org", "a.x.org", "b.y.org", "10.9.9.9", "z.org:81"]
        {
            assert_eq!(through(&format!("http://{direct}/")), None, "{direct}");
        }
        assert_eq!(proxy(&Proxies::default(), "http://a.com/"), None);
        assert_eq!(proxy(&Proxies::new("p".into(), String::new(), "*"), "http://a.com/"), None);
        assert_eq!(proxy(&Proxies::new("p".into(), String::new(), ""), "https://a.com/"), None);
    }
}
