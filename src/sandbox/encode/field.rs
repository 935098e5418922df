//! The `Fields` of a message table.

use std::ffi::c_int;

use heka_message::ValueType;
use mlua::ffi;

use super::{Failure, Key, SLOTS, Walk, wrapped};
use crate::api::{Unwritten, put_userdata};
use crate::host::bytes_at;

/// Field tables may hold field tables as values, but a table that holds itself ends here.
const DEEPEST: usize = 100;

const STRING: i32 = ValueType::String.raw();
const BYTES: i32 = ValueType::Bytes.raw();
const INTEGER: i32 = ValueType::Integer.raw();
const DOUBLE: i32 = ValueType::Double.raw();
const BOOL: i32 = ValueType::Bool.raw();

/// A field's value once tables around it are taken off: stack indices, and what they said about it.
struct Described {
    value: c_int,
    value_type: Option<i32>,
    /// Stack index of the representation.
    representation: Option<c_int>,
    is_array: bool,
}

impl Walk {
    /// Encodes the table on top of the stack.
    pub(super) unsafe fn fields(&self) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            let table = ffi::lua_gettop(self.lua);
            ffi::lua_rawgeti_(self.lua, table, 1);
            let listed = ffi::lua_type(self.lua, -1) == ffi::LUA_TTABLE;
            ffi::lua_settop(self.lua, table);
            if listed { self.listed_fields(table) } else { self.named_fields(table) }
        }
    }

    /// `{{name = ..., value = ...}, ...}`
    unsafe fn listed_fields(&self, table: c_int) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            for index in 1.. {
                ffi::lua_rawgeti_(self.lua, table, index);
                if ffi::lua_type(self.lua, -1) == ffi::LUA_TNIL {
                    break;
                }
                self.get(self.table(table + 1), Key::Name);
                self.field(table + 2, table + 1, true)?;
                ffi::lua_settop(self.lua, table);
            }
            Ok(())
        }
    }

    /// `{name = value, ...}`
    unsafe fn named_fields(&self, table: c_int) -> Result<(), Failure> {
        // SAFETY: as for `encode`. A number as key becomes a string in its place, and the next step fails: kept.
        unsafe {
            ffi::lua_pushnil(self.lua);
            while ffi::lua_next(self.lua, table) != 0 {
                self.field(table + 1, table + 2, false)?;
                ffi::lua_settop(self.lua, table + 1);
            }
            Ok(())
        }
    }

    unsafe fn field(&self, name: c_int, value: c_int, is_object: bool) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            if ffi::lua_isstring(self.lua, name) == 0 {
                return Err(Failure::Invalid { what: "field name must be a string", detail: "" });
            }
            self.out().put_byte(10 << 3 | 2)?;
            let start = self.out().begin()?;
            self.put_bytes(1, bytes_at(self.lua, name))?;
            let described = self.describe(value, is_object)?;
            if described.is_array {
                self.array(&described)?
            } else {
                self.single(&described)?
            }
            Ok(self.out().end(start)?)
        }
    }

    /// Takes off tables of the form `{value = ..., value_type = ..., representation = ...}`.
    unsafe fn describe(&self, value: c_int, is_object: bool) -> Result<Described, Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            let plain = Described { value, value_type: None, representation: None, is_array: false };
            let mut described = plain;
            let mut is_object = is_object;
            for _ in 0..DEEPEST {
                if !is_object {
                    if ffi::lua_type(self.lua, described.value) != ffi::LUA_TTABLE {
                        return Ok(described);
                    }
                    ffi::lua_rawgeti_(self.lua, described.value, 1);
                    if ffi::lua_type(self.lua, -1) != ffi::LUA_TNIL {
                        described.is_array = true;
                        return Ok(described);
                    }
                    ffi::lua_pop(self.lua, 1);
                }
                is_object = false;
                described = self.object(described.value);
            }
            Err(Failure::Invalid { what: "unsupported type: ", detail: "table" })
        }
    }

    unsafe fn object(&self, table: c_int) -> Described {
        // SAFETY: as for `encode`.
        unsafe {
            ffi::luaL_checkstack(self.lua, SLOTS, c"message".as_ptr());
            let table = self.table(table);
            self.get(table, Key::ValueType);
            let value_type = match ffi::lua_isnumber(self.lua, -1) {
                0 => None,
                _ => Some(ffi::lua_tointeger_(self.lua, -1) as i32),
            };
            ffi::lua_pop(self.lua, 1);
            let kind = self.get(table, Key::Representation);
            let has_representation = kind == ffi::LUA_TSTRING || kind == ffi::LUA_TNUMBER;
            let representation = has_representation.then(|| ffi::lua_gettop(self.lua));
            if !has_representation {
                ffi::lua_pop(self.lua, 1);
            }
            self.get(table, Key::Value);
            Described { value: ffi::lua_gettop(self.lua), value_type, representation, is_array: false }
        }
    }

    /// Writes what precedes the values.
    unsafe fn head(&self, value_type: i32, described: &Described) -> Result<(), Failure> {
        if value_type != STRING {
            self.out().put(&[2 << 3, value_type as u8])?;
        }
        if let Some(index) = described.representation {
            // SAFETY: the index is of a string or number.
            self.put_bytes(3, unsafe { bytes_at(self.lua, index) })?;
        }
        Ok(())
    }

    unsafe fn single(&self, described: &Described) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            let kind = ffi::lua_type(self.lua, described.value);
            if kind == ffi::LUA_TUSERDATA {
                return self.userdata(described);
            }
            let Some(value_type) = value_type(kind, described.value_type)? else {
                return Err(Failure::Invalid { what: "unsupported type: ", detail: type_name(kind) });
            };
            self.head(value_type, described)?;
            self.value(described.value, value_type, true)
        }
    }

    /// Writes one value of this type, with its tag unless the list around it is packed.
    #[inline]
    unsafe fn value(&self, index: c_int, value_type: i32, tagged: bool) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            let out = self.out();
            match value_type {
                STRING => return self.put_bytes(4, bytes_at(self.lua, index)),
                BYTES => return self.put_bytes(5, bytes_at(self.lua, index)),
                INTEGER => {
                    let number = wrapped(ffi::lua_tonumber(self.lua, index));
                    if tagged && self.packs_single {
                        let length = (u64::BITS - (number | 1).leading_zeros()).div_ceil(7);
                        out.put(&[6 << 3 | 2, length as u8])?;
                    } else if tagged {
                        out.put_byte(6 << 3)?;
                    }
                    out.put_varint(number)?;
                }
                DOUBLE => {
                    if tagged && self.packs_single {
                        out.put(&[7 << 3 | 2, 8])?;
                    } else if tagged {
                        out.put_byte(7 << 3 | 1)?;
                    }
                    out.put(&ffi::lua_tonumber(self.lua, index).to_le_bytes())?;
                }
                _ => {
                    if tagged && self.packs_single {
                        out.put(&[8 << 3 | 2, 1])?;
                    } else if tagged {
                        out.put_byte(8 << 3)?;
                    }
                    out.put_byte(u8::from(ffi::lua_toboolean(self.lua, index) != 0))?;
                }
            }
            Ok(())
        }
    }

    /// Writes the table's members in Lua's order; the first element is on top of the stack.
    unsafe fn array(&self, described: &Described) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            let kind = ffi::lua_type(self.lua, -1);
            let Some(value_type) = value_type(kind, described.value_type)? else {
                return Err(Failure::Invalid { what: "unsupported array type: ", detail: type_name(kind) });
            };
            ffi::lua_pop(self.lua, 1);
            self.head(value_type, described)?;
            let tag = match value_type {
                INTEGER => 6,
                DOUBLE => 7,
                BOOL => 8,
                _ => 0,
            };
            if tag == 0 || ffi::lua_objlen(self.lua, described.value) == 1 {
                return self.elements(described.value, kind, value_type, true);
            }
            self.out().put_byte(tag << 3 | 2)?;
            let start = self.out().begin()?;
            self.elements(described.value, kind, value_type, false)?;
            Ok(self.out().end(start)?)
        }
    }

    unsafe fn elements(
        &self,
        table: c_int,
        kind: c_int,
        value_type: i32,
        tagged: bool,
    ) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            ffi::lua_pushnil(self.lua);
            let value = ffi::lua_gettop(self.lua) + 1;
            while ffi::lua_next(self.lua, table) != 0 {
                if ffi::lua_type(self.lua, value) != kind {
                    return Err(Failure::Invalid { what: "array has mixed types", detail: "" });
                }
                self.value(value, value_type, tagged)?;
                ffi::lua_pop(self.lua, 1);
            }
            Ok(())
        }
    }

    /// A userdata that can write itself is a field of bytes.
    unsafe fn userdata(&self, described: &Described) -> Result<(), Failure> {
        // SAFETY: as for `encode`.
        unsafe {
            self.head(BYTES, described)?;
            self.out().put_byte(5 << 3 | 2)?;
            let start = self.out().begin()?;
            put_userdata(self.lua, described.value).map_err(|why| match why {
                Unwritten::Overflow => Failure::Overflow,
                Unwritten::Unsupported(_) => {
                    Failure::Invalid { what: "user data object does not implement lsb_output", detail: "" }
                }
            })?;
            Ok(self.out().end(start)?)
        }
    }
}

/// The field type of a Lua type, `None` if it has none.
fn value_type(kind: c_int, wanted: Option<i32>) -> Result<Option<i32>, Failure> {
    let (default, other, what) = match kind {
        ffi::LUA_TSTRING => (STRING, BYTES, "invalid string value_type: "),
        ffi::LUA_TNUMBER => (DOUBLE, INTEGER, "invalid numeric value_type: "),
        ffi::LUA_TBOOLEAN => (BOOL, BOOL, "invalid boolean value_type: "),
        _ => return Ok(None),
    };
    match wanted {
        None => Ok(Some(default)),
        Some(wanted) if wanted == default || wanted == other => Ok(Some(wanted)),
        Some(number) => Err(Failure::Number { what, number }),
    }
}

fn type_name(kind: c_int) -> &'static str {
    match kind {
        ffi::LUA_TNIL | ffi::LUA_TNONE => "nil",
        ffi::LUA_TBOOLEAN => "boolean",
        ffi::LUA_TNUMBER => "number",
        ffi::LUA_TSTRING => "string",
        ffi::LUA_TTABLE => "table",
        ffi::LUA_TFUNCTION => "function",
        ffi::LUA_TTHREAD => "thread",
        _ => "userdata",
    }
}
