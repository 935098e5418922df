//! Charging for work: a match is one call for Lua, however long it takes, so its steps are told to whoever limits scripts.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use crate::state::State;

/// Is told how many steps were done. It may raise a Lua error, which ends the match.
pub type ChargeFunction = unsafe extern "C-unwind" fn(*mut lua_State, usize);

/// Registry field of the function until the library is opened.
const FIELD: &CStr = c"lpeg-charge";

/// Makes matches tell their steps: those of the library that is opened in this state afterwards.
///
/// # Safety
/// `raw` must be a valid Lua 5.1 state with two free slots on its stack, inside a protected call: memory errors are raised.
pub unsafe fn set_charge(raw: *mut lua_State, function: ChargeFunction) {
    // SAFETY: by contract.
    unsafe {
        ffi::lua_pushlightuserdata(raw, function as *mut _);
        ffi::lua_setfield(raw, ffi::LUA_REGISTRYINDEX, FIELD.as_ptr());
    }
}

/// Pushes the function, or nil: an upvalue for [`Charge::from_upvalue`].
pub(crate) fn push(l: State) {
    l.get_field(ffi::LUA_REGISTRYINDEX, FIELD);
}

/// The function to tell.
#[derive(Clone, Copy)]
pub(crate) struct Charge(ChargeFunction);

impl Charge {
    /// The function in an upvalue of the running function.
    #[inline(always)]
    pub(crate) fn from_upvalue(l: State, upvalue: c_int) -> Option<Self> {
        let function = l.to_userdata(ffi::lua_upvalueindex(upvalue));
        // SAFETY: `push` put there what `set_charge` was given, or nil.
        (!function.is_null())
            .then(|| Self(unsafe { std::mem::transmute::<*mut std::ffi::c_void, ChargeFunction>(function) }))
    }

    /// Tells so many steps.
    pub(crate) fn of(self, l: State, steps: usize) {
        // SAFETY: the state is that of the running function; nothing on the frames here needs dropping.
        unsafe { (self.0)(l.raw(), steps) };
    }
}
