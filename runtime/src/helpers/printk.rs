//! `bpf_trace_printk`.

mod format;
mod number;
mod peek;
mod text;

use super::memory::with_copy;
use super::{HostEnv, fail};
use rustix::io::Errno;

pub(super) use format::format;

/// `(fmt, fmt_size, arg1, arg2, arg3)` to the length of the text in bytes, or an
/// error. The text, as far as 1023 bytes of it, goes to the host's sink.
pub(super) unsafe extern "C-unwind" fn trace_printk(
    fmt: u64,
    fmt_size: u64,
    arg1: u64,
    arg2: u64,
    arg3: u64,
    env: u64,
) -> u64 {
    // SAFETY: who linked the program keeps the host at this address.
    let host = unsafe { &*std::ptr::with_exposed_provenance::<HostEnv>(env as usize) };
    let print = |fmt: &[u8]| match format(fmt, [arg1, arg2, arg3], host.peeks()) {
        Ok(text) => {
            host.print(&String::from_utf8_lossy(&text.shown));
            text.len as u64
        }
        Err(errno) => fail(errno),
    };
    // SAFETY: by its prototype the helper gets `fmt_size` readable bytes.
    let printed = unsafe { with_copy(fmt, fmt_size as u32 as usize, print) };
    printed.unwrap_or(fail(Errno::NOMEM))
}
