//! Preserved data: the global variables of a script as Lua source that sets them again.

use std::ffi::{c_int, c_void};
use std::io::Write;
use std::path::Path;

use mlua::ffi::{self, lua_State};

use crate::environment::protected;
use crate::host::{Host, ShortText, bytes_at, push_bytes, raise, until_nul};
use crate::number;

/// Tables inside tables; deeper ones are refused rather than followed on the native stack.
const DEEPEST: usize = 150;

/// Writes the source into the host's dump.
///
/// # Errors
/// A key cannot be written.
///
/// # Safety
/// The state is live and its stack empty.
pub(crate) unsafe fn dump(lua: *mut lua_State) -> Result<(), String> {
    // SAFETY: as promised; the walk runs protected.
    unsafe {
        Host::of(lua).dump.clear();
        let failed = protected(lua, dump_globals, std::ptr::null_mut::<c_void>()) != ffi::LUA_OK;
        let why = failed.then(|| match ffi::lua_type(lua, -1) {
            ffi::LUA_TSTRING => String::from_utf8_lossy(until_nul(bytes_at(lua, -1))).into_owned(),
            _ => "(null)".into(),
        });
        ffi::lua_settop(lua, 0);
        why.map_or(Ok(()), Err)
    }
}

/// Replaces the file at once, so that a crash leaves the old state or the new one.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn replace(file: &Path, text: &[u8]) -> Result<(), String> {
    let refused = |_| format!("lsb_preserve_global_data could not open: {}", file.display());
    if let Some(folder) = file.parent() {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused)?;
    }
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let new = file.with_file_name(name);
    let written = std::fs::File::create(&new).and_then(|mut to| {
        to.write_all(text)?;
        to.sync_data()
    });
    written.and_then(|()| std::fs::rename(&new, file)).map_err(refused)
}

/// Stack places of the walk.
const GLOBALS: c_int = 1;
/// Tables and userdata that were written, with the expression that names them.
const SEEN: c_int = 2;

unsafe extern "C-unwind" fn dump_globals(lua: *mut lua_State) -> c_int {
    // SAFETY: runs protected; nothing on these frames needs dropping.
    unsafe {
        ffi::lua_settop(lua, 0);
        ffi::lua_pushvalue(lua, ffi::LUA_GLOBALSINDEX);
        ffi::lua_createtable(lua, 0, 0);
        ffi::lua_pushliteral(lua, c"_PRESERVATION_VERSION");
        ffi::lua_rawget_(lua, GLOBALS);
        let version = ffi::lua_tonumber(lua, -1) as i64 as i32;
        ffi::lua_pop(lua, 1);
        let out = &mut Host::of(lua).dump;
        let _ =
            writeln!(out, "if _PRESERVATION_VERSION and _PRESERVATION_VERSION ~= {version} then return end");
        ffi::lua_pushliteral(lua, c"_G");
        members(lua, GLOBALS, 0);
    }
    0
}

/// Writes all members of a table; the expression that names it is on top of the stack.
unsafe fn members(lua: *mut lua_State, table: c_int, depth: usize) {
    // SAFETY: as for `dump_globals`.
    unsafe {
        ffi::luaL_checkstack_(lua, 20, c"preserved tables are too deep".as_ptr());
        if depth > DEEPEST {
            raise(lua, format_args!("preserved tables are too deep"));
        }
        let path = ffi::lua_gettop(lua);
        ffi::lua_pushnil(lua);
        while ffi::lua_next(lua, table) != 0 {
            if is_kept(lua, path + 2) && !(depth == 0 && is_version(lua, path + 1)) {
                push_member(lua, path, path + 1);
                member(lua, path + 2, path + 3, depth);
            }
            ffi::lua_settop(lua, path + 1);
        }
    }
}

/// Whether the key is that of the version, which the first line of the source tells.
unsafe fn is_version(lua: *mut lua_State, key: c_int) -> bool {
    // SAFETY: as for `dump_globals`; a string key is not converted.
    unsafe { ffi::lua_type(lua, key) == ffi::LUA_TSTRING && bytes_at(lua, key) == b"_PRESERVATION_VERSION" }
}

/// Whether a value is preserved at all.
unsafe fn is_kept(lua: *mut lua_State, value: c_int) -> bool {
    // SAFETY: as for `dump_globals`.
    unsafe {
        match ffi::lua_type(lua, value) {
            ffi::LUA_TBOOLEAN | ffi::LUA_TNUMBER | ffi::LUA_TSTRING => true,
            ffi::LUA_TTABLE => {
                if ffi::lua_rawequal(lua, value, GLOBALS) != 0 {
                    return false;
                }
                let has_metatable = ffi::lua_getmetatable(lua, value) != 0;
                if has_metatable {
                    ffi::lua_pop(lua, 1);
                }
                !has_metatable
            }
            ffi::LUA_TUSERDATA => {
                let found = ffi::luaL_getmetafield_(lua, value, c"lsb_serialize".as_ptr()) != 0;
                if found {
                    ffi::lua_pop(lua, 1);
                }
                found
            }
            _ => false,
        }
    }
}

