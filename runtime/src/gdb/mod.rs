//! GDB's JIT interface: compiled programs as objects that a debugger knows, with
//! a symbol for each subprogram and source lines where those are known.
//!
//! Format: "JIT Compilation Interface" in GDB's manual. A list of objects hangs
//! on `__jit_debug_descriptor`; after each change `__jit_debug_register_code` is
//! called, where the debugger has a breakpoint. LLDB knows it too.

#![expect(unsafe_code, reason = "a list and two symbols for a debugger to find")]

mod elf;
mod lines;

use crate::engine::Engine;
use crate::profile::symbol;
use brolga_core::Aux;
use brolga_jit::Image;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The object that describes an image.
///
/// # Errors
///
/// Where it can not be written, which only a bug makes happen.
pub(crate) fn object(image: &Image, aux: &Aux) -> Result<Vec<u8>, gimli::write::Error> {
    let mut object = elf::Elf::new(image);
    for (name, contents) in lines::sections(image, aux)? {
        object.section(name, contents);
    }
    for function in image.functions() {
        object.symbol(symbol(&aux.name, function), function);
    }
    Ok(object.bytes())
}

/// An object that debuggers know, until this is dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    entry: *mut Entry,
    /// What the entry points to.
    _object: Box<[u8]>,
}

/// `struct jit_code_entry`
#[derive(Debug)]
#[repr(C)]
struct Entry {
    next: *mut Entry,
    prev: *mut Entry,
    object: *const u8,
    len: u64,
}

// SAFETY: the neighbours are looked at under the lock alone, and the object never
// changes.
unsafe impl Send for Registered {}
// SAFETY: as above.
unsafe impl Sync for Registered {}

/// `struct jit_descriptor`
#[repr(C)]
struct Descriptor {
    version: u32,
    action: u32,
    relevant: *mut Entry,
    first: *mut Entry,
}

/// `JIT_NOACTION`, `JIT_REGISTER_FN`, `JIT_UNREGISTER_FN`
const NOTHING: u32 = 0;
const REGISTER: u32 = 1;
const UNREGISTER: u32 = 2;

mod system {
    use super::{Descriptor, NOTHING};

    #[unsafe(no_mangle)]
    pub(super) static mut __jit_debug_descriptor: Descriptor = Descriptor {
        version: 1,
        action: NOTHING,
        relevant: std::ptr::null_mut(),
        first: std::ptr::null_mut(),
    };

    /// A debugger stops here and looks at the descriptor.
    #[unsafe(no_mangle)]
    #[inline(never)]
    pub(super) extern "C" fn __jit_debug_register_code() {
        // SAFETY: no instruction at all; to the compiler it may look at anything.
        unsafe { std::arch::asm!("") };
    }
}

/// Who has this may touch the descriptor and the list.
fn lock() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says what is done with an entry.
///
/// # Safety
///
/// The caller has the lock.
unsafe fn tell(action: u32, entry: *mut Entry, relink: impl FnOnce(&mut *mut Entry)) {
    let descriptor = &raw mut system::__jit_debug_descriptor;
    // SAFETY: only this function touches the descriptor, and its callers have
    // the lock; a debugger looks at it when this thread stops in the call.
    unsafe {
        relink(&mut (*descriptor).first);
        (*descriptor).relevant = entry;
        (*descriptor).action = action;
        system::__jit_debug_register_code();
        (*descriptor).relevant = std::ptr::null_mut();
        (*descriptor).action = NOTHING;
    }
}

impl Registered {
    /// Shows an object to debuggers.
    pub(crate) fn new(object: Vec<u8>) -> Self {
        let object = object.into_boxed_slice();
        let (next, prev) = (std::ptr::null_mut(), std::ptr::null_mut());
        let entry = Entry { next, prev, object: object.as_ptr(), len: object.len() as u64 };
        let entry = Box::into_raw(Box::new(entry));
        let _lock = lock();
        // SAFETY: what hangs in the list is live, and this has the lock.
        unsafe {
            tell(REGISTER, entry, |first| {
                (*entry).next = *first;
                if !(*first).is_null() {
                    (**first).prev = entry;
                }
                *first = entry;
            });
        }
        Self { entry, _object: object }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let _lock = lock();
        // SAFETY: what hangs in the list is live, and this has the lock; then
        // the entry, which was made by `Box`, hangs there no more.
        unsafe {
            let Entry { next, prev, .. } = *self.entry;
            tell(UNREGISTER, self.entry, |first| {
                let before = if prev.is_null() { first } else { &mut (*prev).next };
                *before = next;
                if !next.is_null() {
                    (*next).prev = prev;
                }
            });
            drop(Box::from_raw(self.entry));
        }
    }
}

impl Engine {
    /// From now on shows the native code of every program that is loaded to
    /// debuggers that know GDB's JIT interface, as long as it is loaded: `break
    /// bpf_prog_NAME` then stops at its start, `break FILE:LINE` at a line of its
    /// source where lines are known, and backtraces go through it.
    pub fn tell_gdb(&self) {
        self.profile().tell_gdb();
    }
}
