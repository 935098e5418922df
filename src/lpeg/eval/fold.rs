//! Fold captures.

use std::ffi::c_int;

use mlua::ffi;

use crate::node::Kind;

use super::Evaluation;

impl Evaluation {
    /// `Cf(p, function)`: the first value inside, with the values of each further capture put to it by the function.
    pub(super) fn push_fold(&mut self, i: u32) -> c_int {
        let l = self.l;
        let cap = *self.cap(i);
        self.enter();
        let first = i + 1;
        let values = if cap.next == first { 0 } else { self.push(first) };
        if values == 0 {
            l.error(c"no initial value for fold capture");
        }
        if values > 1 {
            l.pop(values - 1);
        }
        // `rawset` takes a table and gives it back, so setting the field is all there is to a call of it.
        let raw = cap.kind == Kind::FoldRawset && l.type_of(-1) == ffi::LUA_TTABLE;
        let accumulator = l.top();
        let mut child = self.cap(first).next;
        while child < cap.next {
            let next = self.cap(child).next;
            if raw {
                let values = self.push(child);
                if values >= 2 {
                    l.set_top(accumulator + 2);
                    l.raw_set(accumulator);
                } else {
                    self.push_value(cap.key);
                    l.insert(accumulator);
                    l.call(values + 1, 1);
                }
            } else {
                self.push_value(cap.key);
                l.insert(-2);
                let values = self.push(child);
                l.call(values + 1, 1);
            }
            child = next;
        }
        self.nesting -= 1;
        1
    }
}
