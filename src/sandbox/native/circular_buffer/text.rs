//! A buffer as text: for payloads, all of it (cbuf) or what changed (cbufd), and as Lua source.

use std::ffi::c_int;

use mlua::ffi::lua_State;

use super::buffer::Buffer;
use super::{check_self, delta};
use crate::host::Host;
use crate::native::binding::{
    begin_source, finish_output, finish_source, put, put_constructor, put_number, put_text,
};
use crate::number;
use crate::output::Overflow;

/// Writes the text of a payload.
pub(super) unsafe extern "C-unwind" fn output(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping.
    unsafe {
        let buffer = check_self(lua, 1);
        if !buffer.shows_deltas() {
            let written = header(Host::of(lua), buffer).and_then(|()| cells(Host::of(lua), buffer));
            return finish_output(lua, written);
        }
        if buffer.deltas().is_none() {
            // Nothing changed: no header either, so that no message comes of it.
            return finish_output(lua, Ok(()));
        }
        let written = header(Host::of(lua), buffer).and_then(|()| changes(lua, buffer));
        if written.is_ok() {
            delta::forget(lua, buffer);
        }
        finish_output(lua, written)
    }
}

fn header(host: &mut Host, mut buffer: Buffer) -> Result<(), Overflow> {
    let number = |host: &mut Host, name: &str, value: i64| {
        put(host, name.as_bytes())?;
        put(host, itoa(value, &mut [0; 24]))
    };
    number(host, "{\"time\":", buffer.start_time())?;
    number(host, ",\"rows\":", buffer.rows() as i64)?;
    number(host, ",\"columns\":", buffer.columns() as i64)?;
    number(host, ",\"seconds_per_row\":", buffer.seconds_per_row())?;
    put(host, b",\"column_info\":[")?;
    for index in 0..buffer.columns() {
        let column = buffer.column(index);
        put(host, if index == 0 { b"{\"name\":\"" } else { b",{\"name\":\"" })?;
        put(host, column.name())?;
        put(host, b"\",\"unit\":\"")?;
        put(host, column.unit())?;
        put(host, b"\",\"aggregation\":\"")?;
        put(host, column.aggregation_name())?;
        put(host, b"\"}")?;
    }
    put(host, b"]}\n")
}

fn itoa(value: i64, text: &mut [u8; 24]) -> &[u8] {
    let room = text.len();
    let mut rest = &mut text[..];
    // Twenty characters at most.
    let _ = std::io::Write::write_fmt(&mut rest, format_args!("{value}"));
    let length = room - rest.len();
    &text[..length]
}

/// A line a row, from the oldest to the newest.
fn cells(host: &mut Host, mut buffer: Buffer) -> Result<(), Overflow> {
    let (rows, columns) = (buffer.rows(), buffer.columns());
    let newest = buffer.current_row() as usize;
    let first = if newest + 1 >= rows { 0 } else { newest + 1 };
    for step in 0..rows {
        let row = (first + step) % rows;
        for column in 0..columns {
            if column > 0 {
                put(host, b"\t")?;
            }
            put_number(host, *buffer.cell(row, column))?;
        }
        put(host, b"\n")?;
    }
    Ok(())
}

/// A line a row that changed: its time, then what changed in each column.
unsafe fn changes(lua: *mut lua_State, buffer: Buffer) -> Result<(), Overflow> {
    // SAFETY: as for `output`; the host is borrowed between calls into Lua only.
    unsafe {
        delta::for_each(lua, buffer, |time, place| {
            put_number(Host::of(lua), time)?;
            for column in 0..buffer.columns() {
                put(Host::of(lua), b"\t")?;
                let change = delta::cell(lua, place, column);
                put_number(Host::of(lua), change.unwrap_or(f64::NAN))?;
            }
            put(Host::of(lua), b"\n")
        })
    }
}

/// Gives the Lua source that restores a buffer.
pub(super) unsafe extern "C-unwind" fn serialize(lua: *mut lua_State) -> c_int {
    // SAFETY: as for `output`; the source lies in the host.
    unsafe {
        let mut buffer = check_self(lua, 2);
        let (source, name) = begin_source(lua);
        let (rows, columns, seconds) = (buffer.rows(), buffer.columns(), buffer.seconds_per_row());
        let deltas = if buffer.has_deltas() { ", true" } else { "" };
        let arguments = format_args!("circular_buffer.new({rows}, {columns}, {seconds}{deltas})");
        put_constructor(source, name, arguments);
        for index in 0..columns {
            let column = buffer.column(index);
            source.extend_from_slice(name);
            put_text(source, format_args!(":set_header({}, \"", index + 1));
            source.extend_from_slice(column.name());
            source.extend_from_slice(b"\", \"");
            source.extend_from_slice(column.unit());
            source.extend_from_slice(b"\", \"");
            source.extend_from_slice(column.aggregation_name());
            source.extend_from_slice(b"\")\n");
        }
        source.extend_from_slice(name);
        let (time, row) = (buffer.current_time(), buffer.current_row());
        put_text(source, format_args!(":fromstring(\"{time} {row}"));
        buffer.values().iter().for_each(|value| put_value(source, *value));
        let Ok(()) = delta::for_each(lua, buffer, |time, place| {
            put_value(&mut Host::of(lua).source, time);
            for column in 0..columns {
                let change = delta::cell(lua, place, column);
                put_value(&mut Host::of(lua).source, change.unwrap_or(0.0));
            }
            Ok::<(), std::convert::Infallible>(())
        });
        Host::of(lua).source.extend_from_slice(b"\")\n");
        finish_source(lua)
    }
}

/// Appends a blank and a number, which `fromstring` reads and not Lua.
fn put_value(source: &mut Vec<u8>, value: f64) {
    let mut text = [0; number::LONGEST];
    let length = number::format(value, &mut text);
    source.push(b' ');
    source.extend_from_slice(&text[..length]);
}
