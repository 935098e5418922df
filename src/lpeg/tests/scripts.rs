//! Runs the Lua test scripts of this folder, and tries to run out of memory at every point.

#![allow(clippy::unwrap_used)]

use mlua::{Lua, LuaOptions, StdLib};

fn state() -> Lua {
    // SAFETY: the scripts are our own and load no foreign modules.
    let lua = unsafe { Lua::unsafe_new_with(StdLib::ALL, LuaOptions::new().catch_rust_panics(false)) };
    heka_lpeg::open(&lua).unwrap();
    lua
}

fn run(name: &str, source: &str) {
    if let Err(e) = state().load(source).set_name(format!("={name}")).exec() {
        panic!("{e}");
    }
}

#[test]
fn the_manual() {
    run("manual.lua", include_str!("manual.lua"));
}

#[test]
fn the_re_module() {
    run("re.lua", include_str!("re.lua"));
}

#[test]
fn opens_without_the_package_library() {
    let lua = Lua::new_with(StdLib::NONE, LuaOptions::new()).unwrap();
    lua.globals().set("package", mlua::Nil).unwrap();
    heka_lpeg::open(&lua).unwrap();
    let found: (i64, String) =
        lua.load(r#"return lpeg.match("ab", "abc"), re.match("x1", "%a {%d}")"#).eval().unwrap();
    assert_eq!(found, (3, "1".to_owned()));
    let error = lua.load(r#"re.compile "'a' $""#).exec().unwrap_err().to_string();
    assert!(error.contains("pattern error near '$'"), "{error}");
}

/// Everything that allocates, in one function.
const WORK: &str = r#"
    local lpeg = require "lpeg"
    local P, R, S, C, Ct, Cg, Cs, Cf, Cmt, Cb, Cc, V = lpeg.P, lpeg.R, lpeg.S, lpeg.C, lpeg.Ct, lpeg.Cg, lpeg.Cs,
        lpeg.Cf, lpeg.Cmt, lpeg.Cb, lpeg.Cc, lpeg.V
    local function build()
        local word = R("az")^1
        local inner = Cs((P "a" / "bb" + C(1) / "%1%0")^0)
        local hook = function(s, i, w) return i, w .. "!", inner:match(w) end
        local record = Ct(Cg(word, "one") * " " * Cg(Cmt(word, hook), "two") * " " * Cg(word / tonumber, "three"))
        local fold = Cf(Ct "" * Cg(C(word) * " " * Cc(1))^0, rawset)
        local list = P {Ct((C(word) + " " * V(1))^1)}
        return Ct(Cg(record, "r")) * lpeg.P(true) + fold * list * Cg(inner, "i") * Cb "i"
    end
    local subjects = {"ab cd ef", "ab cd ef gh", ("x "):rep(300), ("abc "):rep(100)}
    return function()
        local pattern = build()
        local n = 0
        for _, subject in ipairs(subjects) do
            local t = pattern:match(subject)
            if t then n = n + 1 end
        end
        return n
    end
"#;

#[test]
fn survives_running_out_of_memory_anywhere() {
    let lua = state();
    let work: mlua::Function = lua.load(WORK).eval().unwrap();
    let expected: i64 = work.call(()).unwrap();
    lua.gc_collect().unwrap();
    let (mut failures, mut room) = (0, 64);
    loop {
        lua.gc_collect().unwrap();
        lua.set_memory_limit(lua.used_memory() + room).unwrap();
        let outcome = work.call::<i64>(());
        lua.set_memory_limit(0).unwrap();
        match outcome {
            Ok(n) => {
                assert_eq!(n, expected);
                break;
            }
            Err(e) => assert!(e.to_string().contains("not enough memory"), "{e}"),
        }
        failures += 1;
        room += 48;
        // Whatever was interrupted, the next match works.
        assert_eq!(work.call::<i64>(()).unwrap(), expected);
    }
    assert!(failures > 50, "only {failures} failures");
}

#[test]
fn survives_a_collection_at_every_step() {
    let lua = state();
    let work: mlua::Function = lua.load(WORK).eval().unwrap();
    lua.load(r#"collectgarbage("setpause", 0) collectgarbage("setstepmul", 100000)"#).exec().unwrap();
    let expected: i64 = work.call(()).unwrap();
    for _ in 0..20 {
        assert_eq!(work.call::<i64>(()).unwrap(), expected);
    }
}

#[test]
fn large_working_memory_is_given_back() {
    let lua = state();
    let big: mlua::Function = lua
        .load(r#"local p = lpeg.Ct(lpeg.C(1)^0) return function(s) return #lpeg.match(p, s) end"#)
        .set_name("=big")
        .into_function()
        .and_then(|f| {
            lua.load(r#"require "lpeg""#).exec()?;
            f.call(())
        })
        .unwrap();
    let small = |lua: &Lua| {
        lua.gc_collect().unwrap();
        lua.gc_collect().unwrap();
        lua.used_memory()
    };
    assert_eq!(big.call::<i64>("x").unwrap(), 1);
    let before = small(&lua);
    assert_eq!(big.call::<i64>("x".repeat(200_000)).unwrap(), 200_000);
    let kept = small(&lua) - before;
    assert!(kept < 100_000, "{kept} bytes kept");
}
