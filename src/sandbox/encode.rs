//! A script's message table as protobuf, straight into the output buffer.
//!
//! The walk uses Lua's own accessors on strings that lie in upvalues: no lookup hashes a name, and nothing is allocated
//! for a field.

mod field;

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use crate::host::{Host, bytes_at};
use crate::layout::{HEAD, HOSTNAME, LOGGER, Layout, PAYLOAD, PID, SEVERITY, TYPE};
use crate::output::{Output, Overflow};
use crate::settings::Reencoding;

/// The strings that `inject_message` holds as upvalues.
pub(crate) const KEYS: &[&CStr] = &[
    c"Uuid",
    c"Timestamp",
    c"Type",
    c"Logger",
    c"Severity",
    c"Payload",
    c"EnvVersion",
    c"Pid",
    c"Hostname",
    c"Fields",
    c"name",
    c"value",
    c"value_type",
    c"representation",
];

/// A key by its place in [`KEYS`], from 1.
#[derive(Clone, Copy)]
enum Key {
    Uuid = 1,
    Timestamp,
    Type,
    Logger,
    Severity,
    Payload,
    EnvVersion,
    Pid,
    Hostname,
    Fields,
    Name,
    Value,
    ValueType,
    Representation,
}

/// Why a table is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It does not fit into the output.
    Overflow,
    /// A value is wrong.
    Invalid { what: &'static str, detail: &'static str },
    /// A number is wrong.
    Number { what: &'static str, number: i32 },
}

impl From<Overflow> for Failure {
    fn from(_: Overflow) -> Failure {
        Failure::Overflow
    }
}

/// A value that members are taken of, by its place on the stack.
#[derive(Clone, Copy)]
struct Table {
    index: c_int,
    /// It is a table without metatable; anything else goes by Lua's own rules.
    is_plain: bool,
}

/// Lua slots that the walk needs beyond those that are guaranteed.
const SLOTS: c_int = 20;

/// A walk over the table at stack index 1.
struct Walk {
    lua: *mut lua_State,
    out: *mut Output,
    /// Single numbers are written like lists of one.
    packs_single: bool,
}

/// Encodes the table that is the only argument of the running host function, one that was made with [`KEYS`].
///
/// # Errors
/// The table is no message; the output is then empty. Metamethods and odd keys may raise Lua errors.
///
/// # Safety
/// As [`crate::host::raise`].
pub(crate) unsafe fn encode(lua: *mut lua_State) -> Result<(), Failure> {
    // SAFETY: as promised.
    unsafe {
        ffi::luaL_checkstack(lua, SLOTS, c"message".as_ptr());
        let host = Host::of(lua);
        host.output.clear();
        host.writes += 1;
        let writes = (host.writes, host.object_writes);
        let mut walk = Walk { lua, out: &raw mut host.output, packs_single: false };
        let mut layout = Layout::default();
        let mut result = walk.message(&mut layout);
        let host = Host::of(lua);
        if (host.writes, host.object_writes) != writes {
            // A metamethod or finalizer injected something or wrote to the payload.
            result =
                Err(Failure::Invalid { what: "the output was used while the message was read", detail: "" });
        }
        host.layout = layout;
        if result.is_err() {
            host.output.clear();
        }
        result
    }
}

