//! Compiled code of a pattern: one block that Lua owns (a userdata), laid out as header, instructions, sets, shape
//! caches, literal bytes.

use std::mem::size_of;

use crate::charset::Charset;
use crate::node::Kind;
use crate::shape::Shapes;

/// Operations of the matching machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Op {
    /// The match is complete.
    End,
    /// The bottom of the backtrack stack: the match failed.
    GiveUp,
    /// Return from a rule.
    Ret,
    /// Consume any byte.
    Any,
    /// Consume a byte that a test has already seen.
    Skip,
    /// Consume the byte `b`.
    Char,
    /// Consume a byte of set `key`.
    Set,
    /// Consume the `key` literal bytes at `a`.
    Literal,
    /// Jump to `a` at the end of the subject.
    TestAny,
    /// Jump to `a` unless the next byte is `b`.
    TestChar,
    /// Jump to `a` unless the next byte is in set `key`.
    TestSet,
    /// Consume bytes while they are in set `key`.
    Span,
    /// Step back `a` bytes or fail.
    Behind,
    /// Jump to `a`.
    Jump,
    /// Push a choice: on failure continue at `a` from here.
    Choice,
    /// Call the rule at `a`.
    Call,
    /// Drop the choice and jump to `a`.
    Commit,
    /// Move the choice to the current state and jump to `a`.
    PartialCommit,
    /// Drop the choice, restore its state and jump to `a`.
    BackCommit,
    /// Drop the choice and fail.
    FailTwice,
    /// Fail.
    Fail,
    /// Begin a capture of kind `b` and value `key`.
    Open,
    /// End the innermost open capture.
    Close,
    /// Record a capture over the last `a` bytes.
    Full,
    /// Record a capture over a span of set `a`.
    CaptureSpan,
    /// As `CaptureSpan`, of at least one byte.
    CaptureSpan1,
    /// End a match-time capture: call its function.
    CloseRunTime,
}

/// One instruction.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct Inst {
    /// What to do.
    pub(crate) op: Op,
    /// A byte, or a capture kind.
    pub(crate) b: u8,
    /// A set, the length of a literal, or the value of a capture.
    pub(crate) key: u16,
    /// A target, a length, or an offset.
    pub(crate) a: u32,
}

impl Inst {
    /// An instruction without operands.
    pub(crate) fn new(op: Op) -> Self {
        Self { op, b: 0, key: 0, a: 0 }
    }

    /// A capture instruction.
    pub(crate) fn capture(op: Op, kind: Kind, key: u16, a: u32) -> Self {
        Self { op, b: kind as u8, key, a }
    }
}

/// A set as the machine uses it.
#[derive(Clone, Copy)]
#[repr(C)]
pub(crate) struct SetInfo {
    /// Its bytes.
    pub(crate) set: Charset,
    /// How many bytes are *not* in the set, if 1 to 3; 0 otherwise.
    pub(crate) stops: u8,
    /// Those bytes.
    pub(crate) stop: [u8; 3],
}

impl SetInfo {
    /// Describes a set.
    pub(crate) fn new(set: Charset) -> Self {
        let outside = set.complement();
        let mut info = Self { set, stops: 0, stop: [0; 3] };
        if (1..=3).contains(&outside.len()) {
            for (slot, byte) in info.stop.iter_mut().zip(outside.bytes()) {
                *slot = byte;
                info.stops += 1;
            }
        }
        info
    }
}

/// The header of the block.
#[repr(C)]
pub(crate) struct Program {
    insts: u32,
    sets: u32,
    tables: u32,
    literals: u32,
}

impl Program {
    /// Bytes of a block with so many parts.
    pub(crate) fn size_of(insts: usize, sets: usize, tables: usize, literals: usize) -> usize {
        size_of::<Self>()
            + insts * size_of::<Inst>()
            + sets * size_of::<SetInfo>()
            + tables * size_of::<Shapes>()
            + literals
    }

    /// Fills a block.
    ///
    /// # Safety
    /// `block` must be writable for [`Program::size_of`] these parts and aligned for `u64`.
    pub(crate) unsafe fn write(
        block: *mut Self,
        insts: &[Inst],
        sets: &[SetInfo],
        tables: usize,
        literals: &[u8],
    ) {
        // SAFETY: the parts are laid out one after another within the size that the caller vouches for; the size of
        // each is a multiple of 8 but that of the bytes, which come last.
        unsafe {
            block.write(Self {
                insts: insts.len() as u32,
                sets: sets.len() as u32,
                tables: tables as u32,
                literals: literals.len() as u32,
            });
            let code = Self::code(block).cast_mut();
            code.copy_from_nonoverlapping(insts.as_ptr(), insts.len());
            Self::sets(block).cast_mut().copy_from_nonoverlapping(sets.as_ptr(), sets.len());
            for t in 0..tables {
                Self::shapes(block, t).write(Shapes::new());
            }
            Self::literals(block).cast_mut().copy_from_nonoverlapping(literals.as_ptr(), literals.len());
        }
    }

    /// The first instruction.
    ///
    /// # Safety
    /// As for [`Program::write`], for all the methods below.
    #[inline(always)]
    pub(crate) unsafe fn code(block: *const Self) -> *const Inst {
        // SAFETY: the instructions follow the header.
        unsafe { block.add(1).cast() }
    }

    /// Number of instructions.
    #[inline(always)]
    pub(crate) unsafe fn len(block: *const Self) -> usize {
        // SAFETY: by contract.
        unsafe { (*block).insts as usize }
    }

    /// The first set.
    #[inline(always)]
    pub(crate) unsafe fn sets(block: *const Self) -> *const SetInfo {
        // SAFETY: the sets follow the instructions.
        unsafe { Self::code(block).add((*block).insts as usize).cast() }
    }

    /// The shape cache of table capture `table`.
    pub(crate) unsafe fn shapes(block: *const Self, table: usize) -> *mut Shapes {
        // SAFETY: the shape caches follow the sets.
        unsafe { Self::sets(block).add((*block).sets as usize).cast::<Shapes>().cast_mut().add(table) }
    }

    /// The first literal byte.
    #[inline(always)]
    pub(crate) unsafe fn literals(block: *const Self) -> *const u8 {
        // SAFETY: the literals follow the shape caches.
        unsafe { Self::shapes(block, (*block).tables as usize).cast_const().cast() }
    }
}
