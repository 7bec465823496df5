//! Panics of helpers: caught before they reach foreign frames, kept for the
//! caller of `run`.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

type Payload = Box<dyn Any + Send>;

thread_local! {
    static PENDING: Cell<Option<Payload>> = const { Cell::new(None) };
}

/// Runs `body`. Where it panics the result is 0, and the first payload waits
/// for [`take_panic`] on this thread.
pub(crate) fn guard(body: impl FnOnce() -> u64) -> u64 {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        PENDING.with(|pending| {
            let first = pending.take().unwrap_or(payload);
            pending.set(Some(first));
        });
        0
    })
}

/// The panic that a helper left on this thread since this was last asked.
pub(crate) fn take_panic() -> Option<Payload> {
    PENDING.with(Cell::take)
}

/// Puts back what [`take_panic`] gave, for the run around the one that asked.
pub(crate) fn restore_panic(payload: Option<Payload>) {
    PENDING.set(payload);
}
