//! Clocks, chance, and the processor that this runs on.

use crate::map::cpu;
use rustix::time::{ClockId, DynamicClockId, Timespec, clock_gettime, clock_gettime_dynamic};
use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

fn nanoseconds(time: Timespec) -> u64 {
    let Timespec { tv_sec, tv_nsec } = time;
    (tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(tv_nsec as u64)
}

/// Nanoseconds since boot, without time suspended.
pub(super) unsafe extern "C-unwind" fn ktime_get_ns(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    nanoseconds(clock_gettime(ClockId::Monotonic))
}

/// Nanoseconds since boot.
pub(super) unsafe extern "C-unwind" fn ktime_get_boot_ns(
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    nanoseconds(clock_gettime(ClockId::Boottime))
}

/// [`ktime_get_ns`] as of the last timer tick.
pub(super) unsafe extern "C-unwind" fn ktime_get_coarse_ns(
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    nanoseconds(clock_gettime(ClockId::MonotonicCoarse))
}

/// Timer ticks since boot, of which there are 250 in a second, from five minutes
/// before the counter's low half is full (`INITIAL_JIFFIES`).
pub(super) unsafe extern "C-unwind" fn jiffies64(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    const HZ: u64 = 250;
    let start = u64::from((HZ as u32 * 300).wrapping_neg());
    start + nanoseconds(clock_gettime(ClockId::MonotonicCoarse)) / (1_000_000_000 / HZ)
}

/// Nanoseconds of international atomic time since 1970.
pub(super) unsafe extern "C-unwind" fn ktime_get_tai_ns(
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    clock_gettime_dynamic(DynamicClockId::Tai).map_or(0, nanoseconds)
}

thread_local! {
    /// The generator's state on this thread; 0 before its first use.
    static RANDOM: Cell<u64> = const { Cell::new(0) };
}

/// A 32-bit number that nobody should rely on to be secret.
pub(super) unsafe extern "C-unwind" fn get_prandom_u32(
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    RANDOM.with(|state| {
        let mut x = match state.get() {
            0 => RandomState::new().hash_one(0) | 1,
            x => x,
        };
        // xorshift64*: never 0 again, and its high half is even.
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        state.set(x);
        x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    })
}

/// The processor that this runs on, which may be another one at once; below
/// [`cpu::possible`].
pub(crate) unsafe extern "C-unwind" fn get_smp_processor_id(
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    cpu::current() as u64
}
