//! `add_to_payload`, and how values become output.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use crate::host::{Host, bytes_at, raise, raise_bytes};
use crate::output::Overflow;

/// Lua: `add_to_payload(value, ...)`.
pub(crate) unsafe extern "C-unwind" fn add_to_payload(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        let count = ffi::lua_gettop(lua);
        if count == 0 {
            ffi::luaL_argerror(lua, 0, c"must have at least one argument".as_ptr());
        }
        put_values(lua, 1, count);
        0
    }
}

/// Appends the arguments from `first` to `last` to the output.
///
/// # Safety
/// As [`raise`].
pub(super) unsafe fn put_values(lua: *mut lua_State, first: c_int, last: c_int) {
    // SAFETY: as promised.
    unsafe {
        Host::of(lua).writes += 1;
        for index in first..=last {
            let written = put_value(lua, index);
            let host = Host::of(lua);
            host.output.measure();
            match written {
                Ok(()) => {}
                Err(Unwritten::Overflow) => overflow(lua),
                Err(Unwritten::Unsupported(why)) => {
                    ffi::luaL_argerror(lua, index, why.as_ptr());
                }
            }
        }
    }
}

/// The output is full. An error that the sandbox had before is told instead, as in the original.
unsafe fn overflow(lua: *mut lua_State) -> ! {
    // SAFETY: as for `put_values`.
    unsafe {
        // Nothing that a script calls changes it.
        let last_error = &Host::of(lua).last_error;
        if last_error.is_empty() {
            raise(lua, format_args!("output_limit exceeded"));
        }
        raise_bytes(lua, last_error)
    }
}

/// Why a value was not written.
pub(crate) enum Unwritten {
    /// It does not fit.
    Overflow,
    /// It has no text; the reason.
    Unsupported(&'static std::ffi::CStr),
}

impl From<Overflow> for Unwritten {
    fn from(_: Overflow) -> Unwritten {
        Unwritten::Overflow
    }
}

/// Appends one value's text to the output.
///
/// # Safety
/// `index` is a valid stack index; raises only what a userdata's own writer raises.
unsafe fn put_value(lua: *mut lua_State, index: c_int) -> Result<(), Unwritten> {
    // SAFETY: as promised.
    unsafe {
        let output = &mut Host::of(lua).output;
        match ffi::lua_type(lua, index) {
            ffi::LUA_TNUMBER => output.put_number(ffi::lua_tonumber(lua, index))?,
            ffi::LUA_TSTRING => output.put(bytes_at(lua, index))?,
            ffi::LUA_TNIL => output.put(b"nil")?,
            ffi::LUA_TBOOLEAN => {
                output.put(if ffi::lua_toboolean(lua, index) != 0 { b"true" } else { b"false" })?;
            }
            ffi::LUA_TUSERDATA => return put_userdata(lua, index),
            _ => return Err(Unwritten::Unsupported(c"unsupported type")),
        }
        Ok(())
    }
}

/// A userdata writes itself if its metatable has a C function `lsb_output`, which returns a string.
pub(crate) unsafe fn put_userdata(lua: *mut lua_State, index: c_int) -> Result<(), Unwritten> {
    // SAFETY: as for `put_value`; the string stays on the stack while it is copied.
    unsafe {
        let index = ffi::lua_absindex(lua, index);
        if ffi::luaL_getmetafield_(lua, index, c"lsb_output".as_ptr()) == 0 {
            return Err(Unwritten::Unsupported(c"unknown userdata type"));
        }
        ffi::lua_pushvalue(lua, index);
        let writes = Host::of(lua).object_writes;
        ffi::lua_call(lua, 1, 1);
        let host = Host::of(lua);
        host.object_writes = writes;
        let written = host.output.put(bytes_at(lua, -1));
        ffi::lua_pop(lua, 1);
        written.map_err(Unwritten::from)
    }
}
