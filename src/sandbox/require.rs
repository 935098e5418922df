//! `require`: modules from folders, from the binary, and written in Rust.
//!
//! Libraries become globals only when somebody requires them. The table that a module returns gets an empty metatable,
//! which keeps it out of preserved data.

use std::ffi::c_int;
use std::io::Write;
use std::path::PathBuf;

use mlua::ffi::{self, lua_CFunction, lua_State};

use crate::environment::remove;
use crate::host::{Host, check_bytes, push_bytes, push_gathered, raise, until_nul};
use crate::source::{self, load_source};
use crate::{embedded, native, os_library, string_library, table_library};

/// Where modules are looked for.
#[derive(Debug)]
pub(crate) struct Modules {
    /// Folders of the configuration, as written.
    folders: Vec<String>,
    /// The folder of installed modules, looked at after them.
    installed: PathBuf,
}

impl Modules {
    pub(crate) fn new(module_directory: Option<&str>, share_dir: &std::path::Path) -> Modules {
        let installed = share_dir.join("lua_modules");
        let folders = match module_directory {
            Some(folders) => folders.split(';').map(String::from).collect(),
            None => vec![installed.to_string_lossy().into_owned()],
        };
        Modules { folders, installed }
    }

    /// The source of a module written in Lua and the name of its file; `None` if there is none.
    pub(crate) fn source(&self, name: &str) -> Option<(String, Result<Vec<u8>, String>)> {
        let installed = self.installed.to_string_lossy();
        let folders = self.folders.iter().map(String::as_str);
        for folder in folders.chain(std::iter::once(&*installed)) {
            let file = Modules::file(folder, name, "lua");
            if std::path::Path::new(&file).is_file() {
                let text = source::read(file.as_ref());
                return Some((file, text));
            }
        }
        embedded::module(name).map(|text| (name.into(), Ok(text.to_vec())))
    }

    /// Whether a module comes without a Lua source.
    pub(crate) fn is_built_in(name: &str) -> bool {
        library(name.as_bytes()).is_some() || native::module(name).is_some()
    }

    /// The configured folder of modules for the network. Without one they cannot be required.
    fn io_folder(&self) -> Option<&str> {
        let is_io = |folder: &&String| std::path::Path::new(folder).ends_with("lua_io_modules");
        self.folders.iter().find(is_io).map(String::as_str)
    }

    /// The file of a module in a folder: `a.b` is `a/b.lua`.
    fn file(folder: &str, name: &str, extension: &str) -> String {
        let name = name.replace('.', "/");
        if folder.is_empty() { format!("{name}.{extension}") } else { format!("{folder}/{name}.{extension}") }
    }
}

/// What a search gave.
enum Found {
    /// The compiled chunk is on the stack.
    Chunk,
    /// A module written in Rust.
    Native(lua_CFunction),
    /// One that makes its global itself.
    Io(lua_CFunction),
    /// The module's text is wrong; the error is in [`Host::scratch`].
    Broken,
    /// There is none.
    Nothing,
}

/// Stands in the table of loaded modules while one is loading.
static LOADING: u8 = 0;

/// Lua: `require(name)`.
pub(crate) unsafe extern "C-unwind" fn require(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping when Lua jumps over it.
    unsafe {
        let name = until_nul(check_bytes(lua, 1));
        let loading = (&raw const LOADING).cast_mut().cast();
        ffi::lua_settop(lua, 1);
        ffi::lua_getfield_(lua, ffi::LUA_REGISTRYINDEX, ffi::LUA_LOADED_TABLE);
        ffi::lua_getfield_(lua, 2, name.as_ptr().cast());
        if ffi::lua_toboolean(lua, -1) != 0 {
            if ffi::lua_touserdata(lua, -1) == loading {
                raise(lua, format_args!("loop or previous error loading module '{}'", name.escape_ascii()));
            }
            return 1;
        }
        push_loader(lua, name);
        ffi::lua_pushlightuserdata(lua, loading);
        ffi::lua_setfield(lua, 2, name.as_ptr().cast());
        ffi::lua_pushvalue(lua, 1);
        ffi::lua_call(lua, 1, 1);
        if ffi::lua_type(lua, -1) != ffi::LUA_TNIL {
            ffi::lua_setfield(lua, 2, name.as_ptr().cast());
        }
        ffi::lua_getfield_(lua, 2, name.as_ptr().cast());
        if ffi::lua_touserdata(lua, -1) == loading {
            ffi::lua_pushboolean(lua, 1);
            ffi::lua_pushvalue(lua, -1);
            ffi::lua_setfield(lua, 2, name.as_ptr().cast());
        }
        if ffi::lua_type(lua, -1) == ffi::LUA_TTABLE {
            mark_module(lua);
            if name == b"os" {
                remove(lua, c"os");
            }
        }
        1
    }
}

/// Gives the table on top of the stack an empty metatable, unless it has one.
pub(crate) unsafe fn mark_module(lua: *mut lua_State) {
    // SAFETY: a table is on top of the stack, and there is room for two more.
    unsafe {
        if ffi::lua_getmetatable(lua, -1) != 0 {
            ffi::lua_pop(lua, 1);
            return;
        }
        ffi::lua_createtable(lua, 0, 0);
        ffi::lua_setmetatable(lua, -2);
    }
}

