//! Error numbers.

use crate::fd::FdError;
use crate::load::LoadError;
use crate::map::MapError;
use brolga_verifier::{Cause, Held, Reject, StructureError, Why};
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
            FdError::NotProgram(_) | FdError::NotMap(_) | FdError::NotTypes(_) => Self::INVAL,
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

/// `EACCES` is what most rejections are, above all those of accesses: a mistake in
/// what a program may do. `EINVAL` is a mistake in its form, `E2BIG` too much of it.
fn of_reject(reject: &Reject) -> BpfErrno {
    BpfErrno::of(match &reject.why {
        Why::Structure(why) => of_structure(why),
        Why::Held(why) => of_held(why),
        Why::NoMap(_) => Errno::BADF,
        Why::Budget(_) | Why::CallDepth(_) | Why::TooManyJumps(_) => Errno::TOOBIG,
        Why::Memory(_) => Errno::NOMEM,
        // An access that starts within the stack and passes its end.
        Why::Stack { off: -512..0, .. } => Errno::INVAL,
        why if is_form(why) => Errno::INVAL,
        _ => Errno::ACCESS,
    })
}

/// Whether the kernel takes this for a mistake in the program's form.
const fn is_form(why: &Why) -> bool {
    matches!(
        why,
        Why::Slot(_)
            | Why::MixedPointers
            | Why::DivisionByZero
            | Why::Shift(_)
            | Why::FarConstant { .. }
            | Why::FarOffset { .. }
            | Why::FarValue { .. }
            | Why::UnboundedMin(_)
            | Why::SpillsToCaller
            | Why::ReturnsStack
            | Why::NoDirectValue
            | Why::DirectValue { .. }
            | Why::DirectOffset(_)
            | Why::CallbackNotStatic
            | Why::CallbackResult { .. }
            | Why::GlobalArguments { .. }
            | Why::GlobalInLock
            | Why::GlobalResult(_)
            | Why::NoHelper(_)
            | Why::HelperOfOtherType { .. }
            | Why::GplOnly
            | Why::MapKind { .. }
            | Why::TailCallMap
            | Why::LegacyLoad
            | Why::LegacyLoadContext
            | Why::ResultKind(_)
            | Why::Result { .. }
            | Why::InfiniteLoop(_)
            | Why::Load(_)
    )
}

const fn of_structure(why: &StructureError) -> Errno {
    match why {
        StructureError::CombinedStack { .. }
        | StructureError::SubprogStack { .. }
        | StructureError::TailCallStack(_) => Errno::ACCESS,
        StructureError::TooManyFrames(_) | StructureError::TooManySubprogs => Errno::TOOBIG,
        _ => Errno::INVAL,
    }
}

/// Of what is held, accesses to fields are accesses; the rest is form.
const fn of_held(why: &Held) -> Errno {
    match why {
        Held::SocketField { .. }
        | Held::FieldAccess(_)
        | Held::KptrIndirect
        | Held::KptrVariable
        | Held::KptrMisaligned { .. }
        | Held::KptrPart
        | Held::SizeNotConstant(_)
        | Held::DynptrRead { .. }
        | Held::DynptrReadByHelper { .. } => Errno::ACCESS,
        _ => Errno::INVAL,
    }
}
