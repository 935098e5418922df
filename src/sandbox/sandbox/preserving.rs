//! Preserving a sandbox's global variables: taking them up at the start, writing them at the end or in between.

use std::path::{Path, PathBuf};

use mlua::ffi;

use super::{Failed, Sandbox};
use crate::source::load_source;
use crate::{preserve, source};

/// How the texts of errors at the end begin.
const DESTROY: &str = "Destroy() ";

/// Replaces a file of preserved data at once, so that a crash leaves the old data or the new.
///
/// # Errors
/// The file cannot be written; the text is Heka's.
pub fn write_state(file: &Path, text: &[u8]) -> Result<(), String> {
    preserve::replace(file, text).map_err(|why| format!("{DESTROY}{why}"))
}

impl Sandbox {
    /// Runs the state that is given, else the state file, if there is one.
    pub(super) unsafe fn restore(&mut self) -> Result<(), Failed> {
        const PREFIX: &str = "Init() lsb_restore_global_data ";
        let Some(lua) = self.state() else { return Ok(()) };
        let given = self.state.take();
        let file = match &self.state_file {
            Some(file) if given.is_some() || file.exists() => file.clone(),
            None if given.is_some() => PathBuf::from("state"),
            _ => return Ok(()),
        };
        let text = given.map_or_else(|| source::read(&file), Ok).map_err(|why| {
            self.shared_mut().host.set_error(PREFIX, why.as_bytes());
            Failed
        })?;
        // SAFETY: the state is live; the file runs protected, without limits as it may be larger than they allow.
        unsafe {
            let limit = std::mem::take(&mut self.shared_mut().memory.limit);
            ffi::lua_sethook(lua, None, 0, 0);
            let loaded = load_source(lua, &text, &file.to_string_lossy()) == ffi::LUA_OK
                && ffi::lua_pcall(lua, 0, 0, 0) == ffi::LUA_OK;
            let result = if loaded { Ok(()) } else { Err(self.take_message(PREFIX)) };
            self.collect();
            self.shared_mut().memory.limit = limit;
            self.shared_mut().memory.peak = self.shared_mut().memory.used;
            result
        }
    }

    /// Ends the sandbox in order: writes its global variables to the state file, if it has one and still runs.
    ///
    /// # Errors
    /// The state could not be written; the text is Heka's. There is no file then.
    pub fn stop(&mut self) -> Result<(), String> {
        let saved = self.save();
        self.close();
        saved
    }

    /// Writes the global variables to the state file, if there is one and the sandbox still runs.
    ///
    /// # Errors
    /// As [`Sandbox::stop`].
    pub fn save(&mut self) -> Result<(), String> {
        let Some(file) = self.state_file.clone().filter(|_| self.is_running()) else { return Ok(()) };
        let written = self.dump().and_then(|text| write_state(&file, &text));
        written.map_err(|why| {
            let _ = std::fs::remove_file(&file);
            self.shared_mut().host.set_error("", why.as_bytes());
            self.last_error()
        })
    }

    /// The global variables as source that sets them again; nothing once the sandbox is closed.
    ///
    /// # Errors
    /// A variable cannot be written; the text is Heka's.
    pub fn dump(&mut self) -> Result<Vec<u8>, String> {
        let Some(lua) = self.state() else { return Ok(Vec::new()) };
        let limit = std::mem::take(&mut self.shared_mut().memory.limit);
        let peak = self.shared().memory.peak;
        // SAFETY: the state is live and its stack empty.
        let written = unsafe {
            ffi::lua_sethook(lua, None, 0, 0);
            preserve::dump(lua)
        };
        if limit != 0 && self.shared().memory.used > limit / 2 {
            // Texts of large objects are left over; beyond the limit the script's next allocation would be refused.
            // SAFETY: the state is live.
            unsafe { self.collect() };
        }
        self.shared_mut().memory.limit = limit;
        self.shared_mut().memory.peak = peak;
        let text = std::mem::take(&mut self.shared_mut().host.dump);
        written.map(|()| text).map_err(|why| format!("{DESTROY}{why}"))
    }
}