unsafe fn push_loader(lua: *mut lua_State, name: &[u8]) {
    // SAFETY: as for `require`; the search itself raises nothing, so it may own memory.
    unsafe {
        if Host::of(lua).kind.disabled.contains(&name) {
            raise(lua, format_args!("module '{}' disabled", name.escape_ascii()));
        }
        if let Some(open) = library(name) {
            return ffi::lua_pushcclosure(lua, open, 0);
        }
        if !name.iter().all(|&byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')) {
            let host = Host::of(lua);
            host.scratch.clear();
            host.scratch.extend_from_slice(b"invalid module name '");
            host.scratch.extend_from_slice(name);
            host.scratch.push(b'\'');
            raise_here(lua);
        }
        // The characters were checked: it is ASCII.
        match search(lua, std::str::from_utf8_unchecked(name)) {
            Found::Chunk => {}
            Found::Native(open) => {
                push_bytes(lua, name);
                ffi::lua_pushlightuserdata(lua, open as *mut _);
                ffi::lua_pushcclosure(lua, open_native, 2);
            }
            Found::Io(open) => ffi::lua_pushcclosure(lua, open, 0),
            Found::Broken => raise_here(lua),
            Found::Nothing => {
                ffi::luaL_where(lua, 1);
                // Made last, as a finalizer may use the buffer before.
                missing(Host::of(lua), std::str::from_utf8_unchecked(name));
                push_gathered(lua, |host| &mut host.scratch);
                ffi::lua_concat(lua, 2);
                ffi::lua_error(lua);
            }
        }
    }
}

/// Raises the text in [`Host::scratch`] without a position, as an error of the searcher itself.
unsafe fn raise_here(lua: *mut lua_State) -> ! {
    // SAFETY: as for `require`.
    unsafe {
        push_gathered(lua, |host| &mut host.scratch);
        ffi::lua_error(lua)
    }
}

fn library(name: &[u8]) -> Option<lua_CFunction> {
    Some(match name {
        b"table" => table_library::open,
        b"io" => ffi::luaopen_io,
        b"os" => os_library::open,
        b"string" => string_library::open,
        b"math" => ffi::luaopen_math,
        _ => return None,
    })
}

/// Opens a module written in Rust and makes it a global, as Heka's C modules do.
unsafe extern "C-unwind" fn open_native(lua: *mut lua_State) -> c_int {
    // SAFETY: the upvalues are the name and the opening function, see `push_loader`.
    unsafe {
        let open = ffi::lua_touserdata(lua, ffi::lua_upvalueindex(2));
        let open = std::mem::transmute::<*mut std::ffi::c_void, lua_CFunction>(open);
        ffi::lua_pushcclosure(lua, open, 0);
        ffi::lua_pushvalue(lua, ffi::lua_upvalueindex(1));
        ffi::lua_call(lua, 1, 1);
        ffi::lua_pushvalue(lua, ffi::lua_upvalueindex(1));
        ffi::lua_pushvalue(lua, -2);
        ffi::lua_rawset(lua, ffi::LUA_GLOBALSINDEX);
        1
    }
}

/// Looks for a module: files of the configured folders, of the installation, the binary's own, then those in Rust.
unsafe fn search(lua: *mut lua_State, name: &str) -> Found {
    // SAFETY: nothing here raises: `load_source` compiles protected.
    unsafe {
        let host = Host::of(lua);
        let modules = &host.modules;
        let first = modules.folders.first().map_or("", String::as_str);
        let embedded_name = Modules::file(first, name, "lua");
        let installed = modules.installed.to_string_lossy();
        let folders = modules.folders.iter().map(String::as_str);
        for folder in folders.chain(std::iter::once(&*installed)) {
            let file = Modules::file(folder, name, "lua");
            if std::path::Path::new(&file).is_file() {
                return match source::read(file.as_ref()) {
                    Ok(text) => compiled(lua, &text, name, &file),
                    Err(why) => broken(host, name, &file, why.as_bytes()),
                };
            }
        }
        if let Some(text) = embedded::module(name) {
            return compiled(lua, text, name, &embedded_name);
        }
        if let Some(open) = native::module(name) {
            return Found::Native(open);
        }
        if let Some(folder) = modules.io_folder() {
            if let Some(text) = embedded::io_module(name) {
                return compiled(lua, text, name, &Modules::file(folder, name, "lua"));
            }
            if let Some(open) = native::io_module(name) {
                return Found::Io(open);
            }
        }
        Found::Nothing
    }
}

unsafe fn compiled(lua: *mut lua_State, text: &[u8], name: &str, file: &str) -> Found {
    // SAFETY: compiles protected; on failure the message is on the stack.
    unsafe {
        if load_source(lua, text, file) == ffi::LUA_OK {
            return Found::Chunk;
        }
        let message = crate::host::bytes_at(lua, -1);
        broken(Host::of(lua), name, file, message)
    }
}

fn broken(host: &mut Host, name: &str, file: &str, why: &[u8]) -> Found {
    host.scratch.clear();
    let _ = write!(host.scratch, "error loading module '{name}' from file '{file}':\n\t");
    host.scratch.extend_from_slice(why);
    Found::Broken
}

fn missing(host: &mut Host, name: &str) {
    let Host { modules, scratch: text, .. } = host;
    text.clear();
    let _ = write!(text, "module '{name}' not found:");
    for extension in ["lua", "so"] {
        for folder in &modules.folders {
            let _ = write!(text, "\n\tno file '{}'", Modules::file(folder, name, extension));
        }
    }
}
