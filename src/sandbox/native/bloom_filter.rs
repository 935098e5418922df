//! The `bloom_filter` module: a set that may take an item for one of its own, but never misses one.

use std::ffi::{CStr, c_int, c_void};
use std::ptr::NonNull;

use mlua::ffi::{self, lua_State};

use super::binding::{
    Function, WRONG_COUNT, begin_source, check, check_int, check_key, finish_source, push_class,
    push_library, push_object, put_binary, put_constructor, put_text,
};
use super::hash::xxh32;
use crate::host::{check_bytes, raise};
use crate::number;

const CLASS: &CStr = c"mozsvc.bloom_filter";

const FUNCTIONS: [Function; 2] = [(c"new", new), (c"version", version)];

const METHODS: [Function; 6] = [
    (c"add", add),
    (c"query", query),
    (c"count", count),
    (c"clear", clear),
    (c"fromstring", fromstring),
    (c"lsb_serialize", serialize),
];

/// Opens the module.
pub(super) unsafe extern "C-unwind" fn open(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping. So it is for all functions of this module.
    unsafe {
        push_class(lua, CLASS, &METHODS);
        push_library(lua, &FUNCTIONS);
        1
    }
}

#[repr(C)]
struct Header {
    items: u32,
    hashes: u32,
    bits: usize,
    /// Items that were added.
    count: f64,
    probability: f64,
}

/// A filter on the Lua stack: a header, then the bits.
#[derive(Clone, Copy)]
struct Filter(NonNull<Header>);

impl Filter {
    unsafe fn from_object(block: *mut c_void) -> Filter {
        // SAFETY: `new` made the object.
        Filter(unsafe { NonNull::new_unchecked(block.cast()) })
    }

    fn header(&mut self) -> &mut Header {
        // SAFETY: `new` initialised it, and it lives as long as the object.
        unsafe { self.0.as_mut() }
    }

    fn bytes(&mut self) -> &mut [u8] {
        let length = self.header().bits.div_ceil(8);
        // SAFETY: so many bytes follow the header, all initialised.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_ptr().add(1).cast(), length) }
    }

    /// The places of an item's bits: byte, and mask within it.
    fn places(mut self, key: &[u8]) -> impl Iterator<Item = (usize, u8)> {
        let (hashes, bits) = (self.header().hashes, self.header().bits);
        (0..hashes).map(move |seed| {
            let bit = xxh32(key, seed) as usize % bits;
            (bit / 8, 1 << (bit % 8))
        })
    }

    fn add(&mut self, key: &[u8]) -> bool {
        let mut is_new = false;
        for (at, mask) in self.places(key) {
            let byte = &mut self.bytes()[at];
            is_new |= *byte & mask == 0;
            *byte |= mask;
        }
        self.header().count += f64::from(u8::from(is_new));
        is_new
    }

    fn has(&mut self, key: &[u8]) -> bool {
        self.places(key).all(|(at, mask)| self.bytes()[at] & mask != 0)
    }
}

/// The filter that a method works on, which has so many arguments with itself.
unsafe fn check_self(lua: *mut lua_State, count: std::ops::RangeInclusive<c_int>) -> Filter {
    // SAFETY: see `open`.
    unsafe {
        let filter = Filter::from_object(ffi::luaL_checkudata(lua, 1, CLASS.as_ptr()));
        check(lua, count.contains(&ffi::lua_gettop(lua)), 0, WRONG_COUNT);
        filter
    }
}

/// Lua: `new(items, probability)`.
unsafe extern "C-unwind" fn new(lua: *mut lua_State) -> c_int {
    use std::f64::consts::LN_2;
    // SAFETY: see `open`. The block holds the header and the bits.
    unsafe {
        check(lua, ffi::lua_gettop(lua) == 2, 0, WRONG_COUNT);
        let items = check_int(lua, 1);
        check(lua, items > 1, 1, c"items must be > 1");
        let probability = ffi::luaL_checknumber(lua, 2);
        let is_probability = probability > 0.0 && probability < 1.0;
        check(lua, is_probability, 2, c"probability must be between 0 and 1");
        let bits = (f64::from(items) * probability.ln() / (1.0 / 2_f64.powf(LN_2)).ln()).ceil().max(1.0);
        let hashes = (LN_2 * bits / f64::from(items)).round() as u32;
        let bits = bits as usize;
        let size = bits.div_ceil(8) + size_of::<Header>();
        let block = push_object(lua, CLASS, Some(size)).cast::<Header>();
        block.write(Header { items: items as u32, hashes, bits, count: 0.0, probability });
        block.add(1).cast::<u8>().write_bytes(0, bits.div_ceil(8));
        1
    }
}

/// Lua: `version()`.
unsafe extern "C-unwind" fn version(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe { ffi::lua_pushstring_(lua, c"0.2.0".as_ptr()) };
    1
}

/// Lua: `filter:add(item)`. Returns whether it was new.
unsafe extern "C-unwind" fn add(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let mut filter = check_self(lua, 2..=2);
        let is_new = filter.add(check_key(lua, 2, &mut [0; 8]));
        ffi::lua_pushboolean(lua, is_new.into());
        1
    }
}

/// Lua: `filter:query(item)`. Returns whether it may have been added.
unsafe extern "C-unwind" fn query(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let mut filter = check_self(lua, 2..=2);
        let is_there = filter.has(check_key(lua, 2, &mut [0; 8]));
        ffi::lua_pushboolean(lua, is_there.into());
        1
    }
}

/// Lua: `filter:count()`.
unsafe extern "C-unwind" fn count(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let count = check_self(lua, 1..=1).header().count;
        ffi::lua_pushnumber(lua, count);
        1
    }
}

/// Lua: `filter:clear()`.
unsafe extern "C-unwind" fn clear(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`.
    unsafe {
        let mut filter = check_self(lua, 1..=1);
        filter.header().count = 0.0;
        filter.bytes().fill(0);
        0
    }
}

/// Lua: `filter:fromstring([count,] bytes)`; states of older versions have no count.
unsafe extern "C-unwind" fn fromstring(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`; the bytes stay on the stack.
    unsafe {
        let mut filter = check_self(lua, 2..=3);
        let last = ffi::lua_gettop(lua);
        if last == 3 {
            filter.header().count = ffi::luaL_checknumber(lua, 2).trunc();
        }
        let bytes = check_bytes(lua, last);
        let (found, expected) = (bytes.len(), filter.bytes().len());
        if found != expected {
            raise(lua, format_args!("fromstring() bytes found: {found}, expected {expected}"));
        }
        filter.bytes().copy_from_slice(bytes);
        0
    }
}

/// Gives the Lua source that restores a filter.
unsafe extern "C-unwind" fn serialize(lua: *mut lua_State) -> c_int {
    // SAFETY: see `open`; the source lies in the host.
    unsafe {
        let mut filter = check_self(lua, 2..=2);
        let (source, name) = begin_source(lua);
        let Header { items, probability, count, .. } = *filter.header();
        let mut text = [0; number::LONGEST];
        let length = number::format_g(probability, 6, &mut text);
        let probability = std::str::from_utf8(&text[..length]).unwrap_or_default();
        put_constructor(source, name, format_args!("bloom_filter.new({items}, {probability})"));
        source.extend_from_slice(name);
        put_text(source, format_args!(":fromstring({count}, \""));
        put_binary(source, filter.bytes());
        source.extend_from_slice(b"\")\n");
        finish_source(lua)
    }
}
