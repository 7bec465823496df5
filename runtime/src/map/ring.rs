//! A ring of records, written by programs and read by the host: what is under a
//! `BPF_MAP_TYPE_RINGBUF`, and a buffer of a `BPF_MAP_TYPE_PERF_EVENT_ARRAY`.
//!
//! Positions only ever grow; a record's place is its position modulo the size.
//! A record has a header of 8 bytes: its length with two flags, and how many
//! pages it is from the ring's start, by which a record's address leads to its
//! ring. The memory is twice the ring's size, so that a record that starts near
//! the end goes on past it in one piece.
//!
//! Law: the records between the consumer's and the producer's position are at
//! most `size - 1` bytes, of which one at most passes the end: so no two of them
//! share a byte. A record is the program's while its header says so, then the
//! consumer's until that moves its position.

#![expect(unsafe_code, reason = "programs write records by their addresses")]

use super::MapError;
use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};
use rustix::thread::futex;
use std::ptr::NonNull;
use std::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64,
    Ordering::{Acquire, Relaxed, Release, SeqCst},
};
use std::time::{Duration, Instant};

/// What the header counts in, and what a ring's size is a multiple of.
pub(super) const PAGE: usize = 4096;
/// The length of a record's header, in bytes.
const HEADER: u64 = 8;
/// The record is not finished (`BPF_RINGBUF_BUSY_BIT`).
const BUSY: u32 = 1 << 31;
/// The record is not to be read (`BPF_RINGBUF_DISCARD_BIT`).
const DISCARD: u32 = 1 << 30;
/// The longest record, in bytes (`RINGBUF_MAX_RECORD_SZ`).
const LONGEST: u64 = (u32::MAX / 4) as u64;

/// `BPF_RB_NO_WAKEUP`
const NO_WAKEUP: u64 = 1;
/// `BPF_RB_FORCE_WAKEUP`
const FORCE_WAKEUP: u64 = 2;

/// What is known of a ring, at the start of its memory. All zero, but for the
/// mask, is a ring without records.
#[repr(C)]
struct Control {
    /// The size less 1.
    mask: AtomicU64,
    consumer: AtomicU64,
    producer: AtomicU64,
    /// The position of the first record that is not finished.
    pending: AtomicU64,
    /// Whether someone reserves.
    locked: AtomicBool,
    /// Whether there is a reader.
    taken: AtomicBool,
    /// Whether the reader sleeps.
    waiting: AtomicBool,
    /// What the reader sleeps on: one more for each time it is woken.
    wakeups: AtomicU32,
}

/// A ring's memory: the control page, then twice the data.
pub(crate) struct Ring {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: everything in the memory is accessed by atomics, or by whoever a
// record belongs to.
unsafe impl Send for Ring {}
// SAFETY: as above.
unsafe impl Sync for Ring {}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping is this ring's, and nobody uses it any more. What
        // could fail is only the address.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.len) };
    }
}

impl Ring {
    /// A ring of `size` bytes, a power of two and of whole pages.
    pub(super) fn new(size: u32) -> Result<Self, MapError> {
        let bytes = PAGE as u64 + 2 * u64::from(size);
        let no_memory = MapError::NoMemory { bytes };
        let len = usize::try_from(bytes).map_err(|_| no_memory.clone())?;
        let (prot, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE | MapFlags::NORESERVE);
        // SAFETY: a mapping at an address of the kernel's choice is in nobody's way.
        let base = unsafe { mmap_anonymous(std::ptr::null_mut(), len, prot, flags) };
        let base = base.ok().and_then(|base| NonNull::new(base.cast::<u8>())).ok_or(no_memory)?;
        base.as_ptr().expose_provenance();
        let ring = Self { base, len };
        ring.control().mask.store(u64::from(size) - 1, Relaxed);
        Ok(ring)
    }

    fn control(&self) -> &Control {
        // SAFETY: the memory starts with the control page, whose zeros are valid,
        // and lives as long as `self`.
        unsafe { self.base.cast().as_ref() }
    }

