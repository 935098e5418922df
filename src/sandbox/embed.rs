//! Tells cargo that the embedded Lua files are part of this crate.

fn main() {
    for folder in ["../../lua_modules", "../../lua_io_modules", "../../plugins/lua"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
