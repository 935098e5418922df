//! Table captures.

use std::ffi::c_int;

use mlua::ffi;

use crate::program::Program;
use crate::shape::{MAX_FIELDS, Shapes};

use super::Evaluation;

/// Elements for which a list is allocated in advance.
const MAX_LIST: u32 = 1 << 20;

impl Evaluation {
    /// `Ct(p)`: a table of the values inside, named groups as fields.
    pub(super) fn push_table(&mut self, i: u32) -> c_int {
        let (first, end) = (i + 1, self.cap(i).next);
        if first == end {
            self.l.create_table(0, 0);
            return 1;
        }
        self.enter();
        let mut keys = [0; MAX_FIELDS];
        let (mut fields, mut others, mut child) = (0, 0, first);
        while child < end {
            let cap = self.cap(child);
            if !cap.is_named() {
                others += 1;
            } else if fields < MAX_FIELDS {
                keys[fields] = cap.key;
                fields += 1;
            } else {
                others += 1;
                fields = MAX_FIELDS;
            }
            child = cap.next;
        }
        match (fields, others) {
            (1.., 0) => self.push_record(i, &keys[..fields]),
            (0, 1..MAX_LIST) => self.push_list(first, end, others),
            _ => {
                self.l.create_table(0, 0);
                self.fill(first, end, 0);
            }
        }
        self.nesting -= 1;
        1
    }

    /// Stores the captures `child..end` into the table on top of the stack, which has `count` elements.
    fn fill(&mut self, mut child: u32, end: u32, mut count: c_int) {
        let l = self.l;
        while child < end {
            let cap = *self.cap(child);
            if cap.is_named() {
                self.push_value(cap.key);
                self.push_first_nested(child);
                l.raw_set(-3);
            } else {
                let values = self.push(child);
                (1..=values).rev().for_each(|n| l.raw_set_at(-n - 1, count + n));
                count += values;
            }
            child = cap.next;
        }
    }

    /// Pushes a table of `expected` captures without names. An array grown element by element has the size of the next
    /// power of two, so it may as well have that from the start; if a capture then proves not to be one value, the
    /// table is made again the slow way, as its layout would be another.
    fn push_list(&mut self, first: u32, end: u32, expected: u32) {
        let l = self.l;
        l.create_table(expected.next_power_of_two() as c_int, 0);
        let (mut child, mut count) = (first, 0);
        while child < end {
            let values = self.push(child);
            if values != 1 || l.type_of(-1) == ffi::LUA_TNIL {
                self.restart(values, count);
                return self.fill(self.cap(child).next, end, count + values);
            }
            count += 1;
            l.raw_set_at(-2, count);
            child = self.cap(child).next;
        }
    }

    /// Puts the `count` elements of the table below the `values` topmost values, and then those, into a fresh table.
    fn restart(&mut self, values: c_int, count: c_int) {
        let l = self.l;
        let old = l.top() - values;
        l.check_stack(4, c"too many captures");
        l.create_table(0, 0);
        for n in 1..=count {
            l.raw_get_at(old, n);
            l.raw_set_at(-2, n);
        }
        l.replace(old);
        (1..=values).rev().for_each(|n| l.raw_set_at(-n - 1, count + n));
    }

    /// Pushes a table of the named groups of capture `i`, whose keys are given.
    fn push_record(&mut self, i: u32, keys: &[u16]) {
        let l = self.l;
        let fields = keys.len() as c_int;
        l.check_stack(fields + 4, c"too many captures");
        let base = l.top();
        let (mut child, mut has_nil) = (i + 1, false);
        for _ in keys {
            self.push_first_nested(child);
            let next = self.cap(child).next;
            has_nil |= next > child + 1 && l.type_of(-1) == ffi::LUA_TNIL;
            child = next;
        }
        let table = self.cap(i).key;
        // SAFETY: a table capture's key is the number of its shape cache, from 1 on.
        let shapes =
            (table > 0).then(|| unsafe { &mut *Program::shapes(self.program, usize::from(table) - 1) });
        match shapes.as_ref().filter(|_| !has_nil).and_then(|shapes| shapes.find(keys)) {
            Some(order) => {
                l.create_table(0, fields);
                for &n in &order[..keys.len()] {
                    self.push_value(keys[usize::from(n)]);
                    l.push_value(base + 1 + c_int::from(n));
                    l.raw_set(-3);
                }
            }
            None => {
                l.create_table(0, 0);
                for (n, &key) in (1..).zip(keys) {
                    self.push_value(key);
                    l.push_value(base + n);
                    l.raw_set(-3);
                }
                if let Some(shapes) = shapes.filter(|shapes| !has_nil && shapes.can_learn()) {
                    self.learn(shapes, keys);
                }
            }
        }
        l.replace(base + 1);
        l.set_top(base + 1);
    }

    /// Learns the order of a shape: builds the table as it was before its last rehash and looks at its traversal.
    fn learn(&mut self, shapes: &mut Shapes, keys: &[u16]) {
        let l = self.l;
        l.check_stack(8, c"too many captures");
        let top = l.top();
        for (n, &key) in keys.iter().enumerate() {
            self.push_value(key);
            let usable = l.type_of(-1) == ffi::LUA_TSTRING;
            let repeated = keys[..n].iter().any(|&other| {
                self.push_value(other);
                let same = l.raw_equal(-1, -2);
                l.pop(1);
                same
            });
            l.pop(1);
            if !usable || repeated {
                return;
            }
        }
        let before = if keys.len() > 1 { keys.len().next_power_of_two() / 2 } else { 0 };
        l.create_table(0, 0);
        for &key in &keys[..before] {
            self.push_value(key);
            l.push_number(0.0);
            l.raw_set(-3);
        }
        let mut order = std::array::from_fn(|n| n as u8);
        let mut place = before;
        l.push_nil();
        while l.next(top + 1) != 0 {
            l.pop(1);
            place -= 1;
            order[place] = self.index_of_key(&keys[..before]);
        }
        l.set_top(top);
        shapes.learn(keys, &order);
    }

    /// Which of the keys the value on top of the stack is.
    fn index_of_key(&self, keys: &[u16]) -> u8 {
        let l = self.l;
        let found = keys.iter().position(|&key| {
            self.push_value(key);
            let same = l.raw_equal(-1, -2);
            l.pop(1);
            same
        });
        found.unwrap_or(0) as u8
    }
}
