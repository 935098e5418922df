//! A sandbox: one script in one Lua state.

mod preserving;

pub use self::preserving::write_state;

use std::ffi::c_int;
use std::ptr::NonNull;

use mlua::ffi::{self, lua_State};

use crate::budget::{self, Budget};
use crate::environment::{self, PROCESS_MESSAGE, TIMER_EVENT, protected};
use crate::host::{Host, Shared, allocate, bytes_at};
use crate::layout::Layout;
use crate::memory::Memory;
use crate::messages::Messages;
use crate::number;
use crate::output::Output;
use crate::random::Random;
use crate::report::Figures;
use crate::require::Modules;
use crate::settings::Settings;
use crate::source::{self, load_source};

/// What a call of the script gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The status that the script returned: 0 is success, less a failure, more the end of the plugin. What the script
    /// said about it is in [`Sandbox::last_error`].
    Returned(i32),
    /// The script failed or broke a limit. The state is closed, and every later call gives this again.
    Terminated,
    /// The script was ended because hekad stops hard; its state is kept for preservation.
    Aborted,
}

/// Something went wrong; what it was is LastError.
struct Failed;

/// One script in one Lua state, with its limits.
pub struct Sandbox {
    /// Made by a box and freed at the end; host functions reach it through the Lua state all the while.
    shared: NonNull<Shared>,
    /// `None` once terminated.
    lua: Option<NonNull<lua_State>>,
    state_file: Option<std::path::PathBuf>,
    /// Run once, at the start.
    state: Option<Vec<u8>>,
}

// SAFETY: the state is used by one thread at a time, and nothing in it belongs to a thread.
unsafe impl Send for Sandbox {}

impl Sandbox {
    /// Makes a state, runs the script once and restores its preserved globals.
    ///
    /// # Errors
    /// The script cannot be read or compiled, fails, or its preserved state cannot be run; the text is Heka's, at most 255
    /// bytes.
    pub fn open(settings: Settings) -> Result<Sandbox, String> {
        let script = source::script(&settings);
        Sandbox::with_script(settings, script)
    }

    /// Sees whether the script is there, compiles, and has its modules, without running it: the sandbox that comes of it
    /// is empty. For scripts that could reach outside of their state.
    ///
    /// # Errors
    /// The text says what is wrong.
    pub fn check(settings: Settings) -> Result<Sandbox, String> {
        crate::check::check(&settings)?;
        Sandbox::with_script(Settings { state_file: None, state: None, ..settings }, Ok(Vec::new()))
    }

    fn with_script(settings: Settings, script: Result<Vec<u8>, String>) -> Result<Sandbox, String> {
        let kind = settings.kind;
        let instruction_limit = if kind.unlimited_instructions { 0 } else { settings.instruction_limit };
        let host = Host {
            output: Output::new(settings.output_limit),
            budget: Budget::new(instruction_limit),
            random: Random::new(),
            kind,
            variables: settings.variables,
            reencoding: settings.reencoding,
            modules: Modules::new(settings.module_directory.as_deref(), &settings.share_dir),
            messages: None,
            next_field: 0,
            layout: Layout::default(),
            writes: 0,
            object_writes: 0,
            scratch: Vec::new(),
            source: Vec::new(),
            dump: Vec::new(),
            last_error: Vec::new(),
            notes: Vec::new(),
        };
        let shared = Box::new(Shared { memory: Memory::new(0), host });
        let shared = NonNull::from(Box::leak(shared));
        // SAFETY: the allocator's data lives as long as the state, see `drop`.
        let lua = NonNull::new(unsafe { ffi::lua_newstate(allocate, shared.as_ptr().cast()) });
        let mut sandbox = Sandbox { shared, lua, state_file: settings.state_file, state: settings.state };
        match sandbox.start(script, &settings.script.to_string_lossy(), settings.memory_limit) {
            Ok(()) => Ok(sandbox),
            Err(Failed) => {
                sandbox.close();
                Err(sandbox.last_error())
            }
        }
    }

