//! Classes of sockets: one object goes through several as it is connected or listens.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_CFunction, lua_State};

use super::failure::Failure;
use super::wait::Timeout;
use crate::native::binding::{Function, put_functions};

/// No descriptor.
pub(super) const CLOSED: c_int = -1;

/// What all sockets have; the first member of each.
#[repr(C)]
pub(super) struct Handle {
    pub(super) fd: c_int,
    /// `AF_INET` or `AF_INET6`.
    pub(super) family: c_int,
    pub(super) timeout: Timeout,
}

impl Handle {
    pub(super) fn new(fd: c_int, family: c_int) -> Handle {
        Handle { fd, family, timeout: Timeout::NONE }
    }

    /// Closes the descriptor, unless it is.
    pub(super) fn close(&mut self) {
        let fd = std::mem::replace(&mut self.fd, CLOSED);
        if fd != CLOSED {
            // SAFETY: it was this object's own.
            unsafe { libc::close(fd) };
        }
    }
}

/// A new descriptor that never blocks.
pub(super) fn create(family: c_int, kind: c_int) -> Result<c_int, Failure> {
    // SAFETY: a system call without pointers.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0) };
    Failure::check(fd)
}

/// Makes the metatable of a class.
///
/// # Safety
/// Called from a host function, with four free slots of the stack.
pub(super) unsafe fn register(lua: *mut lua_State, class: &CStr, methods: &[Function], close: lua_CFunction) {
    // SAFETY: as promised.
    unsafe {
        ffi::luaL_newmetatable_(lua, class.as_ptr());
        ffi::lua_createtable(lua, 0, methods.len() as c_int);
        put_functions(lua, methods);
        ffi::lua_pushstring_(lua, class.as_ptr());
        ffi::lua_setfield(lua, -2, c"class".as_ptr());
        ffi::lua_setfield(lua, -2, c"__index".as_ptr());
        put_functions(lua, &[(c"__gc", close)]);
        ffi::lua_pushstring_(lua, class.as_ptr());
        ffi::lua_pushcclosure(lua, tostring, 1);
        ffi::lua_setfield(lua, -2, c"__tostring".as_ptr());
        ffi::lua_pop(lua, 1);
    }
}

/// Lua: `tostring(socket)`.
unsafe extern "C-unwind" fn tostring(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; the upvalue is the class's name.
    unsafe {
        let class = ffi::lua_tolstring(lua, ffi::lua_upvalueindex(1), std::ptr::null_mut());
        ffi::lua_pushfstring(lua, c"%s: %p".as_ptr(), class, ffi::lua_touserdata(lua, 1));
        1
    }
}

/// Makes the object at `index` one of this class.
///
/// # Safety
/// As [`register`]; the object is a socket.
pub(super) unsafe fn set_class(lua: *mut lua_State, index: c_int, class: &CStr) {
    // SAFETY: as promised.
    unsafe {
        ffi::lua_pushvalue(lua, index);
        ffi::lua_getfield_(lua, ffi::LUA_REGISTRYINDEX, class.as_ptr());
        ffi::lua_setmetatable(lua, -2);
        ffi::lua_pop(lua, 1);
    }
}

/// The socket that a method works on, which must be of one of these classes; `group` is what they are called together.
///
/// # Safety
/// As [`register`]. All classes in the list have objects of the type `T`.
pub(super) unsafe fn check_class<'a, T>(lua: *mut lua_State, classes: &[&CStr], group: &CStr) -> &'a mut T {
    // SAFETY: the metatable is compared with those of the classes, which scripts cannot give to other userdata.
    unsafe {
        let object = ffi::lua_touserdata(lua, 1);
        if ffi::lua_type(lua, 1) == ffi::LUA_TUSERDATA && ffi::lua_getmetatable(lua, 1) != 0 {
            for class in classes {
                ffi::lua_getfield_(lua, ffi::LUA_REGISTRYINDEX, class.as_ptr());
                let same = ffi::lua_rawequal(lua, -1, -2) != 0;
                ffi::lua_pop(lua, 1);
                if same {
                    ffi::lua_pop(lua, 1);
                    return &mut *object.cast::<T>();
                }
            }
        }
        let why = ffi::lua_pushfstring(lua, c"%s expected".as_ptr(), group.as_ptr());
        ffi::luaL_argerror(lua, 1, why);
        // Not reached: the error was raised.
        &mut *object.cast::<T>()
    }
}

/// The socket that a method works on if it is open; a closed one pushes its failure and gives `None`.
pub(super) fn open_fd(handle: &Handle) -> Result<c_int, Failure> {
    if handle.fd == CLOSED { Err(Failure::Closed) } else { Ok(handle.fd) }
}

/// Lua: `socket:settimeout(seconds [, mode])`.
///
/// # Safety
/// As [`register`]; the handle is that of the object at 1.
pub(super) unsafe fn settimeout(lua: *mut lua_State, handle: &mut Handle) -> c_int {
    // SAFETY: as promised.
    unsafe {
        let seconds =
            if ffi::lua_type(lua, 2) <= ffi::LUA_TNIL { -1.0 } else { ffi::luaL_checknumber(lua, 2) };
        // What is no number at all is no limit either.
        let seconds = if seconds.is_nan() { -1.0 } else { seconds };
        let mode = ffi::luaL_optlstring(lua, 3, c"b".as_ptr(), std::ptr::null_mut());
        match *mode.cast::<u8>() {
            b'b' => handle.timeout.block = seconds,
            b'r' | b't' => handle.timeout.total = seconds,
            _ => {
                ffi::luaL_argerror(lua, 3, c"invalid timeout mode".as_ptr());
            }
        }
        ffi::lua_pushnumber(lua, 1.0);
        1
    }
}
