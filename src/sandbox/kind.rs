//! The kinds of sandboxes, as data: which host functions and which parts of Lua's library each one has.

use std::ffi::CStr;

use mlua::ffi::lua_CFunction;

use crate::api;

/// A host function.
#[derive(Debug)]
pub(crate) struct HostFunction {
    /// Its global name.
    pub(crate) name: &'static CStr,
    pub(crate) function: lua_CFunction,
    /// Strings that it gets as upvalues, so that a lookup by one of them need not hash it.
    pub(crate) keys: &'static [&'static CStr],
}

const fn plain(name: &'static CStr, function: lua_CFunction) -> HostFunction {
    HostFunction { name, function, keys: &[] }
}

/// What a kind of plugin gives its scripts.
#[derive(Debug)]
pub struct Kind {
    /// Its name in errors of this crate.
    pub name: &'static str,
    pub(crate) functions: &'static [HostFunction],
    /// Names that are taken out of a library once it is loaded; "" is the base library.
    pub(crate) removed: &'static [(&'static CStr, &'static [&'static CStr])],
    /// Modules that cannot be required.
    pub(crate) disabled: &'static [&'static [u8]],
    /// Scripts run without an instruction limit, whatever the configuration says.
    pub(crate) unlimited_instructions: bool,
}

impl Kind {
    /// Whether its scripts have `newproxy`, and with it metatables of userdata.
    pub(crate) fn makes_proxies(&self) -> bool {
        !self.removed.iter().any(|(library, names)| *library == c"" && names.contains(&c"newproxy"))
    }
}

/// Scripts that must not touch the machine.
const CLOSED: &[(&CStr, &[&CStr])] = &[
    (
        c"",
        &[
            c"collectgarbage",
            c"coroutine",
            c"dofile",
            c"load",
            c"loadfile",
            c"loadstring",
            c"newproxy",
            c"print",
        ],
    ),
    (c"os", &[c"getenv", c"execute", c"exit", c"remove", c"rename", c"setlocale", c"tmpname"]),
];

/// Scripts that bring data in or out.
const OPEN: &[(&CStr, &[&CStr])] =
    &[(c"", &[c"dofile", c"load", c"loadfile", c"loadstring", c"print"]), (c"os", &[c"exit", c"setlocale"])];

const READ_CONFIG: HostFunction = plain(c"read_config", api::read_config);
const DECODE_MESSAGE: HostFunction = plain(c"decode_message", api::decode_message);
const READ_MESSAGE: HostFunction = plain(c"read_message", api::read_message);
const READ_NEXT_FIELD: HostFunction = plain(c"read_next_field", api::read_next_field);
const WRITE_MESSAGE: HostFunction = plain(c"write_message", api::write_message);
const INJECT_MESSAGE: HostFunction =
    HostFunction { name: c"inject_message", function: api::inject_message, keys: api::MESSAGE_KEYS };
const INJECT_PAYLOAD: HostFunction = plain(c"inject_payload", api::inject_payload);
const ADD_TO_PAYLOAD: HostFunction = plain(c"add_to_payload", api::add_to_payload);

const DECODING: Kind = Kind {
    name: "decoder",
    functions: &[
        READ_CONFIG,
        DECODE_MESSAGE,
        READ_MESSAGE,
        READ_NEXT_FIELD,
        WRITE_MESSAGE,
        INJECT_MESSAGE,
        INJECT_PAYLOAD,
        ADD_TO_PAYLOAD,
    ],
    removed: CLOSED,
    disabled: &[b"io"],
    unlimited_instructions: false,
};

/// SandboxDecoder.
pub static DECODER: Kind = DECODING;

/// SandboxEncoder.
pub static ENCODER: Kind = Kind { name: "encoder", ..DECODING };

/// SandboxFilter.
pub static FILTER: Kind = Kind {
    name: "filter",
    functions: &[
        READ_CONFIG,
        DECODE_MESSAGE,
        READ_MESSAGE,
        READ_NEXT_FIELD,
        INJECT_MESSAGE,
        INJECT_PAYLOAD,
        ADD_TO_PAYLOAD,
    ],
    removed: CLOSED,
    disabled: &[b"io"],
    unlimited_instructions: false,
};

/// SandboxInput.
pub static INPUT: Kind = Kind {
    name: "input",
    functions: &[READ_CONFIG, DECODE_MESSAGE, INJECT_MESSAGE],
    removed: OPEN,
    disabled: &[],
    unlimited_instructions: true,
};

/// SandboxOutput.
pub static OUTPUT: Kind = Kind {
    name: "output",
    functions: &[READ_CONFIG, DECODE_MESSAGE, READ_MESSAGE, READ_NEXT_FIELD],
    removed: OPEN,
    disabled: &[],
    unlimited_instructions: true,
};
