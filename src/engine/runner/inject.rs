//! A filter's way to the filter queue, with Heka's protection against loops.

use heka_message::{Message, MessageView};
use heka_plugin::{Globals, Inject, InjectError, Log, Pack, PluginError, fresh_uuid};
use std::sync::Arc;

use super::append::Appender;
use super::deliver::now_ns;

/// What messages have that no one gave a severity.
const SEVERITY: i32 = 7;

/// A new message of hekad's own: uuid, timestamp, hostname, pid and severity are set.
pub fn own_message(globals: &Globals) -> Message {
    Message {
        uuid: Some(fresh_uuid()[..].into()),
        timestamp: Some(now_ns()),
        hostname: Some(globals.hostname.as_str().into()),
        pid: Some(globals.pid),
        severity: Some(SEVERITY),
        ..Message::default()
    }
}

/// Collects what a filter injects.
pub struct Injector {
    globals: Arc<Globals>,
    appender: Appender,
    /// Loop count of the message being processed, or processed last.
    loop_count: u32,
    pack: Pack,
    scratch: Vec<u8>,
    log: Arc<dyn Log>,
    failure: Option<PluginError>,
}

/// The injector while the filter runs: it can ask the filter's own matcher.
pub struct Injecting<'a> {
    injector: &'a mut Injector,
    would_match: &'a dyn Fn(&MessageView<'_>) -> bool,
}

impl Injector {
    /// An injector into what `appender` appends to.
    pub fn new(globals: Arc<Globals>, appender: Appender, log: Arc<dyn Log>) -> Injector {
        Injector {
            globals,
            appender,
            loop_count: 0,
            pack: Pack::new(),
            scratch: Vec::new(),
            log,
            failure: None,
        }
    }

    /// Says which message is processed now.
    pub fn set_loop_count(&mut self, loop_count: u32) {
        self.loop_count = loop_count;
    }

    /// The [`Inject`] to hand to the filter.
    pub fn with<'a>(&'a mut self, would_match: &'a dyn Fn(&MessageView<'_>) -> bool) -> Injecting<'a> {
        Injecting { injector: self, would_match }
    }

    /// Queues what was injected.
    ///
    /// # Errors
    /// The queue takes nothing more.
    pub fn flush(&mut self) -> Result<(), PluginError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        self.appender.append().map(drop)
    }
}

impl Injecting<'_> {
    fn queue(&mut self, bytes: &[u8], loop_count: u32) -> Result<(), InjectError> {
        let injector = &mut *self.injector;
        if loop_count > injector.globals.max_message_loops {
            return Err(InjectError::MaxMsgLoops(injector.globals.max_message_loops));
        }
        if (self.would_match)(&MessageView::new(bytes)) {
            injector.log.error(&InjectError::Itself.to_string());
            return Err(InjectError::Itself);
        }
        injector.pack.set_raw(bytes);
        injector.pack.trust_encoded();
        if let Err(failure) = injector.appender.add(&mut injector.pack, loop_count) {
            injector.failure = Some(failure);
            return Err(InjectError::Aborted);
        }
        Ok(())
    }

    fn queue_message(&mut self, message: &Message, loop_count: u32) -> Result<(), InjectError> {
        let mut bytes = std::mem::take(&mut self.injector.scratch);
        bytes.clear();
        message.encode(&mut bytes);
        let result = self.queue(&bytes, loop_count);
        self.injector.scratch = bytes;
        result
    }
}

impl Inject for Injecting<'_> {
    fn new_message(&self) -> Message {
        own_message(&self.injector.globals)
    }

    fn inject(&mut self, message: &Message) -> Result<(), InjectError> {
        self.queue_message(message, self.injector.loop_count + 1)
    }

    fn inject_encoded(&mut self, message: MessageView<'_>) -> Result<(), InjectError> {
        self.queue(message.bytes(), self.injector.loop_count + 1)
    }

    fn announce(&mut self, message: &Message) -> Result<(), InjectError> {
        self.queue_message(message, 1)
    }
}
