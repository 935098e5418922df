//! `inject_message` and `inject_payload`.

use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::output::put_values;
use crate::encode::{self, Failure};
use crate::host::{Host, bytes_at, check_bytes, raise, until_nul};
use crate::messages::{Injected, InjectedPayload, Refused};

/// Lua: `inject_message(message)`, a table or protobuf bytes.
pub(crate) unsafe extern "C-unwind" fn inject_message(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        let kind = if ffi::lua_gettop(lua) == 1 { ffi::lua_type(lua, 1) } else { ffi::LUA_TNONE };
        let taken = match kind {
            ffi::LUA_TSTRING => {
                let bytes = bytes_at(lua, 1);
                if bytes.is_empty() {
                    return 0;
                }
                give(lua, Injected { bytes, layout: None })
            }
            ffi::LUA_TTABLE => {
                if let Err(failure) = encode::encode(lua) {
                    refuse_table(lua, failure);
                }
                let Host { output, layout, .. } = Host::of(lua);
                output.measure();
                let taken = give(lua, Injected { bytes: output.bytes(), layout: Some(layout) });
                output.clear();
                taken
            }
            _ => raise(lua, format_args!("inject_message() takes a single string or table argument")),
        };
        if let Err(refused) = taken {
            raise(lua, format_args!("inject_message() {}", refused.text()));
        }
        0
    }
}

unsafe fn give(lua: *mut lua_State, message: Injected<'_>) -> Result<(), Refused> {
    // SAFETY: as for `inject_message`.
    match unsafe { Host::of(lua).messages() } {
        Some(messages) => messages.inject_message(message),
        None => Err(Refused::Count),
    }
}

unsafe fn refuse_table(lua: *mut lua_State, failure: Failure) -> ! {
    // SAFETY: as for `inject_message`.
    unsafe {
        let host = Host::of(lua);
        host.output.measure();
        match failure {
            Failure::Overflow => raise(lua, format_args!("inject_message() output_limit exceeded")),
            Failure::Invalid { what, detail } => {
                raise(lua, format_args!("inject_message() could not encode protobuf - {what}{detail}"))
            }
            Failure::Number { what, number } => {
                raise(lua, format_args!("inject_message() could not encode protobuf - {what}{number}"))
            }
        }
    }
}

/// Lua: `inject_payload([payload_type [, payload_name [, value, ...]]])`.
pub(crate) unsafe extern "C-unwind" fn inject_payload(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        let count = ffi::lua_gettop(lua);
        let given = if count > 0 { until_nul(check_bytes(lua, 1)) } else { b"" };
        let payload_type = if given.is_empty() { b"txt" } else { given };
        let name = if count > 1 { until_nul(check_bytes(lua, 2)) } else { b"" };
        if count > 2 {
            put_values(lua, 3, count);
        }
        let host = Host::of(lua);
        host.writes += 1;
        if host.output.len() == 0 {
            return 0;
        }
        let payload = InjectedPayload { payload: host.output.bytes(), payload_type, name };
        let taken = match host.messages() {
            Some(messages) => messages.inject_payload(payload),
            None => Err(Refused::Count),
        };
        Host::of(lua).output.clear();
        if let Err(refused) = taken {
            raise(lua, format_args!("inject_payload() {}", refused.text()));
        }
        0
    }
}
