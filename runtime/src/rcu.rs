//! What a run in flight may still use is not freed under it.
//!
//! A slot of a program array may be replaced while another thread runs the
//! program that was in it, and that thread holds no reference: counting one for
//! each tail call would make all threads write to the same memory. Instead a
//! thread says when it [`enter`]s and leaves a section in which it may use such
//! things, in memory of its own; and what is taken out of use is [`retire`]d:
//! dropped once no section is left that began before.
//!
//! Law: a value that a section could load from its place is not dropped before
//! the section ends. Let a section store its epoch, then load the place; let
//! `retire`'s caller replace the value, then `retire` load the sections' epochs.
//! Both have a sequentially consistent fence in between, so either the section
//! loads the new value, or `retire` sees the section.
//!
//! Nothing waits. A value is dropped by `retire` itself where no section is
//! under way, else by the last section that is in its way, when that ends. The
//! same fences make sure that one of the two sees the other.

use std::any::Any;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A thread's record; freed threads' records are taken over by new ones.
#[derive(Debug, Default)]
struct Record {
    /// The epoch in which the section under way began, or 0.
    began: AtomicU64,
    /// Whether a thread has it.
    taken: AtomicBool,
}

type Retired = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
struct Shared {
    records: Vec<&'static Record>,
    /// What is not dropped yet, with the epoch it was retired in.
    retired: Vec<(u64, Retired)>,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared { records: Vec::new(), retired: Vec::new() });
/// The latest epoch in `Shared::retired`, or 0, for those who have no lock: a
/// section that began after it is in the way of nothing.
static LATEST: AtomicU64 = AtomicU64::new(0);
/// From 1 on, one more for each retirement.
static EPOCH: AtomicU64 = AtomicU64::new(1);

fn shared() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A thread's hold on its record.
struct Mine(Cell<Option<&'static Record>>);

impl Drop for Mine {
    fn drop(&mut self) {
        if let Some(record) = self.0.get() {
            record.taken.store(false, Ordering::Release);
        }
    }
}

thread_local! {
    static MINE: Mine = const { Mine(Cell::new(None)) };
}

/// A section under way on this thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Section {
    /// Nothing, where a section around this one is under way.
    record: Option<&'static Record>,
    /// Whether the record is this section's alone.
    borrowed: bool,
    /// It ends on the thread that it began on.
    _here: std::marker::PhantomData<*const ()>,
}

/// Begins a section.
pub(crate) fn enter() -> Section {
    let mine = MINE.try_with(|mine| {
        let record = mine.0.get().unwrap_or_else(take_record);
        mine.0.set(Some(record));
        record
    });
    // A thread that is being torn down has no place to keep a record.
    let (record, borrowed) = mine.map_or_else(|_| (take_record(), true), |record| (record, false));
    let here = std::marker::PhantomData;
    if record.began.load(Ordering::Relaxed) != 0 {
        return Section { record: None, borrowed: false, _here: here };
    }
    record.began.store(EPOCH.load(Ordering::SeqCst), Ordering::SeqCst);
    fence(Ordering::SeqCst);
    Section { record: Some(record), borrowed, _here: here }
}

impl Drop for Section {
    fn drop(&mut self) {
        let Some(record) = self.record else { return };
        let began = record.began.load(Ordering::Relaxed);
        record.began.store(0, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if self.borrowed {
            record.taken.store(false, Ordering::Release);
        }
        if began <= LATEST.load(Ordering::SeqCst) {
            drop(collect(shared()));
        }
    }
}

#[cold]
fn take_record() -> &'static Record {
    let free = |record: &&&'static Record| !record.taken.swap(true, Ordering::Acquire);
    let mut shared = shared();
    if let Some(record) = shared.records.iter().find(free) {
        return record;
    }
    // As many as there are threads at once, at most, for good.
    let record: &'static Record = Box::leak(Box::new(Record { taken: true.into(), ..Record::default() }));
    shared.records.push(record);
    record
}

