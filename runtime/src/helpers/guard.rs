//! Panics of helpers: caught before they reach foreign frames, kept for the
//! caller of `run`.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

type Payload = Box<dyn Any + Send>;

thread_local! {
    static PENDING: Cell<Option<Payload>> = const { Cell::new(None) };
    /// Whether there is something in `PENDING`: every run asks, and a flag costs
    /// it less than what has to be dropped when the thread ends.
    static PANICKED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `body`. Where it panics the result is 0, and the first payload waits
/// for [`take_panic`] on this thread.
pub(crate) fn guard(body: impl FnOnce() -> u64) -> u64 {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        PENDING.with(|pending| {
            let first = pending.take().unwrap_or(payload);
            pending.set(Some(first));
        });
        PANICKED.set(true);
        0
    })
}

/// The panic that a helper left on this thread since this was last asked.
#[inline]
pub(crate) fn take_panic() -> Option<Payload> {
    if PANICKED.replace(false) { PENDING.with(Cell::take) } else { None }
}

/// Puts back what [`take_panic`] gave, for the run around the one that asked.
#[inline]
pub(crate) fn restore_panic(payload: Option<Payload>) {
    if payload.is_some() {
        PANICKED.set(true);
        PENDING.set(payload);
    }
}