/// Pushes the expression of a member: that of its table, then the key in brackets.
unsafe fn push_member(lua: *mut lua_State, path: c_int, key: c_int) {
    // SAFETY: as for `dump_globals`.
    unsafe {
        let start = Host::of(lua).dump.len();
        let out = &mut Host::of(lua).dump;
        out.extend_from_slice(bytes_at(lua, path));
        out.push(b'[');
        match ffi::lua_type(lua, key) {
            ffi::LUA_TNUMBER => put_number(out, ffi::lua_tonumber(lua, key)),
            ffi::LUA_TSTRING => put_quoted(out, bytes_at(lua, key)),
            ffi::LUA_TBOOLEAN => out.extend_from_slice(truth(lua, key)),
            kind => {
                let name =
                    std::ffi::CStr::from_ptr(ffi::lua_typename(lua, kind)).to_str().unwrap_or_default();
                let why = ShortText::of(format_args!("serialize_data cannot preserve type '{name}'"));
                ffi::lua_settop(lua, 0);
                push_bytes(lua, why.bytes());
                ffi::lua_error(lua);
            }
        }
        out.push(b']');
        push_bytes(lua, &out[start..]);
        out.truncate(start);
    }
}

/// Writes one member; its expression is at `path`, on top of the stack.
unsafe fn member(lua: *mut lua_State, value: c_int, path: c_int, depth: usize) {
    // SAFETY: as for `dump_globals`.
    unsafe {
        let kind = ffi::lua_type(lua, value);
        let is_object = kind == ffi::LUA_TTABLE || kind == ffi::LUA_TUSERDATA;
        if is_object {
            ffi::lua_pushvalue(lua, value);
            ffi::lua_rawget_(lua, SEEN);
            let known = ffi::lua_type(lua, -1) == ffi::LUA_TSTRING;
            if known {
                line(lua, path, bytes_at(lua, -1));
                return;
            }
            ffi::lua_pop(lua, 1);
            ffi::lua_pushvalue(lua, value);
            ffi::lua_pushvalue(lua, path);
            ffi::lua_rawset(lua, SEEN);
        }
        match kind {
            ffi::LUA_TTABLE => {
                line(lua, path, b"{}");
                ffi::lua_settop(lua, path);
                members(lua, value, depth + 1);
            }
            ffi::LUA_TUSERDATA => userdata(lua, value, path),
            ffi::LUA_TNUMBER => {
                let mut text = [0; number::LONGEST];
                let length = number::format_source(ffi::lua_tonumber(lua, value), &mut text);
                line(lua, path, &text[..length]);
            }
            ffi::LUA_TBOOLEAN => line(lua, path, truth(lua, value)),
            _ => {
                let out = &mut Host::of(lua).dump;
                out.extend_from_slice(bytes_at(lua, path));
                out.extend_from_slice(b" = ");
                put_quoted(out, bytes_at(lua, value));
                out.push(b'\n');
            }
        }
    }
}

/// A userdata writes itself: its metatable's `lsb_serialize` takes it and the expression and returns source.
unsafe fn userdata(lua: *mut lua_State, value: c_int, path: c_int) {
    // SAFETY: as for `dump_globals`.
    unsafe {
        ffi::luaL_getmetafield_(lua, value, c"lsb_serialize".as_ptr());
        ffi::lua_pushvalue(lua, value);
        ffi::lua_pushvalue(lua, path);
        ffi::lua_call(lua, 2, 1);
        let text = bytes_at(lua, -1);
        Host::of(lua).dump.extend_from_slice(text);
        ffi::lua_settop(lua, path);
    }
}

unsafe fn line(lua: *mut lua_State, path: c_int, value: &[u8]) {
    // SAFETY: as for `dump_globals`.
    unsafe {
        let out = &mut Host::of(lua).dump;
        out.extend_from_slice(bytes_at(lua, path));
        out.extend_from_slice(b" = ");
        out.extend_from_slice(value);
        out.push(b'\n');
    }
}

unsafe fn truth(lua: *mut lua_State, index: c_int) -> &'static [u8] {
    // SAFETY: as for `dump_globals`.
    if unsafe { ffi::lua_toboolean(lua, index) } != 0 { b"true" } else { b"false" }
}

fn put_number(out: &mut Vec<u8>, number: f64) {
    let mut text = [0; number::LONGEST];
    let length = number::format_source(number, &mut text);
    out.extend_from_slice(&text[..length]);
}

/// Lua's `%q`.
fn put_quoted(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' | b'\n' => out.extend_from_slice(&[b'\\', byte]),
            b'\r' => out.extend_from_slice(b"\\r"),
            0 => out.extend_from_slice(b"\\000"),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