/// Drops a value once no section can use it any more. It is no longer to be
/// found by sections that begin from now on.
pub(crate) fn retire(value: Retired) {
    fence(Ordering::SeqCst);
    let mut shared = shared();
    let epoch = EPOCH.fetch_add(1, Ordering::SeqCst);
    shared.retired.push((epoch, value));
    LATEST.store(epoch, Ordering::SeqCst);
    fence(Ordering::SeqCst);
    drop(collect(shared));
}

/// Takes out what no section is in the way of, for the caller to drop: that may
/// retire more, so it is done without the lock.
fn collect(mut shared: MutexGuard<'_, Shared>) -> Vec<(u64, Retired)> {
    let began = |record: &&'static Record| match record.began.load(Ordering::SeqCst) {
        0 => u64::MAX,
        epoch => epoch,
    };
    let oldest = shared.records.iter().map(began).min().unwrap_or(u64::MAX);
    let (done, waiting) = shared.retired.drain(..).partition(|(epoch, _)| *epoch < oldest);
    shared.retired = waiting;
    LATEST.store(shared.retired.iter().map(|(epoch, _)| *epoch).max().unwrap_or(0), Ordering::SeqCst);
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc::channel;
    use std::thread;

    /// The tests share the process's one set of sections.
    static ALONE: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ALONE.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn retired() -> std::sync::Weak<u32> {
        let value = Arc::new(7);
        let weak = Arc::downgrade(&value);
        retire(value);
        weak
    }

    #[test]
    fn without_a_section_it_is_dropped_at_once() {
        let _alone = alone();
        assert!(retired().upgrade().is_none());
    }

    #[test]
    fn a_section_that_began_before_keeps_it() {
        let _alone = alone();
        let section = enter();
        let weak = retired();
        assert!(weak.upgrade().is_some());
        drop(section);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn only_the_outermost_section_counts() {
        let _alone = alone();
        let outer = enter();
        drop(enter());
        let weak = retired();
        drop(enter());
        assert!(weak.upgrade().is_some());
        drop(outer);
        assert!(weak.upgrade().is_none());
    }

    #[test]
    fn a_later_section_does_not_keep_it() {
        let _alone = alone();
        let (go, wait) = channel::<()>();
        let (ready, began) = channel();
        let old = enter();
        let weak = retired();
        let later = thread::spawn(move || {
            let _section = enter();
            ready.send(()).unwrap();
            _ = wait.recv();
        });
        began.recv().unwrap();
        drop(old);
        assert!(weak.upgrade().is_none());
        drop(go);
        later.join().unwrap();
    }

    #[test]
    fn records_are_taken_over_from_threads_that_ended() {
        let _alone = alone();
        for _ in 0..100 {
            thread::spawn(|| drop(enter())).join().unwrap();
        }
        assert!(shared().records.len() < 50);
    }

    /// Values are replaced while others look at them; none is looked at after
    /// its end.
    #[test]
    fn nothing_is_dropped_under_a_section() {
        let _alone = alone();
        const ALIVE: u64 = 0x0a11_0a11;
        struct Value(AtomicU64);
        impl Drop for Value {
            fn drop(&mut self) {
                self.0.store(0, Ordering::SeqCst);
            }
        }
        // Values live in slots that are never freed, so that a broken law shows
        // as a dead value and not as a crash.
        let slots: Vec<Arc<Value>> = (0..4000).map(|_| Arc::new(Value(ALIVE.into()))).collect();
        let weak: Vec<_> = slots.iter().map(Arc::downgrade).collect();
        let current = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    loop {
                        let _section = enter();
                        let at = current.load(Ordering::Acquire);
                        let Some(value) = weak.get(at) else { break };
                        for _ in 0..20 {
                            assert!(value.strong_count() > 0, "value {at} was dropped under a section");
                            std::hint::spin_loop();
                        }
                    }
                });
            }
            for (at, value) in slots.into_iter().enumerate() {
                current.store(at + 1, Ordering::Release);
                retire(value);
            }
        });
        assert!(weak.iter().all(|value| value.strong_count() == 0));
    }
}
