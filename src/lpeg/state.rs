//! A thin, copyable face of the Lua 5.1 C API.
//!
//! Most calls may raise a Lua error, which is a `longjmp` through the Rust frames above it. The rule of this crate is
//! therefore: **no value with a destructor is alive while a method of [`State`] that can raise is called.**

use std::ffi::{CStr, c_char, c_int, c_void};

use mlua::ffi;

/// Name of the metatable of patterns in the registry, as in the original: it shows in error texts.
pub(crate) const PATTERN_TYPE: &CStr = c"lpeg-pattern";

/// A Lua state that is known to be valid for the current call.
#[derive(Clone, Copy)]
pub(crate) struct State(*mut ffi::lua_State);

/// Defines methods that only pass their arguments on to one function of the C API.
macro_rules! forward {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)? = $target:path;)*) => {
        $($(#[$doc])* #[inline(always)]
        pub(crate) fn $name(self, $($arg: $ty),*) $(-> $ret)? {
            // SAFETY: `State::new` vouches for the pointer; indices are the caller's own stack slots.
            unsafe { $target(self.0, $($arg),*) }
        })*
    };
}

impl State {
    /// Wraps a raw state.
    ///
    /// # Safety
    /// `raw` must be valid for as long as the value is used, and the caller keeps the rule of this module.
    #[inline(always)]
    pub(crate) unsafe fn new(raw: *mut ffi::lua_State) -> Self {
        Self(raw)
    }

    /// The state itself.
    pub(crate) fn raw(self) -> *mut ffi::lua_State {
        self.0
    }

    forward! {
        fn top() -> c_int = ffi::lua_gettop;
        fn set_top(idx: c_int) = ffi::lua_settop;
        fn push_value(idx: c_int) = ffi::lua_pushvalue;
        fn insert(idx: c_int) = ffi::lua_insert;
        fn remove(idx: c_int) = ffi::lua_remove;
        fn replace(idx: c_int) = ffi::lua_replace;
        fn type_of(idx: c_int) -> c_int = ffi::lua_type;
        fn to_number(idx: c_int) -> f64 = ffi::lua_tonumber;
        fn to_c_function(idx: c_int) -> Option<ffi::lua_CFunction> = ffi::lua_tocfunction;
        fn push_nil() = ffi::lua_pushnil;
        fn push_number(n: f64) = ffi::lua_pushnumber;
        fn create_table(narr: c_int, nrec: c_int) = ffi::lua_createtable;
        fn raw_set(idx: c_int) = ffi::lua_rawset;
        fn raw_get_at(idx: c_int, n: c_int) = ffi::lua_rawgeti_;
        fn raw_set_at(idx: c_int, n: c_int) = ffi::lua_rawseti_;
        fn get_table(idx: c_int) = ffi::lua_gettable_;
        fn get_env(idx: c_int) = ffi::lua_getfenv;
        fn next(idx: c_int) -> c_int = ffi::lua_next;
        fn call(nargs: c_int, nresults: c_int) = ffi::lua_call;
        fn check_any(idx: c_int) = ffi::luaL_checkany;
        fn check_type(idx: c_int, kind: c_int) = ffi::luaL_checktype;
        fn check_integer(idx: c_int) -> isize = integer;
        fn opt_integer(idx: c_int, default: isize) -> isize = opt_integer;
        fn new_userdata(size: usize) -> *mut c_void = ffi::lua_newuserdata;
        fn to_userdata(idx: c_int) -> *mut c_void = ffi::lua_touserdata;
    }

    /// Removes the `n` topmost values.
    #[inline(always)]
    pub(crate) fn pop(self, n: c_int) {
        self.set_top(-n - 1);
    }

    /// Whether two values are the same by raw comparison.
    #[inline(always)]
    pub(crate) fn raw_equal(self, a: c_int, b: c_int) -> bool {
        // SAFETY: see `forward!`.
        unsafe { ffi::lua_rawequal(self.0, a, b) != 0 }
    }

    /// Whether two values are equal, honouring `__eq`.
    pub(crate) fn equal(self, a: c_int, b: c_int) -> bool {
        // SAFETY: see `forward!`.
        unsafe { ffi::lua_equal(self.0, a, b) != 0 }
    }

    /// Lua's truth of a value.
    pub(crate) fn to_bool(self, idx: c_int) -> bool {
        // SAFETY: see `forward!`.
        unsafe { ffi::lua_toboolean(self.0, idx) != 0 }
    }

    /// The integer that a value converts to, or 0.
    pub(crate) fn to_integer(self, idx: c_int) -> isize {
        // SAFETY: see `forward!`.
        unsafe { ffi::lua_tointeger_(self.0, idx) as isize }
    }

