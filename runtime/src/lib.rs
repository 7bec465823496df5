//! Runs eBPF programs in user space: loads them, proves them safe, compiles
//! them to native code, and unloads them when the last handle is gone.
//!
//! An [`Engine`] loads programs: of the kernel's kinds ([`ProgramType::xdp`] and
//! others), or of a kind that an embedder makes, with a context and with helpers
//! of its own. What was loaded is a [`Program`], a handle without a lifetime
//! that any thread may run.
//!
//! ```
//! use brolga::{Bytes, Engine, Gpl, Load, ProgramType};
//!
//! brolga::context! {
//!     /// What a policy sees of a request.
//!     struct Request {
//!         size: u32,
//!         score: u32 [write],
//!     }
//! }
//!
//! let limit = 1000;
//! let policy = ProgramType::builder("policy")
//!     .context::<Request>()
//!     .returns(0..=1)
//!     .helper(6001, "within", Gpl::Any, move |size: u32| size < limit)
//!     .build()?;
//!
//! # let text = "r6 = r1\n r1 = *(u32 *)(r1 +0)\n call 6001\n r1 = 7\n *(u32 *)(r6 +4) = r1\n r0 &= 1\n exit";
//! # let code = brolga::core::asm::assemble(text)?.encode();
//! let engine = Engine::new();
//! let program = engine.load(&policy, &code, Load::new().license("GPL").name("small"))?;
//!
//! let mut request = Request { size: 10, score: 0 };
//! assert_eq!(program.run(&mut request)?, 1);
//! assert_eq!(request.score, 7);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Objects that clang or aya made are read by [`Object`] and loaded by
//! [`Engine::load_object`]:
//!
//! ```no_run
//! use brolga::{Engine, Object, Packet, Update};
//!
//! let object = Object::parse(&std::fs::read("firewall.o")?)?;
//! let loaded = Engine::new().load_object(&object)?;
//! loaded.map("blocked_v4")?.update(&[10, 0, 0, 7], &0u64.to_ne_bytes(), Update::Any)?;
//! let verdict = loaded.program("firewall")?.run(&mut Packet::new(&[0; 64])?)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The kernel's way is there too: [`Engine::prog_load`] gives a file descriptor,
//! [`Engine::close`] unloads what no one else holds. [`Engine::bpf`] takes the
//! commands of `bpf(2)` as the kernel does.

mod bpf;
pub mod context;
mod engine;
mod fd;
#[cfg(feature = "gdb")]
mod gdb;
mod helpers;
mod load;
pub mod map;
pub mod object;
mod profile;
mod prog;
pub mod prog_type;
mod rcu;
mod run;

pub use bpf::BpfErrno;
pub use brolga_core as core;
pub use brolga_core::{LoadFlags, MapDef, MapFlags, MapKind};
pub use brolga_jit as jit;
pub use brolga_verifier as verifier;
pub use context::{Packet, PacketError};
pub use engine::{Engine, EngineStats, SectionType};
pub use fd::{Fd, FdError};
pub use load::{Load, LoadError};
pub use map::cpu::count as processors;
pub use map::{Map, MapError, PerfReader, Redirect, RingReader, Update};
pub use object::{LoadedObject, Object, ObjectError, ObjectLoad};
pub use prog::{EngineKind, HelperPanic, Program, ProgramStats, RunError, TestRun};
pub use prog_type::{Bytes, BytesMut, BytesOut, Context, Gpl, MapRef, ProgramType, TypeError};
