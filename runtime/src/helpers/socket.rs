//! Sockets, interfaces and routes, of which this runtime has none: no lookup
//! finds one.

use super::fail;
use rustix::io::Errno;

/// No socket.
pub(super) unsafe extern "C-unwind" fn none(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

/// `(socket)`: lets go of a socket. A program that has none never comes here.
pub(super) unsafe extern "C-unwind" fn release(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

/// `(ctx, params, size, flags)` to an error: there is no interface to look up a
/// route for. The parameters stay as they are.
pub(super) unsafe extern "C-unwind" fn fib_lookup(
    _: u64,
    _: u64,
    size: u64,
    flags: u64,
    _: u64,
    _: u64,
) -> u64 {
    /// `sizeof(struct bpf_fib_lookup)`
    const LEN: u64 = 64;
    /// All `BPF_FIB_LOOKUP_` flags.
    const FLAGS: u64 = 0x3f;
    if size < LEN || flags & !FLAGS != 0 {
        return fail(Errno::INVAL);
    }
    fail(Errno::NODEV)
}
