//! The task that runs the program: the thread that called `run`.

use super::fail;
use super::memory::{clear, copy_in};
use rustix::io::Errno;

/// The process's number in the high half, the thread's in the low.
pub(super) unsafe extern "C-unwind" fn get_current_pid_tgid(
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    let tgid = rustix::process::getpid().as_raw_pid() as u32;
    let pid = rustix::thread::gettid().as_raw_pid() as u32;
    u64::from(tgid) << 32 | u64::from(pid)
}

/// The group's number in the high half, the user's in the low.
pub(super) unsafe extern "C-unwind" fn get_current_uid_gid(
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    let uid = rustix::process::getuid().as_raw();
    let gid = rustix::process::getgid().as_raw();
    u64::from(gid) << 32 | u64::from(uid)
}

/// `(buf, size)`: the thread's name, with a NUL and as many more as fit.
pub(super) unsafe extern "C-unwind" fn get_current_comm(
    buf: u64,
    size: u64,
    _: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    let size = size as u32 as usize;
    if size == 0 {
        return fail(Errno::INVAL);
    }
    // SAFETY: by its prototype the helper gets `size` writable bytes.
    unsafe { clear(buf, size) };
    match rustix::thread::name() {
        Ok(name) => {
            let name = name.as_bytes();
            // SAFETY: as above; the last byte stays NUL.
            unsafe { copy_in(buf, &name[..name.len().min(size - 1)]) };
            0
        }
        Err(errno) => fail(errno),
    }
}
