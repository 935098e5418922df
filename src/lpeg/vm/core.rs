//! The steps of the machine. All are inlined into its loop, so that the fields live in registers there.

use crate::capture::{Cap, NONE};
use crate::node::Kind;
use crate::program::{Inst, Program, SetInfo};
use crate::scratch::{CALL, Entry};

use super::{Machine, Registers};

/// Bytes that count for a step when a span runs over them, and when a literal is compared.
const RUN_OVER_PER_STEP: usize = 8;
const COMPARED_PER_STEP: usize = 128;

/// The state of a match while its program runs.
pub(super) struct Core<'m> {
    machine: &'m mut Machine,
    code: *const Inst,
    sets: *const SetInfo,
    /// End of the subject.
    end: *const u8,
    caps: *mut Cap,
    cap_limit: u32,
    stack: *mut Entry,
    stack_limit: *mut Entry,
    pc: *const Inst,
    /// Current position.
    s: *const u8,
    captop: u32,
    open: u32,
    /// Steps that are left before they are charged. Counted are those by which a program may go on for long: jumps, calls,
    /// failures, and bytes that are run over.
    fuel: i64,
}

// SAFETY, for all of the methods: the machine describes a live program, subject and scratch. `pc` stays within the
// program, whose targets the compiler made; it ends in `GiveUp`, which the first stack entry leads to. `s` stays within
// the subject: what moves it checks it against `end` first, or follows a test that did. The stack never underflows, as
// the compiler pairs pushes and pops, and both buffers are grown before they overflow.
impl<'m> Core<'m> {
    #[inline(always)]
    pub(super) unsafe fn new(machine: &'m mut Machine, start: usize) -> Self {
        // SAFETY: see above.
        unsafe {
            let code = Program::code(machine.program);
            let scratch = machine.scratch;
            let stack = (*scratch).stack.data;
            let bottom = Program::len(machine.program) as u32 - 1;
            stack.write(Entry { pos: start as u32, pc: bottom, captop: 0, open: NONE });
            Self {
                code,
                sets: Program::sets(machine.program),
                end: machine.subject.add(machine.len),
                caps: (*scratch).caps.data,
                cap_limit: (*scratch).caps.capacity as u32,
                stack: stack.add(1),
                stack_limit: stack.add((*scratch).stack.capacity),
                pc: code,
                s: machine.subject.add(start),
                captop: 0,
                open: NONE,
                fuel: super::FUEL,
                machine,
            }
        }
    }

    /// The next instruction.
    #[inline(always)]
    pub(super) unsafe fn fetch(&mut self) -> Inst {
        // SAFETY: see above.
        unsafe {
            let inst = *self.pc;
            self.pc = self.pc.add(1);
            inst
        }
    }

    /// End of the match and number of captures.
    #[inline(always)]
    pub(super) unsafe fn outcome(&mut self) -> (usize, u32) {
        self.settle();
        // SAFETY: see above.
        unsafe { (self.pos() as usize, self.captop) }
    }

    /// Charges for the steps since the last charge, unless there were few.
    #[inline(always)]
    pub(super) fn settle(&mut self) {
        if self.fuel <= super::FUEL - super::FREE {
            self.fuel = self.machine.refuel(self.fuel);
        }
    }

    /// Counts steps.
    #[inline(always)]
    fn burn(&mut self, steps: i64) {
        self.fuel -= steps;
        if self.fuel < 0 {
            self.fuel = self.machine.refuel(self.fuel);
        }
    }

    #[inline(always)]
    unsafe fn pos(&self) -> u32 {
        // SAFETY: see above.
        unsafe { self.s.offset_from_unsigned(self.machine.subject) as u32 }
    }

    #[inline(always)]
    pub(super) unsafe fn jump(&mut self, to: u32) {
        // Not looked at here: a loop without calls and failures gets on in the subject.
        self.fuel -= 1;
        // SAFETY: see above.
        self.pc = unsafe { self.code.add(to as usize) };
    }

    #[inline(always)]
    pub(super) unsafe fn jump_unless(&mut self, ok: bool, to: u32) {
        if !ok {
            // SAFETY: see above.
            unsafe { self.jump(to) };
        }
    }

    #[inline(always)]
    pub(super) fn at_any(&self) -> bool {
        self.s < self.end
    }

    #[inline(always)]
    pub(super) unsafe fn at_char(&self, byte: u8) -> bool {
        // SAFETY: see above.
        self.at_any() && unsafe { *self.s } == byte
    }

    #[inline(always)]
    pub(super) unsafe fn at_set(&self, set: u16) -> bool {
        // SAFETY: see above.
        self.at_any() && unsafe { (*self.sets.add(usize::from(set))).set.has(*self.s) }
    }

    /// Consumes a byte if `ok`; gives `ok` back.
    #[inline(always)]
    pub(super) unsafe fn advance(&mut self, ok: bool) -> bool {
        // SAFETY: see above.
        self.s = unsafe { self.s.add(usize::from(ok)) };
        ok
    }

    #[inline(always)]
    pub(super) unsafe fn literal(&mut self, inst: Inst) -> bool {
        let len = usize::from(inst.key);
        // SAFETY: see above; a literal has two bytes at least.
        unsafe {
            if self.end.offset_from_unsigned(self.s) < len {
                return false;
            }
            let text = Program::literals(self.machine.program).add(inst.a as usize);
            let same = *self.s == *text
                && std::slice::from_raw_parts(self.s, len) == std::slice::from_raw_parts(text, len);
            self.burn((len / COMPARED_PER_STEP) as i64);
            if same {
                self.s = self.s.add(len);
            }
            same
        }
    }

