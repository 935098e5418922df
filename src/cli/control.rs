//! Control messages for a SandboxManagerFilter: what they are, and the signed connection that they go over.

use std::path::Path;

use heka_engine::log::Logger;
use heka_message::{DEFAULT_MAX_MESSAGE_SIZE, Field, Message, Signer, write_signed_frame};
use heka_plugin::config::decode_lenient;
use heka_plugins::tls::TlsOptions;
use serde::Deserialize;

use crate::origin;
use crate::sender::Sender;
use crate::tool_config::{self, SignerOptions};

/// Whom the messages go to and who signs them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename = "main.SbmgrConfig", default)]
struct Options {
    /// A TcpInput of hekad, as `host:port`.
    ip_address: String,
    signer: SignerOptions,
    use_tls: bool,
    tls: TlsOptions,
}

/// What a manager is asked to do.
pub(crate) enum Request<'a> {
    /// Load a filter: its script, and the configuration file with its section.
    Load { script: &'a [u8], config: &'a [u8] },
    /// Unload the filter of this section name.
    Unload { name: &'a str },
    /// An action that managers do not know.
    #[allow(dead_code, reason = "only one of the tools sends it")]
    Other { action: &'a str },
}

impl Request<'_> {
    fn message(&self) -> Message {
        // The logger marks the message as one of Heka's own.
        let mut message = Message {
            logger: Some("hekad".into()),
            ..origin::message("heka.control.sandbox", &origin::hostname())
        };
        let action = match self {
            Request::Load { script, config } => {
                message.payload = Some((*script).into());
                message.add_field(Field::string("config", "toml", *config));
                "load"
            }
            Request::Unload { name } => {
                message.add_field(Field::string("name", "", *name));
                "unload"
            }
            Request::Other { action } => action,
        };
        message.add_field(Field::string("action", "", action));
        message
    }
}

/// A connection to a hekad whose managers are told what to do.
pub(crate) struct Control {
    sender: Sender,
    signer: Signer,
    logger: Logger,
}

/// There is no connection.
pub(crate) struct NoControl {
    /// What to log.
    pub(crate) text: String,
    /// How the program ends.
    pub(crate) exit_code: u8,
}

impl Control {
    /// Reads the configuration file and connects.
    pub(crate) fn open(config: &Path, logger: &Logger) -> Result<Control, NoControl> {
        let options = read(config)
            .map_err(|why| NoControl { text: format!("Error decoding config file: {why}"), exit_code: 0 })?;
        let sender = if options.use_tls {
            Sender::dial_tls("tcp", &options.ip_address, &options.tls)
        } else {
            Sender::dial("tcp", &options.ip_address)
        };
        let sender = sender
            .map_err(|why| NoControl { text: format!("Error creating sender: {why}"), exit_code: 1 })?;
        Ok(Control { sender, signer: options.signer.signer(), logger: logger.clone() })
    }

    /// Sends a request; a failure is logged.
    pub(crate) fn send(&mut self, request: &Request<'_>) {
        let (mut bytes, mut frame) = (Vec::new(), Vec::new());
        request.message().encode(&mut bytes);
        let sent = write_signed_frame(&bytes, &self.signer, DEFAULT_MAX_MESSAGE_SIZE, &mut frame)
            .map_err(|why| why.to_string())
            .and_then(|()| self.sender.send(&frame).map_err(|unsent| unsent.why));
        if let Err(why) = sent {
            self.logger.error(&format!("Error sending message: {why}"));
        }
    }

    /// Closes the connection.
    pub(crate) fn close(self) {
        self.sender.close();
    }
}

fn read(config: &Path) -> Result<Options, String> {
    decode_lenient(&tool_config::read(config)?).map_err(|why| why.to_string())
}
