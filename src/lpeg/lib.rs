//! LPeg for Lua 5.1: parsing expression grammars as first-class values, written anew against the C API of Lua.
//!
//! The library has the functions, the operators, the limits and the error texts of LPeg 0.12, which is what Heka's
//! sandboxes were written for, and accepts what LPeg 1.0 accepts beyond that:
//!
//! | | LPeg 0.12 | LPeg 1.0 | here |
//! |---|---|---|---|
//! | `version()` | `0.12` | `1.0.x` | `0.12` |
//! | backtrack stack | 100 entries | 400 | 100, or what `setmaxstack` says if that is more |
//! | overflow of it | `too many pending calls/choices` | `backtrack stack overflow (current limit is N)` | as 0.12 |
//! | rules in a grammar | 200 | 1000 | 200 |
//! | name of a group | a string; a number becomes one | any value | any value; a number becomes a string |
//! | `B(p)` | `p` must have a length above 0 | 0 is allowed | as 1.0 |
//! | missing `Carg` | `reference to absent argument #N` | `reference to absent extra argument #N` | as 0.12 |
//! | captures in captures | no limit | `subcapture nesting too deep` above 200 (1.0.2) | that error above 1000 |
//! | patterns in patterns | no limit, crashes | no limit, crashes | `pattern is nested too deeply` above 1000 |
//! | `setmaxstack(n)` | any `n`, or none | `n > 0` | as 0.12 |
//!
//! How it works: the tree of a pattern (`node`) is built by the operators (`ops`, `captures`, `grammar`); at its
//! first match it is compiled (`compile`, with the help of `analysis`) to a `program` that the machine (`vm`)
//! runs over the subject, recording captures (`capture`); these are then turned into Lua values (`eval`). Working
//! memory is kept between matches (`scratch`), and all memory comes from Lua's allocator. Three things make it fast:
//! one record per capture instead of two; fields of table captures are stored into tables of the final size without
//! changing what `pairs` shows (`shape`); `tonumber` and `rawset` are recognised (`builtin`).
//!
//! `unsafe` is needed throughout, as the C API of Lua is; `state` has the rules.

mod analysis;
mod builtin;
mod capture;
mod captures;
mod charge;
mod charset;
mod compile;
mod eval;
mod grammar;
mod matching;
mod node;
mod open;
mod ops;
mod pattern;
mod program;
mod scratch;
mod shape;
mod state;
mod vm;

pub use charge::{ChargeFunction, set_charge};
pub use open::{luaopen_lpeg, luaopen_re, open};
