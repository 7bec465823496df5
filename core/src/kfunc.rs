//! Kernel functions: what a program may call of the kernel by name, beside its
//! helpers.
//!
//! An instruction names one by the BTF id of its type, which is another one in
//! each kernel; so who loads a program says which name each id stands for
//! ([`Aux::kfuncs`](crate::Aux::kfuncs)). What a function takes and gives no BTF
//! says in full: the rules are the verifier's, for those that are listed here.

#![expect(unsafe_code, reason = "programs pass addresses to kernel functions")]

use crate::helper::{Arg, ArgFlags, ArgKind, Proto, Ret, RetKind};
use crate::interp::MAX_ROUNDS;
use crate::link::{HelperBody, HelperFn};
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

/// A kernel function that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kfunc {
    /// `bpf_iter_num_new(it, start, end)`: begins to count.
    IterNumNew,
    /// `bpf_iter_num_next(it)`: the address of the next number, or null.
    IterNumNext,
    /// `bpf_iter_num_destroy(it)`: the count is over.
    IterNumDestroy,
    /// `bpf_rcu_read_lock()`
    RcuReadLock,
    /// `bpf_rcu_read_unlock()`
    RcuReadUnlock,
    /// `bpf_preempt_disable()`
    PreemptDisable,
    /// `bpf_preempt_enable()`
    PreemptEnable,
}

/// The size of a `struct bpf_iter_num`, in bytes.
pub const ITER_NUM_BYTES: u32 = 8;

/// Each with its name, its arguments, its result and what it does.
type Row = (Kfunc, &'static str, &'static [Arg], Ret, HelperFn);

const ITERATOR: Arg =
    Arg::of(ArgKind::Mem).with(ArgFlags::UNINIT).with(ArgFlags::WRITE).sized(ITER_NUM_BYTES);
const COUNTED: Ret = Ret::or_null(RetKind::Mem(4));

static ROWS: [Row; 7] = [
    (
        Kfunc::IterNumNew,
        "bpf_iter_num_new",
        &[ITERATOR, Arg::ANYTHING, Arg::ANYTHING],
        Ret::INTEGER,
        iter_num_new,
    ),
    (Kfunc::IterNumNext, "bpf_iter_num_next", &[ITERATOR], COUNTED, iter_num_next),
    (Kfunc::IterNumDestroy, "bpf_iter_num_destroy", &[ITERATOR], Ret::VOID, iter_num_destroy),
    (Kfunc::RcuReadLock, "bpf_rcu_read_lock", &[], Ret::VOID, nothing),
    (Kfunc::RcuReadUnlock, "bpf_rcu_read_unlock", &[], Ret::VOID, nothing),
    (Kfunc::PreemptDisable, "bpf_preempt_disable", &[], Ret::VOID, nothing),
    (Kfunc::PreemptEnable, "bpf_preempt_enable", &[], Ret::VOID, nothing),
];

/// The prototypes, in the order of the rows. No helper has such a number.
static PROTOS: LazyLock<Vec<Arc<Proto>>> = LazyLock::new(|| {
    let proto = |(at, (_, name, args, ret, _)): (usize, &Row)| {
        Arc::new(Proto::new(-1 - at as i32, name).takes(args).returns(*ret))
    };
    ROWS.iter().enumerate().map(proto).collect()
});

impl Kfunc {
    /// All that are known here.
    pub fn all() -> impl Iterator<Item = Self> {
        ROWS.iter().map(|row| row.0)
    }

    /// The function of this name, where it is known here.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        ROWS.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    fn row(self) -> usize {
        ROWS.iter().position(|row| row.0 == self).expect("every function has a row")
    }

    /// The kernel's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        ROWS[self.row()].1
    }

    /// How it is called.
    #[must_use]
    pub fn proto(self) -> &'static Arc<Proto> {
        &PROTOS[self.row()]
    }

    /// What a call runs.
    #[must_use]
    pub fn body(self) -> HelperBody {
        HelperBody { func: ROWS[self.row()].4, env: None }
    }
}

/// A 32-bit error, as a function of C's gives it.
const fn error(errno: i32) -> u64 {
    errno.wrapping_neg() as u32 as u64
}

