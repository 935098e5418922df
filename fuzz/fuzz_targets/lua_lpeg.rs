#![no_main]
#![allow(missing_docs, unused_crate_dependencies)]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::lua_targets::lua_lpeg(data));
