//! `bpf_trace_printk`, `bpf_trace_vprintk`, `bpf_snprintf`.

mod format;
mod number;
mod peek;
mod text;

use super::memory::{copy_in, with_copy};
use super::{HostEnv, fail};
use rustix::io::Errno;

pub(super) use format::format;
#[cfg(test)]
pub(super) use text::Text;

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
    // SAFETY: by its prototype the helper gets `fmt_size` readable bytes.
    let printed =
        unsafe { with_copy(fmt, fmt_size as u32 as usize, |fmt| print(host, fmt, &[arg1, arg2, arg3])) };
    printed.unwrap_or(fail(Errno::NOMEM))
}

/// How much of a text goes to the sink, in bytes: the kernel's buffer of 1024
/// less a NUL.
const PRINTED: usize = 1023;

fn print(host: &HostEnv, fmt: &[u8], args: &[u64]) -> u64 {
    match format(fmt, args, host.peeks(), PRINTED) {
        Ok(text) => {
            host.print(&String::from_utf8_lossy(&text.shown));
            text.len as u64
        }
        Err(errno) => fail(errno),
    }
}

/// The most arguments in memory (`MAX_BPRINTF_VARARGS`).
const MOST: usize = 12;

/// Calls `with` with the arguments that lie in memory.
///
/// # Safety
///
/// The `len` bytes at `data` may be read, as [`with_copy`] says; none where that
/// is null.
unsafe fn with_args(data: u64, len: u64, with: impl FnOnce(&[u64]) -> u64) -> u64 {
    let len = len as u32 as usize;
    if !len.is_multiple_of(8) || len / 8 > MOST || (len > 0 && data == 0) {
        return fail(Errno::INVAL);
    }
    let words = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word)).collect();
    // SAFETY: as the caller says.
    let args: Option<Vec<u64>> = unsafe { with_copy(data, len, words) };
    args.map_or(fail(Errno::NOMEM), |args| with(&args))
}

/// `(fmt, fmt_size, data, data_len)`: the same with up to 12 arguments in memory.
pub(super) unsafe extern "C-unwind" fn trace_vprintk(
    fmt: u64,
    fmt_size: u64,
    data: u64,
    len: u64,
    _: u64,
    env: u64,
) -> u64 {
    // SAFETY: who linked the program keeps the host at this address.
    let host = unsafe { &*std::ptr::with_exposed_provenance::<HostEnv>(env as usize) };
    // SAFETY: by its prototype the helper gets as many readable bytes of both.
    unsafe {
        with_args(data, len, |args| {
            let printed = with_copy(fmt, fmt_size as u32 as usize, |fmt| print(host, fmt, args));
            printed.unwrap_or(fail(Errno::NOMEM))
        })
    }
}

/// `(str, str_size, fmt, data, data_len)` to the length of the text with its NUL,
/// of which as much is written as there is room for, or an error.
pub(super) unsafe extern "C-unwind" fn snprintf(
    to: u64,
    size: u64,
    fmt: u64,
    data: u64,
    len: u64,
    env: u64,
) -> u64 {
    // SAFETY: who linked the program keeps the host at this address.
    let host = unsafe { &*std::ptr::with_exposed_provenance::<HostEnv>(env as usize) };
    let room = size as u32 as usize;
    let print = |fmt: &[u8], args: &[u64]| match format(fmt, args, host.peeks(), room.saturating_sub(1)) {
        Ok(mut text) => {
            text.shown.push(0);
            if room > 0 {
                // SAFETY: by its prototype the helper may write `size` bytes, of
                // which the text with its NUL has at most as many.
                unsafe { copy_in(to, &text.shown) };
            }
            text.len as u64 + 1
        }
        Err(errno) => fail(errno),
    };
    // SAFETY: by its prototype the format is a string with its NUL, and there are
    // as many readable bytes of arguments.
    unsafe {
        with_args(data, len, |args| {
            let len = super::strings::length(fmt);
            with_copy(fmt, len + 1, |fmt| print(fmt, args)).unwrap_or(fail(Errno::NOMEM))
        })
    }
}
