//! A buffer's memory: one userdata with a header, the cells row by row, and the columns' headers.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use mlua::ffi::{self, lua_State};

use super::CLASS;
use crate::native::binding::push_object;

const NANOSECONDS: f64 = 1e9;

/// How values of a column that belong together are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Aggregation {
    Sum,
    Min,
    Max,
    None,
}

/// What a column is called. Texts end with a zero.
#[derive(Clone, Copy)]
#[repr(C)]
pub(super) struct Column {
    pub(super) name: [u8; 16],
    pub(super) unit: [u8; 8],
    pub(super) aggregation: Aggregation,
}

#[repr(C)]
struct Header {
    /// When the newest row starts, in seconds.
    current_time: i64,
    seconds_per_row: u32,
    /// The newest row. A restored one may lie beyond the last.
    current_row: u32,
    rows: u32,
    columns: u32,
    has_deltas: bool,
    shows_deltas: bool,
    /// Where the module's table keeps the deltas, `LUA_NOREF` if there are none.
    deltas: c_int,
}

/// A buffer that is on the Lua stack. What it lends is valid until the next call of one of its methods, and as long as
/// the buffer is on the stack.
#[derive(Clone, Copy)]
pub(super) struct Buffer(NonNull<Header>);

impl Buffer {
    /// Pushes a new buffer without values.
    ///
    /// # Safety
    /// Called from a host function with nothing on its frame that needs dropping; the class is registered.
    pub(super) unsafe fn push_new(
        lua: *mut lua_State,
        rows: u32,
        columns: u32,
        seconds_per_row: u32,
        has_deltas: bool,
    ) -> Buffer {
        let cells = (rows as usize).checked_mul(columns as usize);
        let cell_bytes = cells.and_then(|cells| cells.checked_mul(size_of::<f64>()));
        let column_bytes = columns as usize * size_of::<Column>();
        let bytes = cell_bytes.and_then(|bytes| bytes.checked_add(column_bytes + size_of::<Header>()));
        // SAFETY: the block has so many bytes and Lua's alignment, which is enough for doubles.
        unsafe {
            let block = push_object(lua, CLASS, bytes);
            let header = NonNull::new_unchecked(block.cast::<Header>());
            header.write(Header {
                current_time: i64::from(seconds_per_row) * i64::from(rows - 1),
                seconds_per_row,
                current_row: rows - 1,
                rows,
                columns,
                has_deltas,
                shows_deltas: false,
                deltas: ffi::LUA_NOREF,
            });
            let buffer = Buffer(header);
            let first = buffer.first_cell();
            (0..cells.unwrap_or(0)).for_each(|at| first.add(at).write(f64::NAN));
            for index in 0..columns as usize {
                let mut column =
                    Column { name: [0; 16], unit: *b"count\0\0\0", aggregation: Aggregation::Sum };
                // Fifteen bytes at most; a longer number is cut.
                let mut name = &mut column.name[..15];
                let _ = std::io::Write::write_fmt(&mut name, format_args!("Column_{}", index + 1));
                buffer.column_pointer(index).write(column);
            }
            buffer
        }
    }

    /// The buffer of an object.
    ///
    /// # Safety
    /// [`Buffer::push_new`] made the object.
    pub(super) unsafe fn from_object(block: *mut c_void) -> Buffer {
        // SAFETY: as promised.
        Buffer(unsafe { NonNull::new_unchecked(block.cast()) })
    }

    fn header(&self) -> &Header {
        // SAFETY: the header is initialised, and lives as long as the object.
        unsafe { self.0.as_ref() }
    }

    fn header_mut(&mut self) -> &mut Header {
        // SAFETY: as above.
        unsafe { self.0.as_mut() }
    }

    fn first_cell(&self) -> *mut f64 {
        // SAFETY: the cells follow the header.
        unsafe { self.0.as_ptr().add(1).cast() }
    }

    fn column_pointer(&self, index: usize) -> *mut Column {
        // SAFETY: the columns follow the cells; callers keep to those that are there.
        unsafe { self.first_cell().add(self.cells()).cast::<Column>().add(index) }
    }

    fn cells(&self) -> usize {
        self.rows() * self.columns()
    }

    pub(super) fn rows(&self) -> usize {
        self.header().rows as usize
    }

    pub(super) fn columns(&self) -> usize {
        self.header().columns as usize
    }

    pub(super) fn seconds_per_row(&self) -> i64 {
        self.header().seconds_per_row.into()
    }

    pub(super) fn current_time(&self) -> i64 {
        self.header().current_time
    }

