//! Listens at an address, which may be taken for a while, and serves there.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use heka_plugin::{Log, Stop, Telemetry};
use hyper::header::HeaderMap;

use super::site::Site;
use crate::complaint::Complaint;
use crate::http_server::{self, Rules};

/// Connections at once. A browser opens up to six.
const CONNECTIONS_MAX: usize = 200;
/// Without a byte of the next request for so long a connection ends.
const PATIENCE: Duration = Duration::from_secs(60);
/// When hekad stops, requests that have begun are served for so long.
const LAST_REQUESTS: Duration = Duration::from_millis(500);
/// Pause between two attempts to listen at an address that is taken.
const RETRY: Duration = Duration::from_secs(1);

/// Serves `/metrics`, `/health` and `/ready` at an address until the stop is requested, on a thread of its own.
///
/// # Errors
/// The system has no thread left.
pub fn listen(
    address: &str,
    telemetry: Arc<dyn Telemetry>,
    log: Arc<dyn Log>,
    stop: &Stop,
) -> Result<(), String> {
    let site = Site {
        root: None,
        headers: HeaderMap::new(),
        telemetry,
        history: Arc::default(),
        taps: Arc::default(),
        local: is_local(address),
        stop: stop.clone(),
    };
    start(address, Arc::new(site), log, stop)
}

/// Serves a site on a thread of its own. While the address is taken that is tried again, and told once a minute.
///
/// # Errors
/// The system has no thread left.
pub(super) fn start(address: &str, site: Arc<Site>, log: Arc<dyn Log>, stop: &Stop) -> Result<(), String> {
    let (address, stop) = (address.to_string(), stop.clone());
    let rules = Rules { connections: CONNECTIONS_MAX, patience: PATIENCE, last_requests: LAST_REQUESTS };
    let serve = move || {
        let mut complaint = Complaint::default();
        while !stop.is_requested() {
            let served = http_server::listen(&address).and_then(|listener| {
                log.info(&format!("serves http at {address}"));
                http_server::serve(listener, None, site.clone(), rules, log.clone(), &stop)
                    .map_err(|error| error.to_string())
            });
            if let Err(why) = served {
                let why = format!("cannot serve http at {address}, tries again: {why}");
                if complaint.is_due(&why) {
                    log.error(&why);
                }
                stop.wait(RETRY);
            }
        }
    };
    let started = std::thread::Builder::new().name("dashboard".into()).spawn(serve);
    started.map(drop).map_err(|error| format!("cannot serve http: {error}"))
}

/// Whether an address can be reached from this machine only.
pub(super) fn is_local(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_addresses_are_local() {
        for local in ["127.0.0.1:4352", "localhost:1", "[::1]:80", "127.1.2.3:9"] {
            assert!(is_local(local), "{local}");
        }
        for open in [":4352", "0.0.0.0:4352", "[::]:1", "10.0.0.1:1", "example.com:80"] {
            assert!(!is_local(open), "{open}");
        }
    }
}
