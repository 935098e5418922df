//! The Lua files that the binary carries, so that it runs without an installed share folder.

use std::path::Path;

use include_dir::{Dir, include_dir};

static MODULES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../lua_modules");
static IO_MODULES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../lua_io_modules");
static SCRIPTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../plugins/lua");

/// The text of a module by its name: `a.b` is `a/b.lua`.
pub(crate) fn module(name: &str) -> Option<&'static [u8]> {
    let file = format!("{}.lua", name.replace('.', "/"));
    MODULES.get_file(file).map(|file| file.contents())
}

/// The same for a module of `lua_io_modules`.
pub(crate) fn io_module(name: &str) -> Option<&'static [u8]> {
    let file = format!("{}.lua", name.replace('.', "/"));
    IO_MODULES.get_file(file).map(|file| file.contents())
}

/// The text of a shipped script by its path below `share_dir`, such as `lua_decoders/nginx_access.lua`.
pub fn script(path: &Path) -> Option<&'static [u8]> {
    let folder = path.parent()?.to_str()?.strip_prefix("lua_")?;
    let file = Path::new(folder).join(path.file_name()?);
    SCRIPTS.get_file(file).map(|file| file.contents())
}

/// Paths below `share_dir` of all shipped scripts, in no particular order.
pub fn scripts() -> Vec<String> {
    let folders = SCRIPTS.dirs().filter_map(|folder| folder.path().to_str().map(|name| (name, folder)));
    let files = folders.flat_map(|(name, folder)| folder.files().map(move |file| (name, file)));
    let files = files.filter(|(_, file)| file.path().extension().is_some_and(|kind| kind == "lua"));
    files
        .filter_map(|(name, file)| Some(format!("lua_{name}/{}", file.path().file_name()?.to_str()?)))
        .collect()
}