    fn start(
        &mut self,
        script: Result<Vec<u8>, String>,
        name: &str,
        memory_limit: usize,
    ) -> Result<(), Failed> {
        let lua = self.state().ok_or(Failed)?;
        // SAFETY: the state is live; everything that may raise runs protected.
        unsafe {
            if protected::<()>(lua, environment::open, std::ptr::null_mut()) != ffi::LUA_OK {
                return Err(self.take_message("Init() "));
            }
            let script = match script {
                Ok(script) => script,
                Err(why) => {
                    self.shared_mut().host.set_error("Init() ", why.as_bytes());
                    return Err(Failed);
                }
            };
            self.shared_mut().memory.limit = memory_limit;
            budget::start(lua);
            if load_source(lua, &script, name) != ffi::LUA_OK || ffi::lua_pcall(lua, 0, 0, 0) != ffi::LUA_OK {
                return Err(self.take_message("Init() "));
            }
            self.shared_mut().host.budget.measure();
            self.collect();
            self.restore()
        }
    }

    /// Calls `process_message` for the message that `messages` has.
    pub fn process_message(&mut self, messages: &mut dyn Messages) -> Outcome {
        let Some(lua) = self.state() else { return Outcome::Terminated };
        // SAFETY: the state is live and its stack empty; the name lies in the registry.
        unsafe {
            if !push_function(lua, PROCESS_MESSAGE) {
                self.shared_mut().host.set_error("", b"process_message() function was not found");
                return self.terminate();
            }
            let result = self.call(lua, 0, 2, messages);
            if result != ffi::LUA_OK {
                return self.failed("process_message() ");
            }
            self.returned(lua)
        }
    }

    /// Calls `timer_event` with the time in nanoseconds since the epoch.
    pub fn timer_event(&mut self, now_ns: i64, messages: &mut dyn Messages) -> Outcome {
        let Some(lua) = self.state() else { return Outcome::Terminated };
        // SAFETY: as for `process_message`.
        unsafe {
            if !push_function(lua, TIMER_EVENT) {
                self.shared_mut().host.set_error("", b"timer_event() function was not found");
                return self.terminate();
            }
            ffi::lua_pushnumber(lua, now_ns as f64);
            if self.call(lua, 1, 0, messages) != ffi::LUA_OK {
                return self.failed("timer_event() ");
            }
            self.shared_mut().host.budget.measure();
            self.collect();
            Outcome::Returned(0)
        }
    }

    unsafe fn call(
        &mut self,
        lua: *mut lua_State,
        arguments: c_int,
        results: c_int,
        messages: &mut dyn Messages,
    ) -> c_int {
        // SAFETY: the pointer is taken away again before the borrow ends; the function and its arguments are on the stack.
        unsafe {
            let messages = NonNull::from(messages);
            self.shared_mut().host.messages =
                Some(std::mem::transmute::<NonNull<dyn Messages + '_>, NonNull<dyn Messages>>(messages));
            self.shared_mut().host.next_field = 0;
            budget::start(lua);
            // Should the plugin's side panic, the state is left in the middle of a call: nobody may use it then.
            let state = self.lua.take();
            let result = ffi::lua_pcall(lua, arguments, results, 0);
            self.lua = state;
            self.shared_mut().host.messages = None;
            result
        }
    }

    /// Reads the two results of `process_message`.
    unsafe fn returned(&mut self, lua: *mut lua_State) -> Outcome {
        // SAFETY: the results are the stack's only values.
        unsafe {
            if ffi::lua_type(lua, 1) != ffi::LUA_TNUMBER {
                self.shared_mut().host.set_error("", b"process_message() must return a numeric status code");
                return self.terminate();
            }
            match ffi::lua_type(lua, 2) {
                ffi::LUA_TNIL => self.shared_mut().host.last_error.clear(),
                ffi::LUA_TSTRING => {
                    self.shared_mut().host.set_error("", crate::host::until_nul(bytes_at(lua, 2)))
                }
                _ => {
                    let text = b"process_message() must return a nil or string error message";
                    self.shared_mut().host.set_error("", text);
                    return self.terminate();
                }
            }
            let status = ffi::lua_tonumber(lua, 1) as i64 as i32;
            ffi::lua_settop(lua, 0);
            self.shared_mut().host.budget.measure();
            Outcome::Returned(status)
        }
    }

    /// A call ended with an error, whose value is on the stack.
    unsafe fn failed(&mut self, prefix: &str) -> Outcome {
        let Some(lua) = self.state() else { return Outcome::Terminated };
        // SAFETY: the error value is on top of the stack.
        unsafe {
            if ffi::lua_type(lua, -1) == ffi::LUA_TSTRING && bytes_at(lua, -1).ends_with(b"aborted") {
                ffi::lua_settop(lua, 0);
                return Outcome::Aborted;
            }
            self.take_message(prefix);
        }
        self.terminate()
    }

    /// Makes the error value on top of the stack LastError.
    unsafe fn take_message(&mut self, prefix: &str) -> Failed {
        let Some(lua) = self.state() else { return Failed };
        // SAFETY: the error value is on top of the stack. A number is not turned into a string there: that may raise.
        unsafe {
            match ffi::lua_type(lua, -1) {
                ffi::LUA_TSTRING => {
                    let text = crate::host::until_nul(bytes_at(lua, -1));
                    self.shared_mut().host.set_error(prefix, text);
                }
                ffi::LUA_TNUMBER => {
                    let mut text = [0; number::LONGEST];
                    let length = number::format_g(ffi::lua_tonumber(lua, -1), 14, &mut text);
                    self.shared_mut().host.set_error(prefix, &text[..length]);
                }
                _ => self.shared_mut().host.set_error(prefix, b"(null)"),
            }
            ffi::lua_settop(lua, 0);
        }
        Failed
    }

    /// Ends the sandbox: closes the state. LastError and the figures stay.
    pub fn terminate(&mut self) -> Outcome {
        self.close();
        Outcome::Terminated
    }

    /// From here on a call that runs when `stop` is requested is ended by the error `shutting down`.
    pub fn interrupt_on(&mut self, stop: heka_plugin::Stop) {
        self.shared_mut().host.budget.stop = Some(stop);
    }

    /// Whether the script can still be called.
    pub fn is_running(&self) -> bool {
        self.lua.is_some()
    }

    /// The last error, or what the script returned beside its status; empty if there was none.
    pub fn last_error(&self) -> String {
        String::from_utf8_lossy(&self.shared().host.last_error).into_owned()
    }

    /// Lines that host functions left for the daemon's standard output, gathered since the last call.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.shared_mut().host.notes)
    }

