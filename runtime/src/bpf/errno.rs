//! Error numbers.

use crate::fd::FdError;
use crate::load::LoadError;
use crate::map::MapError;
use brolga_verifier::{Cause, Reject};
use rustix::io::Errno;
use thiserror::Error;

/// An error number of the kernel's, positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("bpf(2) fails with error number {0}")]
pub struct BpfErrno(pub i32);

impl BpfErrno {
    /// Something is not as it must be.
    pub const INVAL: Self = Self::of(Errno::INVAL);
    /// The engine does not do this.
    pub const OPNOTSUPP: Self = Self::of(Errno::OPNOTSUPP);

    pub(super) const fn of(errno: Errno) -> Self {
        Self(errno.raw_os_error())
    }
}

impl From<MapError> for BpfErrno {
    fn from(error: MapError) -> Self {
        Self(error.errno())
    }
}

impl From<FdError> for BpfErrno {
    fn from(error: FdError) -> Self {
        match error {
            FdError::NotOpen(_) => Self::of(Errno::BADF),
            FdError::NotProgram(_) | FdError::NotMap(_) => Self::INVAL,
        }
    }
}

impl From<&LoadError> for BpfErrno {
    fn from(error: &LoadError) -> Self {
        match error.inner() {
            LoadError::Verify(failure) => match &failure.cause {
                Cause::Reject(reject) => of_reject(reject),
                Cause::Unsupported(_) => Self::OPNOTSUPP,
                Cause::Bug(_) => Self::of(Errno::FAULT),
            },
            LoadError::Map { why, .. } => why.clone().into(),
            LoadError::Link(_) | LoadError::Compile(_) => Self::OPNOTSUPP,
            LoadError::Publish(_) => Self::of(Errno::NOMEM),
            LoadError::Decode(_)
            | LoadError::NoType(_)
            | LoadError::Object(_)
            | LoadError::Program { .. } => Self::INVAL,
        }
    }
}

/// Most of what is rejected is an access that is not allowed.
fn of_reject(reject: &Reject) -> BpfErrno {
    let too_big = reject.to_string().starts_with("BPF program is too large");
    BpfErrno::of(if too_big { Errno::TOOBIG } else { Errno::ACCESS })
}
