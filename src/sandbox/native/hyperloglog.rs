//! The `hyperloglog` module: counts different items in 12 KiB, whatever their number, within a percent or so.

mod sketch;

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::binding::{
    Function, WRONG_COUNT, begin_source, check, check_key, finish_output, finish_source, push_class,
    push_library, push_object, put, put_binary, put_constructor,
};
use crate::host::{Host, check_bytes, raise};
use sketch::{BYTES, Sketch};

const CLASS: &CStr = c"mozsvc.hyperloglog";

const FUNCTIONS: [Function; 2] = [(c"new", new), (c"version", version)];

const METHODS: [Function; 6] = [
    (c"add", add),
    (c"count", count),
    (c"clear", clear),
    (c"fromstring", fromstring),
    (c"lsb_output", output),
    (c"lsb_serialize", serialize),
];

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. So it is for all functions of this module.
    unsafe {
        push_class(lua, CLASS, &METHODS);
        push_library(lua, &FUNCTIONS);
        1
    }
}

/// The object that a method works on, which has so many arguments with itself.
unsafe fn check_self<'a>(lua: *mut lua_State, count: c_int) -> &'a mut Sketch {
    // SAFETY: see `open`; `new` made the object, and methods do not call one another.
    unsafe {
        let sketch = ffi::luaL_checkudata(lua, 1, CLASS.as_ptr()).cast::<Sketch>();
        check(lua, ffi::lua_gettop(lua) == count, 0, WRONG_COUNT);
        &mut *sketch
    }
}

/// Lua: `new()`.
unsafe extern "C-unwind" fn new(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`. A sketch is bytes; zeros are one that only lacks its header.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 0, 0, WRONG_COUNT);
        let block = push_object(lua, CLASS, Some(size_of::<Sketch>()));
        block.cast::<u8>().write_bytes(0, size_of::<Sketch>());
        (*block.cast::<Sketch>()).reset();
        1
    }
}

/// Lua: `version()`.
unsafe extern "C-unwind" fn version(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe { ffi::lua_pushstring_(lua, c"0.1.0".as_ptr()) };
    1
}

/// Lua: `hll:add(item)`. Returns whether that changed anything.
unsafe extern "C-unwind" fn add(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let sketch = check_self(lua, 2);
        let changed = sketch.add(check_key(lua, 2, &mut [0; 8]));
        ffi::lua_pushboolean(lua, changed.into());
        1
    }
}

/// Lua: `hll:count()`.
unsafe extern "C-unwind" fn count(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let count = check_self(lua, 1).count();
        ffi::lua_pushnumber(lua, count as f64);
        1
    }
}

/// Lua: `hll:clear()`.
unsafe extern "C-unwind" fn clear(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe { check_self(lua, 1) }.clear();
    0
}

/// Lua: `hll:fromstring(bytes)`.
unsafe extern "C-unwind" fn fromstring(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`; the bytes stay on the stack.
    unsafe {
        let sketch = check_self(lua, 2);
        let bytes = check_bytes(lua, 2);
        let found = bytes.len();
        if found != BYTES {
            raise(lua, format_args!("fromstring() bytes found: {found}, expected {BYTES}"));
        }
        if let Err(why) = sketch.replace(bytes) {
            raise(lua, format_args!("fromstring() {why}"));
        }
        0
    }
}

/// Writes all bytes to the output.
unsafe extern "C-unwind" fn output(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let sketch = check_self(lua, 1);
        let written = put(Host::of(lua), sketch.bytes());
        finish_output(lua, written)
    }
}

/// Gives the Lua source that restores an object.
unsafe extern "C-unwind" fn serialize(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`; the source lies in the host.
    unsafe {
        let sketch = check_self(lua, 2);
        let (source, name) = begin_source(lua);
        put_constructor(source, name, format_args!("hyperloglog.new()"));
        source.extend_from_slice(name);
        source.extend_from_slice(b":fromstring(\"");
        put_binary(source, sketch.bytes());
        source.extend_from_slice(b"\")\n");
        finish_source(lua)
    }
}
