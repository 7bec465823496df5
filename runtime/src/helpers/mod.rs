//! The bodies of the kernel's helpers.
//!
//! A body is called by compiled code and by the interpreter with arguments that
//! fit its prototype, as the verifier proved or the checked interpreter tested.
//! Errors are negative error numbers, sign-extended to 64 bits. No body panics;
//! what else may panic runs under [`guard`].

#![expect(unsafe_code, reason = "programs pass addresses to helpers")]

mod guard;
mod map;
mod memory;

pub(crate) use guard::{guard, take_panic};

use brolga_core::helper::table::id;
use brolga_core::link::{HelperBody, HelperFn};
use rustix::io::Errno;
use std::sync::{Arc, PoisonError, RwLock};

/// Where [`HostEnv`] sends what programs print.
pub(crate) type TraceSink = Arc<dyn Fn(&str) + Send + Sync>;

/// What helper bodies need of their host. Programs pass its address to bodies:
/// who links one to it keeps it alive.
pub(crate) struct HostEnv {
    trace: RwLock<Option<TraceSink>>,
}

impl HostEnv {
    /// A host that drops what programs print.
    pub(crate) const fn new() -> Self {
        Self { trace: RwLock::new(None) }
    }

    /// From now on what `bpf_trace_printk` prints goes to `sink`.
    pub(crate) fn set_trace(&self, sink: TraceSink) {
        *self.trace.write().unwrap_or_else(PoisonError::into_inner) = Some(sink);
    }

    fn trace(&self) -> Option<TraceSink> {
        self.trace.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The body of the kernel's helper with this number, where there is one.
pub(crate) fn body(id: i32, _host: &HostEnv) -> Option<HelperBody> {
    let plain = |func: HelperFn| Some(HelperBody { func, env: None });
    match id {
        id::MAP_LOOKUP_ELEM => plain(map::lookup_elem),
        id::MAP_UPDATE_ELEM => plain(map::update_elem),
        id::MAP_DELETE_ELEM => plain(map::delete_elem),
        _ => None,
    }
}

/// A result as a program sees it.
const fn failure(errno: i32) -> u64 {
    (-(errno as i64)) as u64
}

/// [`failure`] by the kernel's name.
const fn fail(errno: Errno) -> u64 {
    failure(errno.raw_os_error())
}