    fn view(&self) -> View<'_> {
        View { control: self.control() }
    }

    /// Reserves a record; its address, or `None` where there is no room for it.
    pub(super) fn reserve(&self, len: u64) -> Option<u64> {
        self.view().reserve(len)
    }

    /// Whether the `len` bytes at `addr` are among those of records.
    pub(super) fn contains(&self, addr: u64, len: u64) -> bool {
        let off = addr.wrapping_sub(self.base.as_ptr().addr() as u64);
        off >= PAGE as u64 && off.checked_add(len).is_some_and(|end| end <= self.len as u64)
    }

    /// `bpf_ringbuf_query`
    pub(super) fn query(&self, what: u64) -> u64 {
        let Control { mask, consumer, producer, .. } = self.control();
        match what {
            0 => producer.load(Acquire).wrapping_sub(consumer.load(Acquire)),
            1 => mask.load(Relaxed) + 1,
            2 => consumer.load(Acquire),
            3 => producer.load(Acquire),
            _ => 0,
        }
    }

    /// Takes the right to read, until [`release`](Self::release).
    pub(super) fn take(&self) -> Result<(), MapError> {
        let taken = self.control().taken.swap(true, Acquire);
        if taken { Err(MapError::Busy) } else { Ok(()) }
    }

    pub(super) fn release(&self) {
        self.control().taken.store(false, Release);
    }

    /// For the reader: the first record that is there to be read.
    ///
    /// # Safety
    ///
    /// The caller is the reader, and uses the bytes until it
    /// [`advance`](Self::advance)s at most.
    pub(super) unsafe fn first(&self) -> Option<(&[u8], u64)> {
        let (view, control) = (self.view(), self.control());
        loop {
            let at = control.consumer.load(Relaxed);
            if at == control.producer.load(Acquire) {
                return None;
            }
            let header = view.header(at).load(SeqCst);
            if header & BUSY != 0 {
                return None;
            }
            let len = header & !DISCARD;
            let next = at + taken(len.into());
            if header & DISCARD == 0 {
                let data = std::ptr::with_exposed_provenance(view.record(at) as usize);
                // SAFETY: a finished record is in the memory, and nobody writes it
                // until the reader moves on.
                return Some((unsafe { std::slice::from_raw_parts(data, len as usize) }, next));
            }
            self.advance(next);
        }
    }

    /// For the reader: lets go of everything before a position.
    pub(super) fn advance(&self, to: u64) {
        self.control().consumer.store(to, SeqCst);
    }

    /// For the reader: sleeps until there is a record that it was to be woken
    /// for, at most that long; whether there is one.
    pub(super) fn wait(&self, timeout: Option<Duration>) -> bool {
        let control = self.control();
        let end = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        loop {
            let wakeups = control.wakeups.load(SeqCst);
            control.waiting.store(true, SeqCst);
            // SAFETY: the caller is the reader; the bytes are not looked at.
            let there = unsafe { self.first() }.is_some();
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            let over = left.is_some_and(|left| left.is_zero());
            if there || over {
                control.waiting.store(false, Relaxed);
                return there;
            }
            sleep(&control.wakeups, wakeups, left);
        }
    }
}

fn sleep(word: &AtomicU32, value: u32, timeout: Option<Duration>) {
    let timeout = timeout.and_then(|timeout| timeout.try_into().ok());
    // Whatever it returns for, the caller looks again.
    let _ = futex::wait(word, futex::Flags::PRIVATE, value, timeout.as_ref());
}

/// How much a record of `len` bytes takes of the ring, its header included.
const fn taken(len: u64) -> u64 {
    (len + HEADER).next_multiple_of(8)
}

/// A ring by its control page, as a record leads to it.
#[derive(Clone, Copy)]
struct View<'a> {
    control: &'a Control,
}

impl<'a> View<'a> {
    /// The ring of a record.
    ///
    /// # Safety
    ///
    /// `record` is an address that [`Ring::reserve`] gave and nobody finished,
    /// of a ring that lives as long as `'a`.
    unsafe fn of(record: u64) -> (Self, &'a AtomicU32) {
        let header = record - HEADER;
        // SAFETY: the caller's record has a header before it, whose second half
        // says how far the control page is.
        unsafe {
            let pages = (*std::ptr::with_exposed_provenance::<AtomicU32>(header as usize + 4)).load(Relaxed);
            let base = header / PAGE as u64 * PAGE as u64 - u64::from(pages) * PAGE as u64;
            let control = &*std::ptr::with_exposed_provenance::<Control>(base as usize);
            (Self { control }, &*std::ptr::with_exposed_provenance::<AtomicU32>(header as usize))
        }
    }

