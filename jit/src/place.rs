//! Where code goes: near the functions that it calls.
//!
//! A direct call reaches 2 GiB on x86-64 and 128 MiB on aarch64. Helpers lie in
//! the text of the program that we are part of, and the system maps anonymous
//! memory far from that. So code is put into the gap that there is below the
//! text, at the first free place of a window; a helper counts as near where
//! every place in the window reaches it. Where the window is full the code goes
//! anywhere, and reaches its near helpers through veneers.

use brolga_core::link::call_base;
use cranelift_codegen::isa::TargetIsa;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use target_lexicon::Architecture;

const MIB: u64 = 1 << 20;

/// How far below the call base the window is, and how far from the call base a
/// near helper may be.
struct Reach {
    window: Range<u64>,
    helper: u64,
}

const X86_64: Reach = Reach { window: 64 * MIB..1024 * MIB, helper: 960 * MIB };
const AARCH64: Reach = Reach { window: 32 * MIB..96 * MIB, helper: 28 * MIB };
const NOWHERE: Reach = Reach { window: 0..0, helper: 0 };

const fn reach(architecture: Architecture) -> Reach {
    match architecture {
        Architecture::X86_64 => X86_64,
        Architecture::Aarch64(_) => AARCH64,
        _ => NOWHERE,
    }
}

/// Whether code in the window can call the function at this address directly.
pub(crate) fn is_near(isa: &dyn TargetIsa, address: u64) -> bool {
    address.abs_diff(call_base() as u64) < reach(isa.triple().architecture).helper
}

/// How many places are tried before code goes anywhere.
const TRIES: u32 = 8;

/// Places for code in the window, best first.
pub(crate) fn places(len: usize, page: usize) -> impl Iterator<Item = usize> {
    /// How far down the window the next code goes.
    static DEPTH: AtomicUsize = AtomicUsize::new(0);

    let Range { start, end } = reach(Architecture::host()).window;
    let top = (call_base() & !(page - 1)).saturating_sub(start as usize);
    let size = (end - start) as usize;
    (0..TRIES).filter_map(move |attempt| {
        // What is in the way may be large: each try skips more.
        let step = len.max(page << (2 * attempt));
        let depth = DEPTH.fetch_add(step, Ordering::Relaxed) % size.max(1);
        let place = top.checked_sub(depth + len)?;
        (depth + len <= size && place >= page).then_some(place)
    })
}
