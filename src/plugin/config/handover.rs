//! Hands a value to a field that takes it as it is.
//!
//! serde's data model knows neither lines nor dates, so the decoder lays the value aside on its thread and the field's
//! `Deserialize` picks it up in the same call.

use std::cell::RefCell;

use super::Value;

thread_local! {
    static LAID_ASIDE: RefCell<Option<Value>> = const { RefCell::new(None) };
}

/// Lays `value` aside while `taker` runs.
pub(super) fn give<T>(value: Value, taker: impl FnOnce() -> T) -> T {
    LAID_ASIDE.with_borrow_mut(|place| *place = Some(value));
    let taken = taker();
    LAID_ASIDE.with_borrow_mut(|place| *place = None);
    taken
}

/// The value that [`give`] laid aside.
pub(super) fn take() -> Option<Value> {
    LAID_ASIDE.with_borrow_mut(Option::take)
}
