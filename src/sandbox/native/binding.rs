//! What the modules share: tables of functions, classes of userdata, checks of arguments, text of userdata.
//!
//! A userdata's class may have two functions besides its methods. `lsb_output` writes the text of an object to the
//! output and returns what did not fit, which makes its caller fail as it should, or nothing. `lsb_serialize` takes an
//! object and the expression that names it, and returns the Lua source that restores it.

use std::ffi::{CStr, c_int, c_void};

use mlua::ffi::{self, lua_CFunction, lua_State};

use crate::host::{Host, bytes_at, push_bytes, push_gathered};
use crate::number;
use crate::output::Overflow;

/// A function by its name in Lua.
pub(super) type Function = (&'static CStr, lua_CFunction);

/// What a wrong number of arguments is called.
pub(super) const WRONG_COUNT: &CStr = c"incorrect number of arguments";

/// Pushes a table of functions.
///
/// # Safety
/// Called from a host function; may raise a memory error.
pub(super) unsafe fn push_library(lua: *mut lua_State, functions: &[Function]) {
    // SAFETY: as promised; takes two slots of the stack.
    unsafe {
        ffi::lua_createtable(lua, 0, 0);
        put_functions(lua, functions);
    }
}

/// Sets functions in the table on top of the stack.
///
/// # Safety
/// As [`push_library`].
pub(super) unsafe fn put_functions(lua: *mut lua_State, functions: &[Function]) {
    // SAFETY: as promised.
    unsafe {
        for (name, function) in functions {
            ffi::lua_pushcclosure(lua, *function, 0);
            ffi::lua_setfield(lua, -2, name.as_ptr());
        }
    }
}

/// Pushes the metatable of a class of userdata. Its methods are in a table of their own too, so that no object leads a
/// script to the metatable.
///
/// # Safety
/// As [`push_library`].
pub(super) unsafe fn push_class(lua: *mut lua_State, class: &CStr, methods: &[Function]) {
    // SAFETY: as promised.
    unsafe {
        ffi::luaL_newmetatable_(lua, class.as_ptr());
        push_library(lua, methods);
        ffi::lua_setfield(lua, -2, c"__index".as_ptr());
        put_functions(lua, methods);
    }
}

/// Pushes a new object of a class, `size` bytes long and aligned to 8. They are not initialised, but nothing of the
/// class looks at them unless asked to.
///
/// # Safety
/// As [`push_library`]; the caller initialises the bytes before anything else can run.
pub(super) unsafe fn push_object(lua: *mut lua_State, class: &CStr, size: Option<usize>) -> *mut c_void {
    // SAFETY: as promised.
    unsafe {
        // Far more than there ever is, and far less than what overflows in an allocator.
        let size = size.filter(|size| *size < isize::MAX as usize / 4);
        let Some(size) = size else { out_of_memory(lua) };
        let block = ffi::lua_newuserdata(lua, size);
        ffi::lua_getfield_(lua, ffi::LUA_REGISTRYINDEX, class.as_ptr());
        ffi::lua_setmetatable(lua, -2);
        block
    }
}

/// Raises Lua's error for a lack of memory.
///
/// # Safety
/// As [`check`].
pub(super) unsafe fn out_of_memory(lua: *mut lua_State) -> ! {
    // SAFETY: the string exists since the state was made, so pushing it takes no memory.
    unsafe {
        push_bytes(lua, b"not enough memory");
        ffi::lua_error(lua)
    }
}

/// Raises an argument error unless `holds`.
///
/// # Safety
/// Called from a host function, with nothing on its frame that needs dropping.
#[inline]
pub(super) unsafe fn check(lua: *mut lua_State, holds: bool, argument: c_int, why: &CStr) {
    if !holds {
        // SAFETY: as promised.
        unsafe { ffi::luaL_argerror(lua, argument, why.as_ptr()) };
    }
}

/// An argument as a C `int`: a fraction is cut off.
///
/// # Safety
/// As [`check`].
pub(super) unsafe fn check_int(lua: *mut lua_State, argument: c_int) -> c_int {
    // SAFETY: raises or returns.
    unsafe { ffi::luaL_checkinteger(lua, argument) as c_int }
}

/// The position of an argument's text in a list of names, or of `default` if there is no argument.
///
/// # Safety
/// As [`check`].
pub(super) unsafe fn check_option(
    lua: *mut lua_State,
    argument: c_int,
    default: Option<usize>,
    names: &[&CStr],
) -> usize {
    // SAFETY: raises or returns; the formatted text is Lua's.
    unsafe {
        if let Some(default) = default.filter(|_| ffi::lua_type(lua, argument) <= ffi::LUA_TNIL) {
            return default;
        }
        let text = CStr::from_ptr(ffi::luaL_checklstring(lua, argument, std::ptr::null_mut()));
        names.iter().position(|name| *name == text).unwrap_or_else(|| {
            let why = ffi::lua_pushfstring(lua, c"invalid option '%s'".as_ptr(), text.as_ptr());
            ffi::luaL_argerror(lua, argument, why);
            0
        })
    }
}

/// The bytes of an argument that a hash is made of: a string's, or the eight of a number.
///
/// # Safety
/// As [`check`]; the slice is good while the argument is on the stack.
pub(super) unsafe fn check_key(lua: *mut lua_State, argument: c_int, number: &mut [u8; 8]) -> &[u8] {
    // SAFETY: raises or returns.
    unsafe {
        match ffi::lua_type(lua, argument) {
            ffi::LUA_TSTRING => bytes_at(lua, argument),
            ffi::LUA_TNUMBER => {
                *number = ffi::lua_tonumber(lua, argument).to_ne_bytes();
                number
            }
            _ => {
                ffi::luaL_argerror(lua, argument, c"must be a string or number".as_ptr());
                &[]
            }
        }
    }
}

/// Appends a piece of an object's text to the output. One that does not fit is kept for [`finish_output`].
pub(super) fn put(host: &mut Host, piece: &[u8]) -> Result<(), Overflow> {
    host.object_writes += 1;
    host.output.put(piece).inspect_err(|_| {
        host.scratch.clear();
        host.scratch.extend_from_slice(piece);
    })
}

/// [`put`] for a number in the short form of payloads.
pub(super) fn put_number(host: &mut Host, value: f64) -> Result<(), Overflow> {
    let mut text = [0; number::LONGEST];
    let length = number::format(value, &mut text);
    put(host, &text[..length])
}

/// Pushes the result of an `lsb_output` function.
///
/// # Safety
/// As [`push_library`].
pub(super) unsafe fn finish_output(lua: *mut lua_State, written: Result<(), Overflow>) -> c_int {
    // SAFETY: as promised.
    unsafe {
        match written {
            Ok(()) => push_bytes(lua, b""),
            Err(Overflow) => push_gathered(lua, |host| &mut host.scratch),
        }
        1
    }
}

/// The buffer, emptied, in which an `lsb_serialize` function puts its source together, and the expression it was given.
///
/// # Safety
/// As [`check`]. The slice is good while the argument is on the stack, the buffer until something else raises.
pub(super) unsafe fn begin_source<'a>(lua: *mut lua_State) -> (&'a mut Vec<u8>, &'a [u8]) {
    // SAFETY: as promised.
    unsafe {
        let name = crate::host::check_bytes(lua, 2);
        let source = &mut Host::of(lua).source;
        source.clear();
        (source, name)
    }
}

