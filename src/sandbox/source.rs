//! Lua source on its way into a state.

use std::ffi::{CString, c_int};
use std::io::Read;
use std::path::{Path, PathBuf};

use mlua::ffi::{self, lua_State};

use crate::embedded;
use crate::settings::Settings;

/// First byte of compiled Lua.
const COMPILED: u8 = 0x1b;
/// Bytes of the header of compiled Lua.
const COMPILED_HEADER: usize = 12;

/// Reads a file; the error is what Lua says when it cannot.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |verb: &str, why: &std::io::Error| {
        let code = why.raw_os_error().unwrap_or(0);
        format!("cannot {verb} {}: {}", path.display(), strerror(code))
    };
    let mut file = std::fs::File::open(path).map_err(|why| failed("open", &why))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(|why| failed("read", &why))?;
    Ok(text)
}

/// The script of a sandbox: its file, or the embedded copy of a shipped one.
pub(crate) fn script(settings: &Settings) -> Result<Vec<u8>, String> {
    let path = &settings.script;
    if !path.exists() {
        let shipped = path.strip_prefix(&settings.share_dir).ok().map(PathBuf::from);
        if let Some(text) = shipped.and_then(|name| embedded::script(&name)) {
            return Ok(text.to_vec());
        }
    }
    read(path)
}

fn strerror(code: i32) -> String {
    let text = std::io::Error::from_raw_os_error(code).to_string();
    // Rust appends " (os error N)".
    match text.find(" (os error") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

/// Compiles source that came from `file`. On success the chunk is on the stack, else the message.
///
/// Compiled Lua is refused: it is not verified, and wrong one reaches outside of the state.
///
/// # Safety
/// The state is live and has a free stack slot. Nothing is raised.
pub(crate) unsafe fn load_source(lua: *mut lua_State, text: &[u8], file: &str) -> c_int {
    // A first line that starts with # is a comment for the shell; its line end stays, so that line numbers are right.
    let text = match text {
        [b'#', ..] => text.iter().position(|&byte| byte == b'\n').map_or(&[][..], |end| &text[end..]),
        _ => text,
    };
    let name = format!("@{file}").replace('\0', "?");
    let name = CString::new(name).unwrap_or_default();
    let text = match text {
        // Only a header that ends early passes for compiled Lua, so that Lua itself says what is wrong.
        [COMPILED, ..] => &text[..text.len().min(COMPILED_HEADER - 1)],
        _ => text,
    };
    // SAFETY: pointer and length are of one slice; compiling runs protected inside.
    unsafe { ffi::luaL_loadbuffer(lua, text.as_ptr().cast(), text.len(), name.as_ptr()) }
}

/// Checks that a file of preserved data is Lua source that compiles. Nothing of it is run.
///
/// # Errors
/// It cannot be read, or what Lua says is wrong with it.
pub fn check_preserved(path: &Path) -> Result<(), String> {
    compile(&read(path)?, &path.to_string_lossy())
}

/// Compiles source that came from `file` in a state of its own and runs nothing of it.
pub(crate) fn compile(text: &[u8], file: &str) -> Result<(), String> {
    let lua = mlua::Lua::new_with(mlua::StdLib::NONE, mlua::LuaOptions::default());
    let chunk = |lua: mlua::Lua| {
        lua.load(text)
            .set_name(format!("@{file}"))
            .set_mode(mlua::chunk::ChunkMode::Text)
            .into_function()
            .map(drop)
    };
    lua.and_then(chunk).map_err(|error| match error {
        mlua::Error::SyntaxError { message, .. } => message,
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preserved_data_are_checked_and_not_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.data");
        std::fs::write(&path, "_G[\"n\"] = 7\nerror('is not run')\n").unwrap();
        check_preserved(&path).unwrap();
        std::fs::write(&path, "_G[\"n\"] = {").unwrap();
        assert!(check_preserved(&path).unwrap_err().contains("x.data:1:"));
        std::fs::write(&path, b"\x1bLua").unwrap();
        assert!(check_preserved(&path).is_err());
    }

    #[test]
    fn reading_fails_with_the_texts_of_lua() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("none.lua");
        let text = format!("cannot open {}: No such file or directory", missing.display());
        assert_eq!(read(&missing).unwrap_err(), text);
        let text = format!("cannot read {}: Is a directory", folder.path().display());
        assert_eq!(read(folder.path()).unwrap_err(), text);
    }
}
