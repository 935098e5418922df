//! Runs a Lua file with the full standard libraries and with this crate's `lpeg` and `re`:
//!
//! ```text
//! cargo run -p heka-lpeg --example lua -- FILE [ARGS]
//! ```
//!
//! `arg` is as in the stand-alone Lua. An error prints its traceback and gives exit code 1.

use std::ffi::{CStr, CString, c_int};
use std::process::ExitCode;

use mlua::ffi;

fn main() -> ExitCode {
    let args: Vec<CString> = std::env::args().skip(1).filter_map(|arg| CString::new(arg).ok()).collect();
    let Some(file) = args.first() else {
        eprintln!("usage: lua FILE [ARGS]");
        return ExitCode::from(2);
    };
    // SAFETY: a state of our own, used by this thread only; whatever may raise an error runs in a protected call.
    let ok = unsafe {
        let l = ffi::luaL_newstate();
        assert!(!l.is_null(), "no memory for a Lua state");
        ffi::luaL_openlibs(l);
        preload(l, c"lpeg", heka_lpeg::luaopen_lpeg);
        preload(l, c"re", heka_lpeg::luaopen_re);
        set_arguments(l, &args);
        let ok = run(l, file, &args[1..]);
        ffi::lua_close(l);
        ok
    };
    if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

unsafe fn preload(l: *mut ffi::lua_State, name: &CStr, open: ffi::lua_CFunction) {
    // SAFETY: the package library is open.
    unsafe {
        ffi::lua_getglobal(l, c"package".as_ptr());
        ffi::lua_getfield(l, -1, c"preload".as_ptr());
        ffi::lua_pushcfunction(l, open);
        ffi::lua_setfield(l, -2, name.as_ptr());
        ffi::lua_pop(l, 2);
    }
}

unsafe fn set_arguments(l: *mut ffi::lua_State, args: &[CString]) {
    // SAFETY: the strings are copied by Lua.
    unsafe {
        ffi::lua_createtable(l, args.len() as c_int, 1);
        for (n, arg) in (0..).zip(args) {
            ffi::lua_pushstring(l, arg.as_ptr());
            ffi::lua_rawseti(l, -2, n);
        }
        ffi::lua_setglobal(l, c"arg".as_ptr());
    }
}

unsafe fn run(l: *mut ffi::lua_State, file: &CStr, args: &[CString]) -> bool {
    // SAFETY: the handler is below the function and its arguments.
    unsafe {
        ffi::lua_getglobal(l, c"debug".as_ptr());
        ffi::lua_getfield(l, -1, c"traceback".as_ptr());
        let handler = ffi::lua_gettop(l);
        let mut status = ffi::luaL_loadfile(l, file.as_ptr());
        if status == ffi::LUA_OK {
            for arg in args {
                ffi::lua_pushstring(l, arg.as_ptr());
            }
            status = ffi::lua_pcall(l, args.len() as c_int, 0, handler);
        }
        if status != ffi::LUA_OK {
            let message = ffi::lua_tolstring(l, -1, std::ptr::null_mut());
            let text =
                if message.is_null() { c"(error object is not a string)" } else { CStr::from_ptr(message) };
            eprintln!("lua: {}", text.to_string_lossy());
        }
        status == ffi::LUA_OK
    }
}
