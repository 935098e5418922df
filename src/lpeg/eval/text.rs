//! Substitution and string captures: text is put together in the scratch and becomes one Lua string at the end.

use std::ffi::{CStr, c_int};

use crate::capture::Cap;
use crate::node::Kind;

use super::Evaluation;

/// What `%0` to `%9` can refer to.
const MAX_REFERENCES: usize = 10;

/// Bytes of text that count for a capture.
const TEXT_PER_CAPTURE: u32 = 1024;

/// What a `%n` refers to.
#[derive(Clone, Copy)]
enum Reference {
    /// A piece of the subject.
    Piece(u32, u32),
    /// A capture that is to be evaluated.
    Capture(u32),
}

/// The references of one string capture.
struct References {
    list: [Reference; MAX_REFERENCES],
    count: usize,
}

impl Evaluation {
    /// `Cs(p)` or `p / string`
    pub(super) fn push_text(&mut self, i: u32) -> c_int {
        let l = self.l;
        // SAFETY: the scratch is this match's own, here and below.
        let from = unsafe { (*self.scratch).text.len };
        self.append(i);
        // SAFETY: the text was appended from `from` on.
        unsafe {
            let text = &mut (*self.scratch).text;
            if text.len == from {
                l.push_bytes(b"");
            } else {
                l.push_raw(text.data.add(from), text.len - from);
            }
            text.len = from;
        }
        1
    }

    fn append(&mut self, i: u32) {
        self.enter();
        self.burn(1);
        match self.cap(i).kind {
            Kind::Text => self.append_format(i),
            _ => self.append_substitution(i),
        }
        self.nesting -= 1;
    }

    fn append_piece(&mut self, start: u32, end: u32) {
        self.burn((end - start) / TEXT_PER_CAPTURE);
        if end > start {
            // SAFETY: positions are within the subject, which is not in the scratch.
            unsafe {
                let piece = self.subject.add(start as usize);
                (*self.scratch).text.append(self.l, piece, (end - start) as usize);
            }
        }
    }

    fn append_bytes(&mut self, bytes: &[u8]) {
        self.burn(bytes.len() as u32 / TEXT_PER_CAPTURE + 1);
        // SAFETY: Lua holds the bytes, outside of the scratch.
        unsafe { (*self.scratch).text.append(self.l, bytes.as_ptr(), bytes.len()) };
    }

    /// `Cs(p)`: the match with each capture inside replaced by its value.
    fn append_substitution(&mut self, i: u32) {
        let cap = *self.cap(i);
        let (mut at, mut child) = (cap.start, i + 1);
        while child < cap.next {
            let Cap { start, end, next, .. } = *self.cap(child);
            self.append_piece(at, start);
            at = if self.append_value(child, c"replacement") { end } else { start };
            child = next;
        }
        self.append_piece(at, cap.end);
    }

    /// Appends the first value of a capture; false if it has none.
    fn append_value(&mut self, i: u32, what: &CStr) -> bool {
        if matches!(self.cap(i).kind, Kind::Text | Kind::Subst) {
            self.append(i);
            return true;
        }
        let l = self.l;
        let values = self.push(i);
        if values == 0 {
            return false;
        }
        if values > 1 {
            l.pop(values - 1);
        }
        if !l.is_text(-1) {
            l.error_texts(c"invalid %s value (a %s)", what.as_ptr(), l.type_name(-1));
        }
        if let Some(bytes) = l.bytes(-1) {
            self.append_bytes(bytes);
        }
        l.pop(1);
        true
    }

    /// `p / string`: the string with its references replaced.
    fn append_format(&mut self, i: u32) {
        let l = self.l;
        self.push_value(self.cap(i).key);
        // The table of values keeps the string.
        let format = l.bytes(-1).unwrap_or_default();
        l.pop(1);
        let mut refs = References { list: [Reference::Piece(0, 0); MAX_REFERENCES], count: 0 };
        self.collect(i, &mut refs);
        let mut rest = format;
        while let Some(at) = memchr::memchr(b'%', rest) {
            self.append_bytes(&rest[..at]);
            match rest.get(at + 1) {
                Some(digit @ b'0'..=b'9') => self.append_reference(&refs, usize::from(digit - b'0')),
                // The zero that ends every Lua string follows a last percent sign.
                other => self.append_bytes(&[other.copied().unwrap_or(0)]),
            }
            rest = rest.get(at + 2..).unwrap_or_default();
        }
        self.append_bytes(rest);
    }

    fn append_reference(&mut self, refs: &References, n: usize) {
        let l = self.l;
        if n >= refs.count {
            l.error_int(c"invalid capture index (%d)", n as c_int);
        }
        match refs.list[n] {
            Reference::Piece(start, end) => self.append_piece(start, end),
            Reference::Capture(cap) => {
                if !self.append_value(cap, c"capture") {
                    l.error_int(c"no values in capture index %d", n as c_int);
                }
            }
        }
    }

    /// Collects what a string capture can refer to: itself, and the captures inside; those that are simple are taken
    /// apart likewise.
    fn collect(&mut self, i: u32, refs: &mut References) {
        self.enter();
        let cap = *self.cap(i);
        refs.list[refs.count] = Reference::Piece(cap.start, cap.end);
        refs.count += 1;
        let mut child = i + 1;
        while child < cap.next && refs.count < MAX_REFERENCES {
            if self.cap(child).kind == Kind::Simple {
                self.collect(child, refs);
            } else {
                refs.list[refs.count] = Reference::Capture(child);
                refs.count += 1;
            }
            child = self.cap(child).next;
        }
        self.nesting -= 1;
    }
}
