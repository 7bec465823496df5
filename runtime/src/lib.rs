//! Runs eBPF programs in user space: loads them, proves them safe, compiles
//! them to native code, and unloads them when the last handle is gone.

pub mod context;
mod engine;
mod fd;
mod helpers;
mod load;
pub mod map;
pub mod object;
mod prog;
pub mod prog_type;
mod rcu;
mod run;

pub use brolga_core as core;
pub use brolga_core::{LoadFlags, MapDef, MapFlags, MapKind};
pub use brolga_jit as jit;
pub use brolga_verifier as verifier;
pub use context::{Packet, PacketError};
pub use engine::{Engine, EngineStats, SectionType};
pub use fd::{Fd, FdError};
pub use load::{Load, LoadError};
pub use map::{Map, MapError, Update};
pub use object::{LoadedObject, Object, ObjectError, ObjectLoad};
pub use prog::{EngineKind, HelperPanic, Program, ProgramStats, RunError, TestRun};
pub use prog_type::{Bytes, BytesMut, BytesOut, Context, Gpl, MapRef, ProgramType, TypeError};