    /// Whether a value is a string or a number.
    #[inline(always)]
    pub(crate) fn is_text(self, idx: c_int) -> bool {
        matches!(self.type_of(idx), ffi::LUA_TSTRING | ffi::LUA_TNUMBER)
    }

    /// Whether a value is nil or absent.
    pub(crate) fn is_none_or_nil(self, idx: c_int) -> bool {
        self.type_of(idx) <= ffi::LUA_TNIL
    }

    /// The bytes of a string or number (a number becomes a string in its slot); valid while Lua holds that string.
    pub(crate) fn bytes<'a>(self, idx: c_int) -> Option<&'a [u8]> {
        let mut len = 0;
        // SAFETY: the pointer and length come from Lua; the caller keeps the string reachable while it uses them.
        unsafe {
            let text = ffi::lua_tolstring(self.0, idx, &mut len);
            (!text.is_null()).then(|| std::slice::from_raw_parts(text.cast(), len))
        }
    }

    /// As [`State::bytes`], raising the usual argument error for other types.
    pub(crate) fn check_bytes<'a>(self, idx: c_int) -> &'a [u8] {
        let mut len = 0;
        // SAFETY: as in `bytes`.
        unsafe {
            let text = ffi::luaL_checklstring(self.0, idx, &mut len);
            std::slice::from_raw_parts(text.cast(), len)
        }
    }

    /// Pushes a string of `len` bytes at `text`.
    ///
    /// # Safety
    /// `text` must be readable for `len` bytes.
    #[inline(always)]
    pub(crate) unsafe fn push_raw(self, text: *const u8, len: usize) {
        // SAFETY: by contract.
        unsafe { ffi::lua_pushlstring_(self.0, text.cast(), len) }
    }

    /// Pushes a string.
    pub(crate) fn push_bytes(self, text: &[u8]) {
        // SAFETY: a slice is readable.
        unsafe { self.push_raw(text.as_ptr(), text.len()) }
    }

    /// Pushes a C function with the `upvalues` topmost values as its upvalues.
    pub(crate) fn push_closure(self, f: ffi::lua_CFunction, upvalues: c_int) {
        // SAFETY: see `forward!`.
        unsafe { ffi::lua_pushcclosure(self.0, f, upvalues) }
    }

    /// `t[name] = top`, popping it.
    pub(crate) fn set_field(self, idx: c_int, name: &CStr) {
        // SAFETY: see `forward!`.
        unsafe { ffi::lua_setfield(self.0, idx, name.as_ptr()) }
    }

    /// Pushes `t[name]`.
    pub(crate) fn get_field(self, idx: c_int, name: &CStr) {
        // SAFETY: see `forward!`.
        unsafe { ffi::lua_getfield_(self.0, idx, name.as_ptr()) }
    }

    /// Pops a table and makes it the environment of the userdata at `idx`.
    pub(crate) fn set_env(self, idx: c_int) {
        // SAFETY: see `forward!`.
        unsafe {
            ffi::lua_setfenv(self.0, idx);
        }
    }

    /// Pops a table and makes it the metatable of the value at `idx`.
    pub(crate) fn set_metatable(self, idx: c_int) {
        // SAFETY: see `forward!`.
        unsafe {
            ffi::lua_setmetatable(self.0, idx);
        }
    }

    /// Pushes the metatable of a value; false (and nothing pushed) if it has none.
    #[inline(always)]
    pub(crate) fn get_metatable(self, idx: c_int) -> bool {
        // SAFETY: see `forward!`.
        unsafe { ffi::lua_getmetatable(self.0, idx) != 0 }
    }

    /// Pushes the library table of that name, making it a global and a loaded module.
    pub(crate) fn register(self, name: &CStr) {
        let end = ffi::luaL_Reg { name: std::ptr::null(), func: nothing };
        // SAFETY: see `forward!`; the list of functions is empty.
        unsafe { ffi::luaL_register(self.0, name.as_ptr(), &end) }
    }

    /// Pushes a chunk of Lua source as a function, raising an error if it does not compile.
    pub(crate) fn load(self, source: &[u8], name: &CStr) {
        // SAFETY: see `forward!`; the source is readable for its length.
        unsafe {
            if ffi::luaL_loadbuffer(self.0, source.as_ptr().cast(), source.len(), name.as_ptr())
                != ffi::LUA_OK
            {
                ffi::lua_error(self.0);
            }
        }
    }

