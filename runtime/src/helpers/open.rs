//! The records that a program has reserved in rings and not finished, for
//! programs that may end by a panic: nobody else would finish them, and a record
//! that is not finished holds up all that come after it.
//!
//! Only such programs have these bodies; the others' reserve and submit without
//! being noted.

use super::ringbuf;
use crate::map::finish_record;
use brolga_core::helper::table::id;
use brolga_core::link::HelperFn;
use std::cell::RefCell;

thread_local! {
    /// Of the runs on this thread, those of the innermost last.
    static OPEN: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// The body that notes what it does, for the helpers that have one.
pub(super) fn noted(number: i32) -> Option<HelperFn> {
    match number {
        id::RINGBUF_RESERVE => Some(reserve),
        id::RINGBUF_SUBMIT => Some(submit),
        id::RINGBUF_DISCARD => Some(discard),
        _ => None,
    }
}

unsafe extern "C-unwind" fn reserve(map: u64, size: u64, flags: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: what the caller says is what the other body wants to hear.
    let record = unsafe { ringbuf::reserve(map, size, flags, 0, 0, 0) };
    if record != 0 {
        OPEN.with_borrow_mut(|open| open.push(record));
    }
    record
}

unsafe extern "C-unwind" fn submit(record: u64, flags: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    close(record);
    // SAFETY: as in `reserve`.
    unsafe { ringbuf::submit(record, flags, 0, 0, 0, 0) }
}

unsafe extern "C-unwind" fn discard(record: u64, flags: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    close(record);
    // SAFETY: as in `reserve`.
    unsafe { ringbuf::discard(record, flags, 0, 0, 0, 0) }
}

fn close(record: u64) {
    OPEN.with_borrow_mut(|open| {
        if let Some(at) = open.iter().rposition(|other| *other == record) {
            open.remove(at);
        }
    });
}

/// How many records were open when a run began.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize);

impl Mark {
    pub(crate) fn now() -> Self {
        Self(OPEN.with_borrow(Vec::len))
    }

    /// Takes back what the run that began here, and has ended by a panic, left
    /// open.
    ///
    /// # Safety
    ///
    /// No program of that run goes on, and they are still loaded.
    pub(crate) unsafe fn discard(self) {
        let left = OPEN.with_borrow_mut(|open| open.split_off(self.0.min(open.len())));
        for record in left {
            // SAFETY: it was reserved and not finished; its ring is held by the
            // program, which does not use it any more.
            unsafe { finish_record(record, 0, true) };
        }
    }
}
