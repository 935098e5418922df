//! A connection that is being made, on a thread of its own: looking up a name cannot be interrupted.

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use heka_plugin::Stop;

use crate::text_link::{Deadline, LinkError, TextLink};
use crate::tls::TlsOptions;

/// The attempt. Dropping it gives it up.
pub(super) struct Dialing {
    outcome: Receiver<Result<TextLink, LinkError>>,
    stop: Stop,
}

impl Dialing {
    /// Begins to connect to `address` (`host:port`), with TLS if there are options for it.
    pub(super) fn start(address: &str, tls: Option<&TlsOptions>, timeout: Duration) -> Dialing {
        let (sender, outcome) = channel();
        let stop = Stop::new();
        let (address, tls, heard) = (address.to_string(), tls.cloned(), stop.clone());
        let dial = move || {
            let deadline = Deadline::after(timeout, &heard);
            let mut link = TextLink::connect(&address, &deadline)?;
            if let Some(tls) = tls {
                link.encrypt(&tls, &address, &deadline)?;
            }
            Ok(link)
        };
        let thread = std::thread::Builder::new().name("irc-dial".into());
        // Without a thread the sender is dropped, which `outcome` tells.
        let _ = thread.spawn(move || sender.send(dial()));
        Dialing { outcome, stop }
    }

    /// The connection or why there is none, once that is known.
    pub(super) fn outcome(&self) -> Option<Result<TextLink, String>> {
        match self.outcome.try_recv() {
            Ok(outcome) => Some(outcome.map_err(|error| error.to_string())),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err("no thread to connect on".into())),
        }
    }
}

impl Drop for Dialing {
    fn drop(&mut self) {
        self.stop.request();
    }
}
