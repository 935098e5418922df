//! The instruction limit, and the interruption of a call that runs while its plugin is to stop.
//!
//! The hook fires every few instructions and adds up what all coroutines of a sandbox spend in a call: a limit counted by
//! each of them alone would be none.

use heka_plugin::Stop;
use mlua::ffi::{self, lua_Debug, lua_State};

use crate::host::Host;

/// Instructions between two calls of the hook.
const STRIDE: usize = 1000;
/// A script may catch the error with `pcall` and gets a fresh budget, but not for ever.
const CATCHES: u32 = 10;
/// How often in a call a script may run out of memory and go on. What it calls then takes long and counts for few
/// instructions.
const REFUSALS: u32 = 20;
/// Instructions that a script gets to tidy up after it caught its interruption.
const TIDY_UP: usize = 1_000_000;
/// Work on a long text, or a large block of memory, counts as one instruction for so many bytes.
const BYTES_PER_INSTRUCTION: usize = 256;

/// What a call may spend and has spent.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    /// VM instructions a call; 0 is no limit.
    pub(crate) limit: usize,
    /// Spent in this call, to the precision of the stride.
    pub(crate) used: usize,
    /// Most that one successful call spent.
    pub(crate) peak: usize,
    exceeded: u32,
    /// Ends the call once it is requested.
    pub(crate) stop: Option<Stop>,
    /// How often this call was interrupted, and what it had spent when it was last.
    interrupted: (u32, usize),
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Budget {
        Budget { limit, ..Budget::default() }
    }

    fn stride(&self) -> i32 {
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        let left = limit.saturating_sub(self.used).clamp(1, STRIDE);
        i32::try_from(left).unwrap_or(i32::MAX)
    }

    /// Notes what a successful call spent.
    pub(crate) fn measure(&mut self) {
        if self.limit > 0 {
            self.peak = self.peak.max(self.used);
        }
    }

    /// A host function raised the interruption: the script may tidy up, as after one by the hook.
    pub(crate) fn note_interruption(&mut self) {
        self.interrupted = (self.interrupted.0.saturating_add(1), self.used);
    }

    /// Whether the call is to be interrupted now.
    fn is_interrupted(&mut self) -> bool {
        let due = self.is_due();
        if due {
            self.note_interruption();
        }
        due
    }

    fn is_due(&self) -> bool {
        let (times, at) = self.interrupted;
        let stops = self.stop.as_ref().is_some_and(Stop::is_requested);
        stops && (times == 0 || times > CATCHES || self.used.wrapping_sub(at) >= TIDY_UP)
    }
}

/// Starts a fresh budget for the call that follows.
///
/// # Safety
/// The state is live.
pub(crate) unsafe fn start(lua: *mut lua_State) {
    // SAFETY: as promised; setting a hook cannot fail.
    unsafe {
        let memory = Host::memory(lua);
        memory.refused = 0;
        memory.given = 0;
        let budget = &mut Host::of(lua).budget;
        budget.used = 0;
        budget.exceeded = 0;
        budget.interrupted = (0, 0);
        if budget.limit == 0 && budget.stop.is_none() {
            ffi::lua_sethook(lua, None, 0, 0);
        } else {
            ffi::lua_sethook(lua, Some(count), ffi::LUA_MASKCOUNT, budget.stride());
        }
    }
}

/// Charges the work on so many bytes to the budget. The hook sees at the next instruction whether that was too much.
///
/// # Safety
/// Called from a host function of a live state.
pub(crate) unsafe fn charge(lua: *mut lua_State, bytes: usize) {
    // SAFETY: as promised; setting a hook cannot fail.
    unsafe {
        if note_work(lua, bytes) {
            ffi::lua_sethook(lua, Some(count), ffi::LUA_MASKCOUNT, 1);
        }
    }
}

/// Charges the work on so many bytes, or so many steps of a similar cost, and ends the call if that was too much: for host
/// functions that may work for long.
///
/// # Safety
/// Called from a host function of a live state with nothing on its frame that needs dropping.
pub(crate) unsafe extern "C-unwind" fn spend(lua: *mut lua_State, work: usize) {
    // SAFETY: as promised.
    unsafe {
        if note_work(lua, work) {
            settle(lua, 0);
        }
    }
}

/// Adds work to what was spent; whether that ends the call.
unsafe fn note_work(lua: *mut lua_State, bytes: usize) -> bool {
    let instructions = bytes / BYTES_PER_INSTRUCTION;
    // SAFETY: as for `charge`.
    unsafe {
        // Preserved data is taken up and written without limits.
        if instructions == 0 || ffi::lua_gethook(lua).is_none() {
            return false;
        }
        let budget = &mut Host::of(lua).budget;
        budget.used = budget.used.wrapping_add(instructions);
        let is_over = budget.limit > 0 && budget.used >= budget.limit;
        is_over || budget.is_due()
    }
}

/// The hook.
unsafe extern "C-unwind" fn count(lua: *mut lua_State, _: *mut lua_Debug) {
    // SAFETY: called by Lua; nothing on this frame needs dropping.
    unsafe {
        let spent = ffi::lua_gethookcount(lua);
        settle(lua, usize::try_from(spent).unwrap_or(0));
    }
}

/// Adds instructions to what was spent, and raises the error that ends the call if it is to end.
unsafe fn settle(lua: *mut lua_State, spent: usize) {
    // SAFETY: called from the hook or a host function; nothing on this frame needs dropping.
    unsafe {
        let memory = Host::memory(lua);
        let refused = memory.refused > REFUSALS;
        let given = std::mem::take(&mut memory.given);
        let budget = &mut Host::of(lua).budget;
        budget.used = budget.used.wrapping_add(spent);
        budget.used = budget.used.wrapping_add(given / BYTES_PER_INSTRUCTION);
        if budget.is_interrupted() {
            // As with the limit: every further instruction raises the error again in the end.
            let stride = if budget.interrupted.0 > CATCHES { 1 } else { budget.stride() };
            ffi::lua_sethook(lua, Some(count), ffi::LUA_MASKCOUNT, stride);
            ffi::luaL_error(lua, c"shutting down".as_ptr());
        }
        if budget.limit == 0 || (budget.used < budget.limit && budget.exceeded <= CATCHES && !refused) {
            ffi::lua_sethook(lua, Some(count), ffi::LUA_MASKCOUNT, budget.stride());
            return;
        }
        budget.exceeded = if refused { CATCHES + 1 } else { budget.exceeded + 1 };
        let stride = if budget.exceeded > CATCHES {
            // Every further instruction raises the error again, so that no chain of pcalls can go on.
            1
        } else {
            budget.used = 0;
            budget.stride()
        };
        ffi::lua_sethook(lua, Some(count), ffi::LUA_MASKCOUNT, stride);
        ffi::luaL_error(lua, c"instruction_limit exceeded".as_ptr());
    }
}