    /// What the sandbox uses and used at most.
    pub fn figures(&self) -> Figures {
        let Shared { memory, host } = self.shared();
        Figures {
            memory: if self.is_running() { memory.used } else { 0 },
            max_memory: memory.peak,
            max_instructions: host.budget.peak,
            max_output: host.output.peak(),
        }
    }

    unsafe fn collect(&mut self) {
        if let Some(lua) = self.state() {
            // SAFETY: the state is live. A collection runs finalizers, protected inside a call of its own.
            unsafe { protected::<()>(lua, full_collection, std::ptr::null_mut()) };
        }
    }

    fn shared(&self) -> &Shared {
        // SAFETY: it lives until `drop`, and no call into Lua runs while it is borrowed.
        unsafe { self.shared.as_ref() }
    }

    fn shared_mut(&mut self) -> &mut Shared {
        // SAFETY: as above.
        unsafe { self.shared.as_mut() }
    }

    fn state(&self) -> Option<*mut lua_State> {
        self.lua.map(NonNull::as_ptr)
    }

    fn close(&mut self) {
        if let Some(lua) = self.lua.take() {
            // SAFETY: the state is live and not used any more.
            unsafe { ffi::lua_close(lua.as_ptr()) };
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.close();
        // SAFETY: the state that used it is closed.
        drop(unsafe { Box::from_raw(self.shared.as_ptr()) });
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox")
            .field("kind", &self.shared().host.kind.name)
            .field("figures", &self.figures())
            .finish()
    }
}

unsafe extern "C-unwind" fn full_collection(lua: *mut lua_State) -> c_int {
    // SAFETY: runs protected.
    unsafe { ffi::lua_gc(lua, ffi::LUA_GCCOLLECT, 0) };
    0
}

/// Pushes the global function whose name lies at this place of the registry; leaves nothing if it is none.
unsafe fn push_function(lua: *mut lua_State, name: c_int) -> bool {
    // SAFETY: raw access to existing keys allocates nothing.
    unsafe {
        ffi::lua_rawgeti_(lua, ffi::LUA_REGISTRYINDEX, name);
        ffi::lua_rawget_(lua, ffi::LUA_GLOBALSINDEX);
        let found = ffi::lua_type(lua, -1) == ffi::LUA_TFUNCTION;
        if !found {
            ffi::lua_settop(lua, 0);
        }
        found
    }
}
