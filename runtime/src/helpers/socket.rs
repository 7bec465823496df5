//! Sockets, of which this runtime has none: no lookup finds one.

/// No socket.
pub(super) unsafe extern "C" fn none(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

/// `(socket)`: lets go of a socket. A program that has none never comes here.
pub(super) unsafe extern "C" fn release(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}
