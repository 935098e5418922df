//! Functions of Lua's base library that the machine recognises, so that `p / tonumber` and `Cf(p, rawset)`, the most
//! usual of all captures, need no call.

use std::ffi::c_int;
use std::sync::OnceLock;

use mlua::ffi;

use crate::compile::Builtin;
use crate::state::State;

/// Addresses of `tonumber` and `rawset` in the Lua library that this process runs; 0 if they could not be found.
fn addresses() -> (usize, usize) {
    static FOUND: OnceLock<(usize, usize)> = OnceLock::new();
    *FOUND.get_or_init(|| {
        // SAFETY: a fresh state of our own, used by this thread only and closed at the end. The functions of the base
        // library are static, so their addresses hold for every state of the process; the globals of a caller's state
        // may have been replaced and would prove nothing.
        unsafe {
            let raw = ffi::luaL_newstate();
            if raw.is_null() {
                return (0, 0);
            }
            let l = State::new(raw);
            ffi::lua_pushcclosure(raw, ffi::luaopen_base, 0);
            let mut found = (0, 0);
            if ffi::lua_pcall(raw, 0, 0, 0) == ffi::LUA_OK {
                l.get_field(ffi::LUA_GLOBALSINDEX, c"tonumber");
                l.get_field(ffi::LUA_GLOBALSINDEX, c"rawset");
                found = (address(l, -2), address(l, -1));
            }
            ffi::lua_close(raw);
            found
        }
    })
}

fn address(l: State, idx: c_int) -> usize {
    l.to_c_function(idx).map_or(0, |f| f as usize)
}

/// Which builtin, if any, the value `key` of the environment at `env` is. Raises nothing.
pub(crate) fn of_value(l: State, env: c_int, key: u16) -> Option<Builtin> {
    if key == 0 {
        return None;
    }
    l.raw_get_at(env, c_int::from(key));
    let found = address(l, -1);
    l.pop(1);
    let (to_number, raw_set) = addresses();
    match found {
        0 => None,
        f if f == to_number => Some(Builtin::ToNumber),
        f if f == raw_set => Some(Builtin::RawSet),
        _ => None,
    }
}

/// The number that a decimal numeral of at most 15 digits stands for, exactly as `tonumber` has it; `None` for any
/// other text, which is left to Lua.
pub(crate) fn parse_decimal(text: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let (mut value, mut count, mut point) = (0u64, 0, None);
    for (i, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                value = value * 10 + u64::from(byte - b'0');
                count += 1;
            }
            b'.' if point.is_none() => point = Some(i),
            _ => return None,
        }
    }
    if count == 0 || count > 15 {
        return None;
    }
    // Both operands are exact, so the quotient is the nearest double, which is what strtod gives.
    let fraction = point.map_or(0, |at| digits.len() - at - 1);
    let value = value as f64 / POWERS[fraction];
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn leaves_everything_unusual_to_lua() {
        for text in
            ["", "-", ".", "-.", "+1", " 1", "1 ", "0x10", "1e3", "1.2.3", "1234567890123456", "inf", "nan"]
        {
            assert_eq!(parse_decimal(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_decimal(b".5"), Some(0.5));
        assert_eq!(parse_decimal(b"5."), Some(5.0));
        assert!(parse_decimal(b"-0").is_some_and(|n| n == 0.0 && n.is_sign_negative()));
    }

    proptest! {
        #[test]
        fn agrees_with_the_nearest_double(text in "-?[0-9]{0,8}\\.?[0-9]{0,8}") {
            if let Some(n) = parse_decimal(text.as_bytes()) {
                prop_assert_eq!(n.to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
        }
    }

    #[test]
    fn finds_the_functions() {
        let (to_number, raw_set) = addresses();
        assert!(to_number != 0 && raw_set != 0 && to_number != raw_set);
    }
}
