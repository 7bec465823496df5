//! `bpf(2)`: commands by number, with their arguments in the kernel's
//! `union bpf_attr`, and error numbers for results.
//!
//! Whoever speaks to the kernel by that structure can speak to an [`Engine`] by
//! the same bytes. File descriptors are the engine's. Everything else of this
//! crate says what is wrong in its own words; here it becomes a number.

#![expect(unsafe_code, reason = "attributes hold addresses")]

mod attr;
mod btf;
mod errno;
mod info;
mod map;
mod prog;

pub use errno::BpfErrno;

use crate::engine::Engine;
use attr::Attr;

/// The numbers of the commands that there are, of `enum bpf_cmd`.
mod cmd {
    pub(super) const MAP_CREATE: u32 = 0;
    pub(super) const MAP_LOOKUP_ELEM: u32 = 1;
    pub(super) const MAP_UPDATE_ELEM: u32 = 2;
    pub(super) const MAP_DELETE_ELEM: u32 = 3;
    pub(super) const MAP_GET_NEXT_KEY: u32 = 4;
    pub(super) const PROG_LOAD: u32 = 5;
    pub(super) const PROG_TEST_RUN: u32 = 10;
    pub(super) const OBJ_GET_INFO_BY_FD: u32 = 15;
    pub(super) const BTF_LOAD: u32 = 18;
    pub(super) const MAP_LOOKUP_AND_DELETE_ELEM: u32 = 21;
    pub(super) const MAP_FREEZE: u32 = 22;
}

impl Engine {
    /// Does a command of `bpf(2)`: creates and uses maps, loads programs and
    /// runs them on test data, tells what is under a file descriptor. Results
    /// that the kernel writes into the attributes are written into `attr`.
    ///
    /// Gives what the system call returns: a file descriptor of this engine, or
    /// 0. BTF is believed where it can be read; the kernel looks at all of it.
    ///
    /// # Errors
    ///
    /// The kernel's error numbers, in the places where the kernel has them;
    /// `EOPNOTSUPP` for what the kernel may do and this engine does not; `EINVAL`
    /// for commands that there are not.
    ///
    /// # Safety
    ///
    /// Every address in `attr` that the command reads or writes is that of
    /// memory of the size that the kernel would read or write there, which no
    /// one else uses during the call.
    pub unsafe fn bpf(&self, cmd: u32, attr: &mut [u8]) -> Result<i32, BpfErrno> {
        let mut whole = Attr::read(attr)?;
        // SAFETY: as the caller says.
        let done = unsafe {
            match cmd {
                cmd::MAP_CREATE => map::create(self, &whole),
                cmd::MAP_LOOKUP_ELEM => map::lookup(self, &whole),
                cmd::MAP_UPDATE_ELEM => map::update(self, &whole),
                cmd::MAP_DELETE_ELEM => map::delete(self, &whole),
                cmd::MAP_GET_NEXT_KEY => map::next_key(self, &whole),
                cmd::MAP_LOOKUP_AND_DELETE_ELEM => map::lookup_and_delete(self, &whole),
                cmd::MAP_FREEZE => map::freeze(self, &whole),
                cmd::PROG_LOAD => prog::load(self, &mut whole),
                cmd::PROG_TEST_RUN => prog::test_run(self, &mut whole),
                cmd::BTF_LOAD => btf::load(self, &whole),
                cmd::OBJ_GET_INFO_BY_FD => info::by_fd(self, &mut whole),
                _ => Err(BpfErrno::INVAL),
            }
        };
        whole.write(attr);
        done
    }
}
