//! The `cuckoo_filter` module: a set like a Bloom filter, from which items can be deleted.

mod table;

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use super::binding::{
    Function, WRONG_COUNT, begin_source, check, check_int, check_key, finish_source, push_class,
    push_library, push_object, put_binary, put_constructor, put_text,
};
use crate::host::{Host, check_bytes, raise};
use table::{ENTRIES, Header, Table};

const CLASS: &CStr = c"mozsvc.cuckoo_filter";

const FUNCTIONS: [Function; 2] = [(c"new", new), (c"version", version)];

const METHODS: [Function; 7] = [
    (c"add", add),
    (c"query", query),
    (c"delete", delete),
    (c"count", count),
    (c"clear", clear),
    (c"fromstring", fromstring),
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

/// The filter that a method works on, which has so many arguments with itself.
unsafe fn check_self(lua: *mut lua_State, count: c_int) -> Table {
    // SAFETY: see `open`; `new` made the object.
    unsafe {
        let table = Table::from_object(ffi::luaL_checkudata(lua, 1, CLASS.as_ptr()));
        check(lua, ffi::lua_gettop(lua) == count, 0, WRONG_COUNT);
        table
    }
}

/// Lua: `new(items)`.
unsafe extern "C-unwind" fn new(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`. The block holds the header and the buckets.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 1, 0, WRONG_COUNT);
        let items = check_int(lua, 1);
        check(lua, items > 4, 1, c"items must be > 4");
        let buckets = (items as u32 / ENTRIES as u32).next_power_of_two();
        let block = push_object(lua, CLASS, Some(Table::size(buckets)));
        block.cast::<Header>().write(Header { buckets, count: 0.0 });
        Table::from_object(block).clear();
        1
    }
}

/// Lua: `version()`.
unsafe extern "C-unwind" fn version(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe { ffi::lua_pushstring_(lua, c"0.1.0".as_ptr()) };
    1
}

/// Lua: `filter:add(item)`. Returns whether it was put in: not if it seems to be there, or nothing fits any more.
unsafe extern "C-unwind" fn add(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let mut table = check_self(lua, 2);
        let is_new = table.add(check_key(lua, 2, &mut [0; 8]), || Host::of(lua).random.next());
        ffi::lua_pushboolean(lua, is_new.into());
        1
    }
}

/// Lua: `filter:query(item)`. Returns whether it may have been added.
unsafe extern "C-unwind" fn query(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let mut table = check_self(lua, 2);
        let is_there = table.has(check_key(lua, 2, &mut [0; 8]));
        ffi::lua_pushboolean(lua, is_there.into());
        1
    }
}

/// Lua: `filter:delete(item)`. Returns whether something was deleted.
unsafe extern "C-unwind" fn delete(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let mut table = check_self(lua, 2);
        let was_there = table.delete(check_key(lua, 2, &mut [0; 8]));
        ffi::lua_pushboolean(lua, was_there.into());
        1
    }
}

/// Lua: `filter:count()`.
unsafe extern "C-unwind" fn count(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let count = check_self(lua, 1).header().count;
        ffi::lua_pushnumber(lua, count);
        1
    }
}

/// Lua: `filter:clear()`.
unsafe extern "C-unwind" fn clear(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe { check_self(lua, 1) }.clear();
    0
}

/// Lua: `filter:fromstring(count, bytes)`.
unsafe extern "C-unwind" fn fromstring(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`; the bytes stay on the stack.
    unsafe {
        let mut table = check_self(lua, 3);
        table.header().count = ffi::luaL_checknumber(lua, 2).trunc();
        let bytes = check_bytes(lua, 3);
        let (found, expected) = (bytes.len(), table.bytes().len());
        if found != expected {
            raise(lua, format_args!("fromstring() bytes found: {found}, expected {expected}"));
        }
        table.bytes().copy_from_slice(bytes);
        0
    }
}

/// Gives the Lua source that restores a filter.
unsafe extern "C-unwind" fn serialize(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`; the source lies in the host.
    unsafe {
        let mut table = check_self(lua, 2);
        let (source, name) = begin_source(lua);
        let Header { buckets, count } = *table.header();
        let items = buckets as usize * ENTRIES;
        put_constructor(source, name, format_args!("cuckoo_filter.new({items})"));
        source.extend_from_slice(name);
        put_text(source, format_args!(":fromstring({count}, \""));
        put_binary(source, table.bytes());
        source.extend_from_slice(b"\")\n");
        finish_source(lua)
    }
}
