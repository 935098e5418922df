//! `decode_message`: protobuf to a table.

use std::ffi::{CStr, c_int};

use mlua::ffi::{self, lua_State};

use crate::host::{bytes_at, push_bytes, raise};

/// Less than a uuid and a timestamp cannot be.
const SHORTEST: usize = 20;

const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const DELIMITED: u64 = 2;

/// Lua: `decode_message(bytes)`.
pub(crate) unsafe extern "C-unwind" fn decode_message(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        if ffi::lua_gettop(lua) != 1 || ffi::lua_type(lua, 1) != ffi::LUA_TSTRING {
            ffi::luaL_argerror(lua, 0, c"must have one string argument".as_ptr());
        }
        let bytes = bytes_at(lua, 1);
        if bytes.len() < SHORTEST {
            raise(lua, format_args!("invalid message, too short"));
        }
        ffi::lua_createtable(lua, 0, 10);
        if let Err(Bad { tag, offset }) = message(lua, bytes) {
            let (number, wire) = (tag >> 3, tag & 7);
            raise(lua, format_args!("error in tag: {number} wiretype: {wire} offset: {offset}"));
        }
        let has_uuid = has(lua, c"Uuid");
        let has_timestamp = has(lua, c"Timestamp");
        if !has_uuid || !has_timestamp {
            let text = |found| if found { "found" } else { "not found" };
            let (uuid, timestamp) = (text(has_uuid), text(has_timestamp));
            raise(lua, format_args!("missing required field uuid: {uuid} timestamp: {timestamp}"));
        }
        1
    }
}

/// Where the bytes stop to make sense.
struct Bad {
    tag: u64,
    offset: usize,
}

/// A place in protobuf bytes.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Where `bytes` begin in the message.
    offset: usize,
    tag: u64,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], offset: usize) -> Reader<'a> {
        Reader { bytes, at: 0, offset, tag: 0 }
    }

    fn next_tag(&mut self) -> Result<bool, Bad> {
        if self.at >= self.bytes.len() {
            return Ok(false);
        }
        self.tag = 0;
        self.tag = self.varint()?;
        Ok(true)
    }

    fn bad(&self) -> Bad {
        Bad { tag: self.tag, offset: self.offset + self.at }
    }

    fn varint(&mut self) -> Result<u64, Bad> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let Some(&byte) = self.bytes.get(self.at) else { break };
            self.at += 1;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.bad())
    }

    fn delimited(&mut self) -> Result<&'a [u8], Bad> {
        let length = self.varint()?;
        let end = usize::try_from(length).ok().and_then(|length| self.at.checked_add(length));
        let Some(slice) = end.and_then(|end| self.bytes.get(self.at..end)) else { return Err(self.bad()) };
        self.at += slice.len();
        Ok(slice)
    }

    fn fixed64(&mut self) -> Result<f64, Bad> {
        let Some(bytes) = self.bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) else {
            return Err(self.bad());
        };
        self.at += 8;
        Ok(f64::from_le_bytes(*bytes))
    }
}

/// Fills the table on top of the stack.
unsafe fn message(lua: *mut lua_State, bytes: &[u8]) -> Result<(), Bad> {
    // SAFETY: as for `decode_message`; readers own nothing.
    unsafe {
        let table = ffi::lua_gettop(lua);
        let mut reader = Reader::new(bytes, 0);
        let mut fields = 0;
        while reader.next_tag()? {
            let (number, wire) = (reader.tag >> 3, reader.tag & 7);
            let name = match (number, wire) {
                (1, DELIMITED) => c"Uuid",
                (2, VARINT) => c"Timestamp",
                (3, DELIMITED) => c"Type",
                (4, DELIMITED) => c"Logger",
                (5, VARINT) => c"Severity",
                (6, DELIMITED) => c"Payload",
                (7, DELIMITED) => c"EnvVersion",
                (8, VARINT) => c"Pid",
                (9, DELIMITED) => c"Hostname",
                (10, DELIMITED) => {
                    if fields == 0 {
                        ffi::lua_createtable(lua, 0, 0);
                    }
                    let slice = reader.delimited()?;
                    ffi::lua_createtable(lua, 0, 4);
                    field(lua, slice, reader.at - slice.len())?;
                    fields += 1;
                    ffi::lua_rawseti_(lua, table + 1, fields);
                    continue;
                }
                _ => return Err(reader.bad()),
            };
            if wire == VARINT {
                ffi::lua_pushnumber(lua, reader.varint()? as i64 as f64);
            } else {
                let text = reader.delimited()?;
                if number == 1 && text.len() != 16 {
                    return Err(reader.bad());
                }
                push_bytes(lua, text);
            }
            ffi::lua_setfield(lua, table, name.as_ptr());
        }
        if fields > 0 {
            ffi::lua_setfield(lua, table, c"Fields".as_ptr());
        }
        Ok(())
    }
}