impl Walk {
    unsafe fn message(&mut self, layout: &mut Layout) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            let table = self.table(1);
            self.uuid(table)?;
            layout.timestamp_at = self.length();
            layout.timestamp = self.timestamp(table)?;
            layout.ends[HEAD] = self.length();
            self.text(table, Key::Type, 3)?;
            layout.ends[TYPE] = self.length();
            self.text(table, Key::Logger, 4)?;
            layout.ends[LOGGER] = self.length();
            layout.has_wide_number |= self.integer(table, Key::Severity, 5)?;
            layout.ends[SEVERITY] = self.length();
            self.text(table, Key::Payload, 6)?;
            self.text(table, Key::EnvVersion, 7)?;
            layout.ends[PAYLOAD] = self.length();
            layout.has_wide_number |= self.integer(table, Key::Pid, 8)?;
            layout.ends[PID] = self.length();
            self.text(table, Key::Hostname, 9)?;
            layout.ends[HOSTNAME] = self.length();
            self.packs_single = match Host::of(self.lua).reencoding {
                Reencoding::Never => false,
                Reencoding::WhenIncomplete => layout.is_incomplete(),
                Reencoding::Always => true,
            };
            if self.get(table, Key::Fields) == ffi::LUA_TTABLE {
                self.fields()?;
            }
            ffi::lua_settop(self.lua, 1);
            Ok(())
        }
    }

    #[inline]
    fn length(&self) -> usize {
        self.out().len()
    }

    #[inline]
    #[expect(
        clippy::mut_from_ref,
        reason = "the output belongs to the host; each borrow ends before Lua runs again"
    )]
    fn out(&self) -> &mut Output {
        // SAFETY: the host outlives the walk.
        unsafe { &mut *self.out }
    }

    /// Looks at the value at this place, to get members of it.
    #[inline]
    unsafe fn table(&self, index: c_int) -> Table {
        // SAFETY: the slots were checked.
        unsafe {
            let is_table = ffi::lua_type(self.lua, index) == ffi::LUA_TTABLE;
            let has_metatable = ffi::lua_getmetatable(self.lua, index) != 0;
            if has_metatable {
                ffi::lua_pop(self.lua, 1);
            }
            Table { index, is_plain: is_table && !has_metatable }
        }
    }

    /// Pushes the table's member; gives its type.
    #[inline]
    unsafe fn get(&self, table: Table, key: Key) -> c_int {
        // SAFETY: the slots were checked.
        unsafe {
            ffi::lua_pushvalue(self.lua, ffi::lua_upvalueindex(key as c_int));
            if table.is_plain {
                ffi::lua_rawget_(self.lua, table.index);
            } else {
                ffi::lua_gettable_(self.lua, table.index);
            }
            ffi::lua_type(self.lua, -1)
        }
    }

    unsafe fn uuid(&self, table: Table) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            let given: &[u8] = match self.get(table, Key::Uuid) {
                ffi::LUA_TSTRING => bytes_at(self.lua, -1),
                _ => &[],
            };
            self.out().put(&[0x0a, 16])?;
            if given.len() == 16 {
                self.out().put(given)?;
            } else {
                let uuid = Host::of(self.lua).random.uuid();
                self.out().put(&uuid)?;
            }
            ffi::lua_pop(self.lua, 1);
            Ok(())
        }
    }

    unsafe fn timestamp(&self, table: Table) -> Result<i64, Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            self.get(table, Key::Timestamp);
            let value = if ffi::lua_isnumber(self.lua, -1) != 0 {
                wrapped(ffi::lua_tonumber(self.lua, -1))
            } else {
                // Whole seconds, as it always was.
                (libc::time(std::ptr::null_mut()) as u64).wrapping_mul(1_000_000_000)
            };
            ffi::lua_pop(self.lua, 1);
            self.out().put_byte(2 << 3)?;
            self.out().put_varint(value)?;
            Ok(value as i64)
        }
    }

    unsafe fn text(&self, table: Table, key: Key, number: u8) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            let kind = self.get(table, key);
            if kind == ffi::LUA_TSTRING || kind == ffi::LUA_TNUMBER {
                self.put_bytes(number, bytes_at(self.lua, -1))?;
            }
            ffi::lua_pop(self.lua, 1);
            Ok(())
        }
    }

    /// Writes a number; tells whether it is more than 31 bits.
    unsafe fn integer(&self, table: Table, key: Key, number: u8) -> Result<bool, Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            self.get(table, key);
            let mut is_wide = false;
            if ffi::lua_isnumber(self.lua, -1) != 0 {
                let value = wrapped(ffi::lua_tonumber(self.lua, -1));
                self.out().put_byte(number << 3)?;
                self.out().put_varint(value)?;
                is_wide = i32::try_from(value).is_err();
            }
            ffi::lua_pop(self.lua, 1);
            Ok(is_wide)
        }
    }

    #[inline]
    fn put_bytes(&self, number: u8, bytes: &[u8]) -> Result<(), Failure> {
        let out = self.out();
        if bytes.len() < 0x80 {
            out.put(&[number << 3 | 2, bytes.len() as u8])?;
        } else {
            out.put_byte(number << 3 | 2)?;
            out.put_varint(bytes.len() as u64)?;
        }
        Ok(out.put(bytes)?)
    }
}

/// C's conversion to an unsigned number: fractions cut, negative ones wrapped.
#[inline]
fn wrapped(number: f64) -> u64 {
    if number >= i64::MAX as f64 { number as u64 } else { number as i64 as u64 }
}
