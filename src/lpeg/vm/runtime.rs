//! Match-time captures: calling them, and undoing them.

use std::ffi::c_int;

use mlua::ffi;

use crate::capture::Cap;
use crate::eval::Evaluation;
use crate::node::Kind;

use super::{Machine, Registers};

/// Values that one match-time capture may return.
const MAX_RESULTS: c_int = i16::MAX as c_int;

impl Machine {
    /// Ends the match-time capture that is open: calls its function with the values captured inside, which are used up
    /// by that, and puts its results in their place. False if the function says that the match fails here. Not inlined:
    /// it is the one step that needs a frame of its own.
    #[inline(never)]
    pub(super) fn close_run_time(&mut self, mut r: Registers) -> (bool, Registers) {
        let l = self.l;
        let open = r.open;
        // SAFETY: the scratch is this match's own and `open` one of its captures; all before `captop` are written.
        // The subject contains `s`.
        unsafe {
            let pos = r.s.offset_from_unsigned(self.subject) as u32;
            let cap = &mut *(*self.scratch).caps.data.add(open as usize);
            cap.end = pos;
            cap.next = r.captop;
            let (function, parent) = (cap.key, cap.parent);
            let old_top = l.top();
            let used = self.first_dynamic(open, r.captop);
            l.check_stack(4, c"too many runtime captures");
            l.raw_get_at(self.values, c_int::from(function));
            l.push_value(2);
            l.push_number(f64::from(pos) + 1.0);
            let mut evaluation = Evaluation::new(self);
            let values = evaluation.push_nested(open, false);
            evaluation.settle_most();
            l.call(values + 2, ffi::LUA_MULTRET);
            let mut first = old_top + 1;
            if let Some(used) = used {
                let count = old_top - used + 1;
                (0..count).for_each(|_| l.remove(used));
                self.dynamic -= count;
                first -= count;
            }
            r.captop = open;
            r.open = parent;
            let Some(end) = self.end_of_match(first, pos) else {
                return (false, r);
            };
            r.s = self.subject.add(end as usize);
            self.add_results(&mut r, first, end);
            (true, r)
        }
    }

    /// The position to go on from, by the first result; the results are removed if there is none, and otherwise the
    /// first is.
    fn end_of_match(&mut self, first: c_int, pos: u32) -> Option<u32> {
        let l = self.l;
        let end = match l.type_of(first) {
            ffi::LUA_TNONE | ffi::LUA_TNIL => None,
            ffi::LUA_TBOOLEAN => l.to_bool(first).then_some(pos),
            _ => {
                let end = l.to_integer(first).wrapping_sub(1);
                if end < pos as isize || end > self.len as isize {
                    l.error(c"invalid position returned by match-time capture");
                }
                Some(end as u32)
            }
        };
        match end {
            Some(_) => l.remove(first),
            None => l.set_top(first - 1),
        }
        end
    }

    /// Records the results from stack index `first` on as an anonymous group in place of the capture.
    fn add_results(&mut self, r: &mut Registers, first: c_int, end: u32) {
        let count = self.l.top() - first + 1;
        if count <= 0 {
            return;
        }
        if count > MAX_RESULTS {
            self.l.error(c"too many results in match-time capture");
        }
        let group = r.captop;
        let next = group + 1 + count as u32;
        // SAFETY: the scratch is this match's own; the group overwrites the capture that made it, whose start it keeps.
        unsafe {
            let caps = &mut (*self.scratch).caps;
            if next as usize > caps.capacity {
                caps.grow(self.l, next as usize);
            }
            let place = caps.data.add(group as usize);
            (*place).key = 0;
            (*place).end = end;
            (*place).next = next;
            for n in 0..count as u32 {
                let at = group + 1 + n;
                caps.data.add(at as usize).write(Cap {
                    start: end,
                    end,
                    next: at + 1,
                    parent: group,
                    aux: first as u32 + n,
                    key: 0,
                    kind: Kind::Runtime,
                });
            }
        }
        self.dynamic += count;
        r.captop = next;
    }

    /// Stack index of the first value of a match-time capture among the captures `from..to`.
    fn first_dynamic(&self, from: u32, to: u32) -> Option<c_int> {
        if self.dynamic == 0 {
            return None;
        }
        // SAFETY: captures below `captop` are written.
        let caps = unsafe { std::slice::from_raw_parts((*self.scratch).caps.data, to as usize) };
        caps.get(from as usize..)?.iter().find(|cap| cap.kind == Kind::Runtime).map(|cap| cap.aux as c_int)
    }

    /// Drops the values of match-time captures among the captures `from..to`, which the match takes back.
    #[cold]
    pub(super) fn drop_dynamic(&mut self, from: u32, to: u32) {
        if let Some(first) = self.first_dynamic(from, to) {
            self.dynamic -= self.l.top() - first + 1;
            self.l.set_top(first - 1);
        }
    }
}