    #[inline(always)]
    pub(super) unsafe fn span(&mut self, set: usize) {
        let from = self.s;
        // SAFETY: see above.
        unsafe {
            self.s = super::span(&*self.sets.add(set), self.s, self.end);
            // The subject is shorter than 4 GiB.
            self.burn((self.s.offset_from_unsigned(from) / RUN_OVER_PER_STEP) as i64);
        }
    }

    #[inline(always)]
    pub(super) unsafe fn step_back(&mut self, len: u32) -> bool {
        // SAFETY: see above.
        unsafe {
            let ok = self.pos() >= len;
            self.s = self.s.sub(if ok { len as usize } else { 0 });
            ok
        }
    }

    #[inline(always)]
    pub(super) unsafe fn choice(&mut self, otherwise: u32) {
        // SAFETY: see above.
        unsafe { self.push(self.pos(), otherwise) };
    }

    #[inline(always)]
    pub(super) unsafe fn call(&mut self, rule: u32) {
        // SAFETY: see above.
        unsafe {
            self.burn(1);
            self.push(CALL, self.pc.offset_from_unsigned(self.code) as u32);
            self.jump(rule);
        }
    }

    #[inline(always)]
    unsafe fn push(&mut self, pos: u32, pc: u32) {
        if self.stack == self.stack_limit {
            (self.stack, self.stack_limit) = self.machine.grow_stack();
        }
        // SAFETY: see above.
        unsafe {
            self.stack.write(Entry { pos, pc, captop: self.captop, open: self.open });
            self.stack = self.stack.add(1);
        }
    }

    /// Drops the last entry and gives it.
    #[inline(always)]
    pub(super) unsafe fn pop(&mut self) -> Entry {
        // SAFETY: see above.
        unsafe {
            self.stack = self.stack.sub(1);
            *self.stack
        }
    }

    /// Makes the last choice lead back to here.
    #[inline(always)]
    pub(super) unsafe fn renew_choice(&mut self) {
        // SAFETY: see above.
        unsafe {
            let last = &mut *self.stack.sub(1);
            last.pos = self.pos();
            last.captop = self.captop;
        }
    }

    /// Takes back everything since the entry was pushed.
    #[inline(always)]
    pub(super) unsafe fn restore(&mut self, entry: Entry) {
        if self.machine.dynamic > 0 {
            self.machine.drop_dynamic(entry.captop, self.captop);
        }
        // SAFETY: see above; the position was one of the subject when it was saved.
        self.s = unsafe { self.machine.subject.add(entry.pos as usize) };
        self.captop = entry.captop;
        self.open = entry.open;
    }

    /// Goes back to the last choice.
    #[inline(always)]
    pub(super) unsafe fn fail(&mut self) {
        self.burn(1);
        // SAFETY: see above.
        unsafe {
            let mut entry = self.pop();
            while entry.pos == CALL {
                entry = self.pop();
            }
            self.restore(entry);
            self.jump(entry.pc);
        }
    }

    #[inline(always)]
    unsafe fn record(&mut self, inst: Inst, start: u32, end: u32) {
        if self.captop >= self.cap_limit {
            (self.caps, self.cap_limit) = self.machine.grow_caps(self.captop);
        }
        // SAFETY: see above; `Inst::capture` is the only writer of a kind.
        unsafe {
            self.caps.add(self.captop as usize).write(Cap {
                start,
                end,
                next: self.captop + 1,
                parent: self.open,
                aux: 0,
                key: inst.key,
                kind: std::mem::transmute::<u8, Kind>(inst.b),
            });
        }
        self.captop += 1;
    }

    #[inline(always)]
    pub(super) unsafe fn open(&mut self, inst: Inst) {
        // SAFETY: see above.
        unsafe { self.record(inst, self.pos(), 0) };
        self.open = self.captop - 1;
    }

    #[inline(always)]
    pub(super) unsafe fn close(&mut self) {
        // SAFETY: see above.
        unsafe {
            let cap = &mut *self.caps.add(self.open as usize);
            cap.end = self.pos();
            cap.next = self.captop;
            self.open = cap.parent;
        }
    }

    #[inline(always)]
    pub(super) unsafe fn full(&mut self, inst: Inst) {
        // SAFETY: see above.
        unsafe { self.record(inst, self.pos() - inst.a, self.pos()) };
    }

    #[inline(always)]
    pub(super) unsafe fn capture_span(&mut self, inst: Inst, least: u32) -> bool {
        // SAFETY: see above.
        unsafe {
            let from = self.pos();
            self.span(inst.a as usize);
            let ok = self.pos() >= from + least;
            if ok {
                self.record(inst, from, self.pos());
            }
            ok
        }
    }

    #[inline(always)]
    pub(super) unsafe fn close_run_time(&mut self) -> bool {
        let before = Registers { s: self.s, captop: self.captop, open: self.open };
        let (ok, after) = self.machine.close_run_time(before);
        Registers { s: self.s, captop: self.captop, open: self.open } = after;
        // SAFETY: see above.
        unsafe {
            self.caps = (*self.machine.scratch).caps.data;
            self.cap_limit = (*self.machine.scratch).caps.capacity as u32;
        }
        ok
    }
}