    fn base(self) -> u64 {
        std::ptr::from_ref(self.control).expose_provenance() as u64
    }

    /// The address of the record at a position, behind its header.
    fn record(self, position: u64) -> u64 {
        self.base() + PAGE as u64 + (position & self.control.mask.load(Relaxed)) + HEADER
    }

    /// The first half of the header at a position.
    fn header(self, position: u64) -> &'a AtomicU32 {
        let at = self.record(position) - HEADER;
        // SAFETY: positions are multiples of 8, so the header is aligned and in
        // the memory, which lives as long as the control page.
        unsafe { &*std::ptr::with_exposed_provenance::<AtomicU32>(at as usize) }
    }

    fn lock(self) {
        let locked = &self.control.locked;
        let mut spins = 0u32;
        while locked.compare_exchange_weak(false, true, Acquire, Relaxed).is_err() {
            spins += 1;
            // Whoever has it may not be running.
            if spins.is_multiple_of(64) { std::thread::yield_now() } else { std::hint::spin_loop() }
        }
    }

    fn reserve(self, len: u64) -> Option<u64> {
        let size = self.control.mask.load(Relaxed) + 1;
        if len > LONGEST || taken(len) > size {
            return None;
        }
        let consumer = self.control.consumer.load(Acquire);
        self.lock();
        let reserved = self.reserve_locked(len, consumer);
        self.control.locked.store(false, Release);
        reserved
    }

    fn reserve_locked(self, len: u64, consumer: u64) -> Option<u64> {
        let Control { mask, producer, pending, .. } = self.control;
        let mask = mask.load(Relaxed);
        let (start, end) = (producer.load(Relaxed), producer.load(Relaxed) + taken(len));
        let mut first = pending.load(Relaxed).max(consumer);
        while first < start {
            let header = self.header(first).load(Acquire);
            if header & BUSY != 0 {
                break;
            }
            first += taken((header & !DISCARD).into());
        }
        pending.store(first, Relaxed);
        if end - consumer > mask || end - first > mask {
            return None;
        }
        let record = self.record(start);
        let pages = (record - HEADER - self.base()) / PAGE as u64;
        // SAFETY: the second half of the header is in the memory, as the first is.
        unsafe {
            let second = std::ptr::with_exposed_provenance::<AtomicU32>((record - 4) as usize);
            (*second).store(pages as u32, Relaxed);
        }
        self.header(start).store(len as u32 | BUSY, Relaxed);
        producer.store(end, Release);
        Some(record)
    }

    fn wake(self) {
        if self.control.waiting.swap(false, SeqCst) {
            self.control.wakeups.fetch_add(1, SeqCst);
            // It can fail for no address that is mapped.
            let _ = futex::wake(&self.control.wakeups, futex::Flags::PRIVATE, 1);
        }
    }
}

/// Finishes a record. The reader is woken where this is the record that it waits
/// for, unless `flags` say otherwise.
///
/// # Safety
///
/// `record` is an address that [`Ring::reserve`] gave, and nobody finished or
/// uses; its ring lives as long as the call.
pub(crate) unsafe fn finish(record: u64, flags: u64, discard: bool) {
    // SAFETY: as the caller says.
    let (view, header) = unsafe { View::of(record) };
    let len = header.load(Relaxed) & !BUSY;
    header.store(len | if discard { DISCARD } else { 0 }, SeqCst);
    let mask = view.control.mask.load(Relaxed);
    let here = record - HEADER - view.base() - PAGE as u64;
    let caught_up = view.control.consumer.load(SeqCst) & mask == here;
    if flags & FORCE_WAKEUP != 0 || caught_up && flags & NO_WAKEUP == 0 {
        view.wake();
    }
}
