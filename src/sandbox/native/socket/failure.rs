//! Why an operation on a socket failed, and how scripts are told.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use crate::host::{Host, ShortText, push_bytes};

/// Why an operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Timeout,
    Closed,
    /// The plugin is to stop. Not told to the script but raised as an error.
    Interrupted,
    /// A system error.
    Os(c_int),
    /// An error of the resolver.
    Resolver(c_int),
    /// Anything else.
    Other(&'static str),
}

impl Failure {
    /// The last system error.
    pub(super) fn last() -> Failure {
        Failure::Os(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    /// The result of a system call that gives -1 on failure.
    pub(super) fn check(result: c_int) -> Result<c_int, Failure> {
        if result == -1 { Err(Failure::last()) } else { Ok(result) }
    }

    fn fixed_text(self) -> Option<&'static str> {
        Some(match self {
            Failure::Timeout | Failure::Os(libc::ETIMEDOUT) => "timeout",
            Failure::Closed | Failure::Os(libc::ECONNABORTED | libc::ECONNRESET) => "closed",
            Failure::Interrupted => "shutting down",
            Failure::Os(libc::EADDRINUSE) => "address already in use",
            Failure::Os(libc::EISCONN) => "already connected",
            Failure::Os(libc::EACCES) => "permission denied",
            Failure::Os(libc::ECONNREFUSED) => "connection refused",
            Failure::Resolver(libc::EAI_AGAIN) => "temporary failure in name resolution",
            Failure::Resolver(libc::EAI_BADFLAGS) => "invalid value for ai_flags",
            Failure::Resolver(libc::EAI_FAIL) => "non-recoverable failure in name resolution",
            Failure::Resolver(libc::EAI_FAMILY) => "ai_family not supported",
            Failure::Resolver(libc::EAI_MEMORY) => "memory allocation failure",
            Failure::Resolver(libc::EAI_NONAME) => "host or service not provided, or not known",
            Failure::Resolver(libc::EAI_OVERFLOW) => "argument buffer overflow",
            Failure::Resolver(libc::EAI_SERVICE) => "service not supported for socket type",
            Failure::Resolver(libc::EAI_SOCKTYPE) => "ai_socktype not supported",
            Failure::Other(text) => text,
            Failure::Os(_) | Failure::Resolver(_) => return None,
        })
    }

    /// Pushes the text, or raises the interruption.
    ///
    /// # Safety
    /// Called from a host function with nothing on its frame that needs dropping and a free slot of the stack.
    pub(super) unsafe fn push_text(self, lua: *mut lua_State) {
        // SAFETY: as promised.
        unsafe {
            if self == Failure::Interrupted {
                Host::of(lua).budget.note_interruption();
                ffi::luaL_error(lua, c"shutting down".as_ptr());
            }
            if let Some(text) = self.fixed_text() {
                return push_bytes(lua, text.as_bytes());
            }
            let text = match self {
                Failure::Resolver(code) => {
                    let mut text = ShortText::new();
                    text.put(CStr::from_ptr(libc::gai_strerror(code)).to_bytes());
                    text
                }
                Failure::Os(code) => {
                    ShortText::of(format_args!("{}", std::io::Error::from_raw_os_error(code)))
                }
                _ => ShortText::new(),
            };
            push_bytes(lua, without_code(text.bytes()));
        }
    }

    /// Pushes nil and the text: the usual result of an operation that failed.
    ///
    /// # Safety
    /// As [`Failure::push_text`].
    pub(super) unsafe fn push(self, lua: *mut lua_State) -> c_int {
        // SAFETY: as promised.
        unsafe {
            ffi::lua_pushnil(lua);
            self.push_text(lua);
            2
        }
    }
}

/// The text of a system error as C has it: Rust appends " (os error N)".
fn without_code(text: &[u8]) -> &[u8] {
    let end = text.windows(11).position(|part| part == b" (os error ");
    &text[..end.unwrap_or(text.len())]
}

/// Pushes 1 or the failure: the result of an operation that has nothing else to tell.
///
/// # Safety
/// As [`Failure::push_text`].
pub(super) unsafe fn push_done(lua: *mut lua_State, done: Result<(), Failure>) -> c_int {
    // SAFETY: as promised.
    unsafe {
        match done {
            Ok(()) => {
                ffi::lua_pushnumber(lua, 1.0);
                1
            }
            Err(why) => why.push(lua),
        }
    }
}
