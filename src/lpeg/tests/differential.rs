//! Random patterns over random subjects: this library and the C one of the system must give the same outcomes.

#![allow(clippy::unwrap_used)]

use std::io::ErrorKind;
use std::process::Command;

use mlua::{Lua, LuaOptions, StdLib};

const SCRIPT: &str = include_str!("differential.lua");
const PATTERNS: u32 = 1000;
const SUBJECTS: u32 = 5;
const SEEDS: std::ops::RangeInclusive<u32> = 1..=8;

/// Runs the script in a state with this library.
fn ours(seed: u32) -> String {
    // SAFETY: the script is our own and loads no foreign modules.
    let lua = unsafe { Lua::unsafe_new_with(StdLib::ALL, LuaOptions::new().catch_rust_panics(false)) };
    heka_lpeg::open(&lua).unwrap();
    lua.load(SCRIPT).set_name("=differential.lua").call((seed, PATTERNS, SUBJECTS)).unwrap()
}

/// Runs the script in the system's Lua with its LPeg; `None` if there is no such Lua.
fn theirs(seed: u32) -> Option<String> {
    let path = format!("{}/tests/differential.lua", env!("CARGO_MANIFEST_DIR"));
    let arguments = [path, seed.to_string(), PATTERNS.to_string(), SUBJECTS.to_string(), "print".to_owned()];
    match Command::new("lua5.1").args(arguments).output() {
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        Err(e) => panic!("lua5.1: {e}"),
        Ok(run) => {
            assert!(run.status.success(), "seed {seed}: lua5.1: {}", String::from_utf8_lossy(&run.stderr));
            Some(String::from_utf8_lossy(&run.stdout).into_owned())
        }
    }
}

#[test]
fn agrees_with_the_c_library() {
    for seed in SEEDS {
        println!("seed {seed}");
        let Some(theirs) = theirs(seed) else {
            assert!(std::env::var_os("HEKA_REQUIRE_PEERS").is_none(), "lua5.1 with lua-lpeg is required");
            eprintln!("SKIPPED: install lua5.1 and lua-lpeg to hold this library against the C one");
            return;
        };
        let ours = ours(seed);
        assert_eq!(ours.lines().count(), theirs.lines().count(), "seed {seed}");
        assert!(ours.lines().count() > 2 * PATTERNS as usize, "seed {seed}: too few outcomes");
        for (ours, theirs) in ours.lines().zip(theirs.lines()) {
            assert_eq!(ours, theirs, "seed {seed}");
        }
    }
}
