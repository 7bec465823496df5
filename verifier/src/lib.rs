//! Decides whether an eBPF program terminates and is safe, as Linux 6.18 does
//! for a privileged user.
//!
//! [`verify`] takes a [`Program`](brolga_core::Program) and gives it back as a
//! [`Verified`](brolga_core::Verified) with the [`Facts`](brolga_core::Facts)
//! that were proven of it, or says why not: a [`Reject`] where the program
//! breaks a rule, an [`Unsupported`] where the verifier has no rule for what it
//! does, a [`Bug`] where the verifier broke one of its own.
//!
//! No unsafe code lives here but the one call of
//! [`Verified::assume`](brolga_core::Verified::assume), where what was proven
//! becomes what others may rely on. A crate-wide `forbid` would forbid that
//! call too, so it is `deny`, with the one exception written down at the call.
#![deny(unsafe_code)]

mod facts;
mod log;
mod memory;
mod outcome;
mod prune;
mod step;
pub(crate) mod structure;
mod summary;
mod verify;
mod walk;

pub mod claims;
pub mod domain;
pub mod reject;
pub mod state;

pub use claims::Claims;
pub use outcome::{Accepted, Bug, Cause, Failure, LogLevel, Options, Report, Unsupported};
pub use reject::{Held, Reject, Why};
pub use structure::error::StructureError;
pub use verify::verify;
