//! What a filter's script may do with messages while a call runs.

use heka_message::{Field, Message, MessageView};
use heka_plugin::{Context, Inject, InjectError};
use heka_sandbox::{Injected, InjectedPayload, Messages, Refused, Source};

/// The type of injected messages begins with this, so that no script can pose as anything else.
const TYPE_PREFIX: &[u8] = b"heka.sandbox.";
const OUTPUT_TYPE: &str = "heka.sandbox-output";

/// What a script cannot choose in the messages that it injects.
pub(super) struct Labels {
    logger: String,
    hostname: String,
    /// The message that is being made.
    bytes: Vec<u8>,
}

impl Labels {
    pub(super) fn new(context: &Context) -> Labels {
        let hostname = context.globals.hostname.clone();
        Labels { logger: context.name.clone(), hostname, bytes: Vec::new() }
    }
}

/// One call of the script.
pub(super) struct Call<'a> {
    message: Option<MessageView<'a>>,
    /// Injections that are left.
    budget: u32,
    /// Messages injected.
    pub(super) injected: u64,
    labels: &'a mut Labels,
    caught: &'a mut Option<String>,
    inject: &'a mut dyn Inject,
}

impl<'a> Call<'a> {
    pub(super) fn new(
        message: Option<MessageView<'a>>,
        budget: u32,
        labels: &'a mut Labels,
        caught: &'a mut Option<String>,
        inject: &'a mut dyn Inject,
    ) -> Call<'a> {
        Call { message, budget, injected: 0, labels, caught, inject }
    }

    fn spend(&mut self) -> Result<(), Refused> {
        let Some(left) = self.budget.checked_sub(1) else {
            *self.caught = Some("exceeded InjectMessage count".into());
            return Err(Refused::Count);
        };
        self.budget = left;
        Ok(())
    }

    fn took(&mut self, taken: Result<(), InjectError>) -> Result<(), Refused> {
        match taken {
            Ok(()) => {
                self.injected += 1;
                Ok(())
            }
            Err(InjectError::Itself) => Err(Refused::Circular),
            Err(error @ InjectError::MaxMsgLoops(_)) => {
                *self.caught = Some(error.to_string());
                Err(Refused::Loops)
            }
            Err(InjectError::Aborted) => {
                *self.caught = Some("aborted".into());
                Err(Refused::Aborted)
            }
        }
    }

    /// A message that the script brought as bytes.
    fn inject_bytes(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        let mut message = Message::decode(bytes).map_err(|_| Refused::Unmarshal)?;
        if message.uuid.is_none() || message.timestamp.is_none() {
            return Err(Refused::Unmarshal);
        }
        let given = message.msg_type.take().unwrap_or_default();
        message.msg_type = Some([TYPE_PREFIX, &given].concat().into());
        message.logger = Some(self.labels.logger.as_str().into());
        message.hostname = Some(self.labels.hostname.as_str().into());
        let taken = self.inject.inject(&message);
        self.took(taken)
    }
}

impl Messages for Call<'_> {
    fn current(&mut self) -> Option<Source<'_>> {
        self.message.map(Source::Encoded)
    }

    fn inject_message(&mut self, message: Injected<'_>) -> Result<(), Refused> {
        self.spend()?;
        let Some(layout) = message.layout else { return self.inject_bytes(message.bytes) };
        let Labels { logger, hostname, bytes } = &mut *self.labels;
        bytes.clear();
        layout.relabel(message.bytes, TYPE_PREFIX, logger.as_bytes(), hostname.as_bytes(), bytes);
        let taken = self.inject.inject_encoded(MessageView::new(bytes));
        self.took(taken)
    }

    fn inject_payload(&mut self, payload: InjectedPayload<'_>) -> Result<(), Refused> {
        self.spend()?;
        let mut message = self.inject.new_message();
        message.msg_type = Some(OUTPUT_TYPE.into());
        message.logger = Some(self.labels.logger.as_str().into());
        message.payload = Some(payload.payload.into());
        message.fields.push(Field::string("payload_type", "file-extension", payload.payload_type));
        message.fields.push(Field::string("payload_name", "", payload.name));
        let taken = self.inject.inject(&message);
        self.took(taken)
    }
}