/// Fills the field's table on top of the stack.
unsafe fn field(lua: *mut lua_State, bytes: &[u8], offset: usize) -> Result<(), Bad> {
    // SAFETY: as for `message`.
    unsafe {
        let table = ffi::lua_gettop(lua);
        let mut reader = Reader::new(bytes, offset);
        let mut values = 0;
        let mut has_name = false;
        while reader.next_tag()? {
            let (number, wire) = (reader.tag >> 3, reader.tag & 7);
            if (4..=8).contains(&number) && values == 0 && ffi::lua_gettop(lua) == table {
                ffi::lua_createtable(lua, 1, 0);
            }
            match (number, wire) {
                (1, DELIMITED) => {
                    set_text(lua, table, c"name", reader.delimited()?);
                    has_name = true;
                }
                (3, DELIMITED) => set_text(lua, table, c"representation", reader.delimited()?),
                (2, VARINT) => {
                    ffi::lua_pushnumber(lua, reader.varint()? as i32 as f64);
                    ffi::lua_setfield(lua, table, c"value_type".as_ptr());
                }
                (4 | 5, DELIMITED) => {
                    push_bytes(lua, reader.delimited()?);
                    values += 1;
                    ffi::lua_rawseti_(lua, -2, values);
                }
                (6..=8, DELIMITED) => {
                    let slice = reader.delimited()?;
                    let mut packed = Reader::new(slice, reader.offset + reader.at - slice.len());
                    packed.tag = reader.tag;
                    while packed.at < slice.len() {
                        element(lua, &mut packed, number, &mut values)?;
                    }
                }
                (6 | 8, VARINT) | (7, FIXED64) => element(lua, &mut reader, number, &mut values)?,
                _ => return Err(reader.bad()),
            }
        }
        if !has_name {
            return Err(reader.bad());
        }
        if ffi::lua_gettop(lua) > table {
            ffi::lua_setfield(lua, table, c"value".as_ptr());
        }
        Ok(())
    }
}

/// Appends a number or bool to the list on top of the stack.
unsafe fn element(
    lua: *mut lua_State,
    reader: &mut Reader<'_>,
    number: u64,
    count: &mut c_int,
) -> Result<(), Bad> {
    // SAFETY: as for `message`.
    unsafe {
        match number {
            6 => ffi::lua_pushnumber(lua, reader.varint()? as i64 as f64),
            7 => ffi::lua_pushnumber(lua, reader.fixed64()?),
            _ => ffi::lua_pushboolean(lua, (reader.varint()? != 0).into()),
        }
        *count += 1;
        ffi::lua_rawseti_(lua, -2, *count);
        Ok(())
    }
}

unsafe fn set_text(lua: *mut lua_State, table: c_int, name: &CStr, text: &[u8]) {
    // SAFETY: as for `message`.
    unsafe {
        push_bytes(lua, text);
        ffi::lua_setfield(lua, table, name.as_ptr());
    }
}

unsafe fn has(lua: *mut lua_State, name: &CStr) -> bool {
    // SAFETY: the message's table is on top of the stack.
    unsafe {
        ffi::lua_getfield_(lua, -1, name.as_ptr());
        let found = ffi::lua_type(lua, -1) != ffi::LUA_TNIL;
        ffi::lua_pop(lua, 1);
        found
    }
}
