//! The Mann-Whitney U test.

use std::cmp::Ordering;
use std::ffi::c_int;

use mlua::ffi::{self, lua_State};

use super::{check_column, check_self, push};
use crate::native::binding::check;

unsafe extern "C" {
    /// The complementary error function of C's library.
    safe fn erfc(x: f64) -> f64;
}

/// Lua: `buffer:mannwhitneyu(column, start_1, end_1, start_2, end_2[, use_continuity])`. Returns U of the first range
/// and the one-sided probability; nothing if a range is not in the buffer or all values are the same.
pub(super) unsafe extern "C-unwind" fn mannwhitneyu(lua: *mut lua_State) -> c_int {
    // SAFETY: a host function; nothing on this frame needs dropping: the ranks are gone when results are pushed.
    unsafe {
        let buffer = check_self(lua, 6);
        let count = ffi::lua_gettop(lua);
        check(lua, count <= 7, 0, c"too many arguments");
        let column = check_column(lua, buffer, 2);
        let start_1 = ffi::luaL_checknumber(lua, 3);
        let end_1 = ffi::luaL_checknumber(lua, 4);
        check(lua, end_1 >= start_1, 4, c"end_1 must be >= start_1");
        let start_2 = ffi::luaL_checknumber(lua, 5);
        let end_2 = ffi::luaL_checknumber(lua, 6);
        check(lua, end_2 >= start_2, 6, c"end_2 must be >= start_2");
        check(lua, end_1 < start_2 || end_2 < start_1, 4, c"ranges must not overlap");
        let mut continuity = true;
        if count == 7 {
            let is_boolean = ffi::lua_type(lua, 7) == ffi::LUA_TBOOLEAN;
            check(lua, is_boolean, 7, c"use_continuity must be a boolean");
            continuity = ffi::lua_toboolean(lua, 7) != 0;
        }
        let rows = [start_1, end_1, start_2, end_2].map(|ns| buffer.row(ns));
        let [Some(first_1), Some(last_1), Some(first_2), Some(last_2)] = rows else { return 0 };
        let result = {
            let mut values: Vec<f64> = buffer.span(column, first_1, last_1).collect();
            let split = values.len();
            values.extend(buffer.span(column, first_2, last_2));
            test(values, split, continuity)
        };
        let Some((u, probability)) = result else { return 0 };
        push(lua, Some(u)) + push(lua, Some(probability))
    }
}

/// U of the first `split` values against the others, and how probable one as far off is.
fn test(values: Vec<f64>, split: usize, continuity: bool) -> Option<(f64, f64)> {
    let total = values.len() as f64;
    let (first, second) = (split as f64, total - split as f64);
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| compare(values[*a], values[*b]));
    let (mut sum, mut ties, mut at) = (0.0, 0.0, 0);
    for group in order.chunk_by(|a, b| compare(values[*a], values[*b]) == Ordering::Equal) {
        let size = group.len() as f64;
        // Values that are the same share the middle of their ranks.
        let rank = f64::from(at) + (size + 1.0) / 2.0;
        sum += rank * group.iter().filter(|index| **index < split).count() as f64;
        ties += size * size * size - size;
        at += group.len() as u32;
    }
    let correction = 1.0 - ties / (total * total * total - total);
    if correction == 0.0 {
        return None;
    }
    let u = sum - first * (first + 1.0) / 2.0;
    let larger = f64::max(u, first * second - u);
    let deviation = (correction * first * second * (total + 1.0) / 12.0).sqrt();
    let distance = larger - if continuity { 0.5 } else { 0.0 } - first * second / 2.0;
    let z = (distance / deviation).abs();
    Some((u, erfc(z / std::f64::consts::SQRT_2) / 2.0))
}

/// The order of values; cells without one come first and are the same.
fn compare(a: f64, b: f64) -> Ordering {
    b.is_nan().cmp(&a.is_nan()).then(a.partial_cmp(&b).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_share_their_ranks() {
        // Ranks 1, 2.5, 2.5, 4: the first two values have 1 and 2.5.
        let (u, p) = test(vec![1.0, 2.0, 2.0, 3.0], 2, false).unwrap();
        assert_eq!(u, 0.5);
        let deviation = ((1.0 - 6.0 / 60.0) * 4.0 * 5.0 / 12.0_f64).sqrt();
        assert!((p - erfc(1.5 / deviation / std::f64::consts::SQRT_2) / 2.0).abs() < 1e-15);
        assert!(test(vec![7.0; 4], 2, true).is_none());
        assert!(test(vec![f64::NAN; 4], 2, true).is_none());
    }

    #[test]
    fn cells_without_a_value_rank_lowest() {
        assert_eq!(test(vec![f64::NAN, f64::NAN, -1.0, 5.0], 2, true).unwrap().0, 0.0);
        assert_eq!(test(vec![-1.0, 5.0, f64::NAN, f64::NAN], 2, true).unwrap().0, 4.0);
    }

    proptest::proptest! {
        #[test]
        fn the_two_us_add_up(
            values in proptest::collection::vec(-3_i32..4, 2..60), split in 1_usize..59, continuity: bool,
        ) {
            let split = split.min(values.len() - 1);
            let values: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            let mut turned = values[split..].to_vec();
            turned.extend(&values[..split]);
            let others = values.len() - split;
            let (a, b) = (test(values, split, continuity), test(turned, others, continuity));
            match (a, b) {
                (Some(a), Some(b)) => {
                    assert_eq!(a.0 + b.0, (split * others) as f64);
                    assert!((a.1 - b.1).abs() <= 1e-12 * a.1, "{a:?} {b:?}");
                }
                (a, b) => assert_eq!(a, b),
            }
        }
    }
}