    /// Makes a metatable of that name in the registry and pushes it; false if it was there already.
    pub(crate) fn new_metatable(self, name: &CStr) -> bool {
        // SAFETY: see `forward!`.
        unsafe { ffi::luaL_newmetatable_(self.0, name.as_ptr()) != 0 }
    }

    /// The userdata at `idx` if it has that metatable; the usual argument error otherwise.
    pub(crate) fn check_userdata(self, idx: c_int, name: &CStr) -> *mut c_void {
        // SAFETY: see `forward!`.
        unsafe { ffi::luaL_checkudata(self.0, idx, name.as_ptr()) }
    }

    /// Ensures room for `n` more values or raises "stack overflow (`what`)".
    #[inline(always)]
    pub(crate) fn check_stack(self, n: c_int, what: &CStr) {
        // SAFETY: see `forward!`.
        unsafe { ffi::luaL_checkstack_(self.0, n, what.as_ptr()) }
    }

    /// Raises a "bad argument" error unless `ok`.
    pub(crate) fn arg_check(self, ok: bool, arg: c_int, message: &CStr) {
        if !ok {
            // SAFETY: see `forward!`.
            unsafe {
                ffi::luaL_argerror(self.0, arg, message.as_ptr());
            }
        }
    }

    /// The name of a value's type.
    pub(crate) fn type_name(self, idx: c_int) -> *const c_char {
        // SAFETY: see `forward!`.
        unsafe { ffi::lua_typename(self.0, self.type_of(idx)) }
    }

    /// Raises an error with the position of the calling Lua function in front.
    pub(crate) fn error(self, message: &CStr) -> ! {
        self.error_text(c"%s", message.as_ptr())
    }

    /// Raises an error whose format has one `%s`.
    pub(crate) fn error_text(self, format: &CStr, text: *const c_char) -> ! {
        // SAFETY: the format takes exactly one C string; the call does not return.
        unsafe {
            ffi::luaL_error(self.0, format.as_ptr(), text);
        }
        unreachable!("luaL_error returned")
    }

    /// Raises an error whose format has two `%s`.
    pub(crate) fn error_texts(self, format: &CStr, a: *const c_char, b: *const c_char) -> ! {
        // SAFETY: the format takes exactly two C strings; the call does not return.
        unsafe {
            ffi::luaL_error(self.0, format.as_ptr(), a, b);
        }
        unreachable!("luaL_error returned")
    }

    /// Raises an error whose format has one `%d`.
    pub(crate) fn error_int(self, format: &CStr, n: c_int) -> ! {
        // SAFETY: the format takes exactly one int; the call does not return.
        unsafe {
            ffi::luaL_error(self.0, format.as_ptr(), n);
        }
        unreachable!("luaL_error returned")
    }

    /// Pushes a printable name of the value at `idx` and returns it: its text, or "(a TYPE)".
    pub(crate) fn printable(self, idx: c_int) -> *const c_char {
        // SAFETY: formats match their arguments; the pushed string keeps the result alive.
        unsafe {
            let text = ffi::lua_tolstring(self.0, idx, std::ptr::null_mut());
            if text.is_null() {
                ffi::lua_pushfstring(self.0, c"(a %s)".as_ptr(), self.type_name(idx))
            } else {
                ffi::lua_pushfstring(self.0, c"%s".as_ptr(), text)
            }
        }
    }

    /// Resizes a block through Lua's own allocator, so that the memory limit of the state sees it. A new size of 0
    /// frees; a refused request raises Lua's "not enough memory".
    pub(crate) fn realloc(self, block: *mut c_void, old: usize, new: usize) -> *mut c_void {
        let mut ud = std::ptr::null_mut();
        // SAFETY: block and old size are what an earlier call returned; literals are pushed without allocation of ours.
        unsafe {
            let alloc = ffi::lua_getallocf(self.0, &mut ud);
            let fresh = alloc(ud, block, old, new);
            if fresh.is_null() && new > 0 {
                ffi::lua_pushliteral(self.0, c"not enough memory");
                ffi::lua_error(self.0);
            }
            fresh
        }
    }
}

unsafe extern "C-unwind" fn nothing(_: *mut ffi::lua_State) -> c_int {
    0
}

unsafe fn integer(l: *mut ffi::lua_State, idx: c_int) -> isize {
    // SAFETY: called through `forward!` only.
    unsafe { ffi::luaL_checkinteger(l, idx) as isize }
}

unsafe fn opt_integer(l: *mut ffi::lua_State, idx: c_int, default: isize) -> isize {
    // SAFETY: called through `forward!` only.
    unsafe { ffi::luaL_optinteger(l, idx, default as ffi::lua_Integer) as isize }
}