    pub(super) fn current_row(&self) -> u32 {
        self.header().current_row
    }

    /// When the oldest row starts, in seconds.
    pub(super) fn start_time(&self) -> i64 {
        let span = self.seconds_per_row() * (self.rows() as i64 - 1);
        self.current_time().saturating_sub(span)
    }

    pub(super) fn has_deltas(&self) -> bool {
        self.header().has_deltas
    }

    /// Whether the output is what changed and not everything.
    pub(super) fn shows_deltas(&self) -> bool {
        self.header().shows_deltas
    }

    pub(super) fn show_deltas(&mut self, shown: bool) {
        self.header_mut().shows_deltas = shown;
    }

    /// Where the module's table keeps the deltas.
    pub(super) fn deltas(&self) -> Option<c_int> {
        Some(self.header().deltas).filter(|deltas| *deltas != ffi::LUA_NOREF)
    }

    pub(super) fn set_deltas(&mut self, deltas: Option<c_int>) {
        self.header_mut().deltas = deltas.unwrap_or(ffi::LUA_NOREF);
    }

    pub(super) fn column(&mut self, index: usize) -> &mut Column {
        assert!(index < self.columns(), "a column that is not there");
        // SAFETY: it is there, and initialised.
        unsafe { &mut *self.column_pointer(index) }
    }

    pub(super) fn values(&mut self) -> &mut [f64] {
        // SAFETY: so many cells follow the header, all initialised.
        unsafe { std::slice::from_raw_parts_mut(self.first_cell(), self.cells()) }
    }

    pub(super) fn cell(&mut self, row: usize, column: usize) -> &mut f64 {
        let at = row * self.columns() + column;
        &mut self.values()[at]
    }

    /// The values of a column from one row to another, around the end of the memory if need be.
    pub(super) fn span(&self, column: usize, first: usize, last: usize) -> impl Iterator<Item = f64> {
        let (rows, columns) = (self.rows(), self.columns());
        let count = if first <= last { last - first + 1 } else { rows - first + last + 1 };
        // SAFETY: as for `values`.
        let values = unsafe { std::slice::from_raw_parts(self.first_cell(), self.cells()) };
        (0..count).map(move |step| values[(first + step) % rows * columns + column])
    }

    /// When the row of a time starts, in seconds.
    pub(super) fn row_time(&self, ns: f64) -> i64 {
        let seconds = (ns / NANOSECONDS) as i64;
        seconds - seconds % self.seconds_per_row()
    }

    /// The row of a time, if it is one of those in the buffer.
    pub(super) fn row(&self, ns: f64) -> Option<usize> {
        self.place(ns).and_then(|(row, ahead)| (ahead <= 0).then_some(row))
    }

    /// The row of a time. The buffer moves on for a later time than it has, but does not come back for an earlier one.
    pub(super) fn reach(&mut self, ns: f64) -> Option<usize> {
        let (row, ahead) = self.place(ns)?;
        if ahead > 0 {
            self.clear_next(usize::try_from(ahead).unwrap_or(usize::MAX));
            let time = self.row_time(ns);
            let header = self.header_mut();
            header.current_time = time;
            header.current_row = row as u32;
        }
        Some(row)
    }

    /// The row that a time belongs to, and how many rows after the newest one; `None` for times before the oldest.
    fn place(&self, ns: f64) -> Option<(usize, i64)> {
        if !ns.is_finite() {
            return None;
        }
        let number = self.row_time(ns) / self.seconds_per_row();
        let ahead = number.saturating_sub(self.current_time() / self.seconds_per_row());
        // Numbers before the epoch count as unsigned ones of 32 bits.
        let row = if number >= 0 { number as usize } else { number as u32 as usize } % self.rows();
        (ahead > -(self.rows() as i64)).then_some((row, ahead))
    }

    /// Clears so many rows behind the newest one.
    fn clear_next(&mut self, count: usize) {
        let (rows, columns) = (self.rows(), self.columns());
        let newest = self.current_row() as usize;
        let first = if newest + 1 >= rows { 0 } else { newest + 1 };
        let values = self.values();
        for step in 0..count.min(rows) {
            let row = (first + step) % rows;
            values[row * columns..][..columns].fill(f64::NAN);
        }
    }

    /// Takes over the place in time of a buffer that was saved.
    pub(super) fn set_place(&mut self, current_time: i64, current_row: u32) {
        let header = self.header_mut();
        header.current_time = current_time;
        header.current_row = current_row;
    }
}