/// Pushes the finished source as the result of an `lsb_serialize` function.
///
/// # Safety
/// As [`push_library`].
pub(super) unsafe fn finish_source(lua: *mut lua_State) -> c_int {
    // SAFETY: as promised.
    unsafe {
        push_gathered(lua, |host| &mut host.source);
        // A large object's source is not needed again soon.
        Host::of(lua).source.shrink_to(KEPT);
        1
    }
}

/// Bytes of working memory that are kept.
const KEPT: usize = 64 * 1024;

/// Appends `if NAME == nil then NAME = `, the constructor, ` end` and a line feed.
pub(super) fn put_constructor(source: &mut Vec<u8>, name: &[u8], constructor: std::fmt::Arguments<'_>) {
    source.extend_from_slice(b"if ");
    source.extend_from_slice(name);
    source.extend_from_slice(b" == nil then ");
    source.extend_from_slice(name);
    source.extend_from_slice(b" = ");
    put_text(source, constructor);
    source.extend_from_slice(b" end\n");
}

/// Appends formatted text.
pub(super) fn put_text(source: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to a vector cannot fail.
    let _ = std::io::Write::write_fmt(source, text);
}

/// Appends bytes as they stand between quotes in Lua source.
pub(super) fn put_binary(source: &mut Vec<u8>, bytes: &[u8]) {
    for &byte in bytes {
        match byte {
            b'\n' => source.extend_from_slice(b"\\n"),
            b'\r' => source.extend_from_slice(b"\\r"),
            b'"' | b'\\' => source.extend_from_slice(&[b'\\', byte]),
            _ => source.push(byte),
        }
    }
}