/// Where an iterator is (`struct bpf_iter_num_kern`): the number that was given
/// last, and the one that none reaches.
///
/// # Safety
///
/// As many bytes at the address as an iterator has, at a multiple of that, are
/// the program's own.
unsafe fn iterator<'a>(it: u64) -> [&'a AtomicI32; 2] {
    // SAFETY: as the caller says.
    [it, it + 4].map(|at| unsafe { AtomicI32::from_ptr(std::ptr::with_exposed_provenance_mut(at as usize)) })
}

unsafe extern "C-unwind" fn iter_num_new(it: u64, start: u64, end: u64, _: u64, _: u64, _: u64) -> u64 {
    const INVALID: i32 = 22;
    const TOO_BIG: i32 = 7;
    let (start, end) = (start as i32, end as i32);
    let refused = match i64::from(end) - i64::from(start) {
        ..0 => Some(INVALID),
        count if count > i64::from(MAX_ROUNDS) => Some(TOO_BIG),
        _ => None,
    };
    // SAFETY: by its prototype it gets room for an iterator, and slots of the
    // stack lie at multiples of 8.
    let [current, last] = unsafe { iterator(it) };
    // The least number has none before it: adding wraps round to it.
    current.store(if refused.is_some() { 0 } else { start.wrapping_sub(1) }, Relaxed);
    last.store(if refused.is_some() { 0 } else { end }, Relaxed);
    refused.map_or(0, error)
}

unsafe extern "C-unwind" fn iter_num_next(it: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: as for `iter_num_new`.
    let [current, last] = unsafe { iterator(it) };
    let next = current.load(Relaxed).wrapping_add(1);
    if next >= last.load(Relaxed) {
        current.store(0, Relaxed);
        last.store(0, Relaxed);
        return 0;
    }
    current.store(next, Relaxed);
    it
}

unsafe extern "C-unwind" fn iter_num_destroy(it: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    // SAFETY: as for `iter_num_new`.
    unsafe { iterator(it) }.iter().for_each(|word| word.store(0, Relaxed));
    0
}

/// A run is not interrupted by what frees memory, and no one asks it to be.
unsafe extern "C-unwind" fn nothing(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(start: i32, end: i32) -> (i32, Vec<i32>) {
        let mut it = [0_u64; 1];
        let at = it.as_mut_ptr().expose_provenance() as u64;
        let call = |kfunc: Kfunc, a: u64, b: u64| {
            // SAFETY: there is room for an iterator.
            unsafe { (kfunc.body().func)(at, a, b, 0, 0, 0) }
        };
        let result = call(Kfunc::IterNumNew, start as u64, end as u64) as i32;
        let mut seen = Vec::new();
        while seen.len() < 5 {
            let next = call(Kfunc::IterNumNext, 0, 0);
            if next == 0 {
                break;
            }
            assert_eq!(next, at);
            // SAFETY: the number lies in the iterator.
            seen.push(unsafe { iterator(next)[0].load(Relaxed) });
        }
        call(Kfunc::IterNumDestroy, 0, 0);
        (result, seen)
    }

    #[test]
    fn iterators_count() {
        assert_eq!(counted(0, 3), (0, vec![0, 1, 2]));
        assert_eq!(counted(-2, 1), (0, vec![-2, -1, 0]));
        assert_eq!(counted(3, 3), (0, vec![]));
        assert_eq!(counted(4, 3), (-22, vec![]));
        assert_eq!(counted(i32::MIN, i32::MIN + 2), (0, vec![i32::MIN, i32::MIN + 1]));
        assert_eq!(counted(0, MAX_ROUNDS as i32 + 1), (-7, vec![]));
        assert_eq!(counted(i32::MIN, i32::MAX), (-7, vec![]));
    }

    #[test]
    fn names_are_each_others_inverse() {
        for (kfunc, name, ..) in &ROWS {
            assert_eq!((Kfunc::from_name(name), kfunc.name()), (Some(*kfunc), *name));
            assert_eq!(kfunc.proto().fault(), None);
        }
        assert_eq!(Kfunc::from_name("bpf_iter_task_new"), None);
    }
}
