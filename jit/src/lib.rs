//! Compiles verified eBPF programs to x86-64 and aarch64 through Cranelift.
//!
//! [`compile`] takes a [`Linked`](brolga_core::Linked) program, whose facts hold,
//! and gives [`Compiled`] code; [`Compiled::publish`] makes it an [`Image`] that
//! runs. There are no checks in the code: whatever it relies on was proven.
//!
//! ```text
//! Linked -> ProgramPlan (blocks, liveness) -> ir::Function per subprogram
//!        -> Compiled (bytes, relocations) -> Image (RX, unmaps on drop)
//! ```

mod align;
mod compile;
mod error;
mod flow;
mod image;
mod inline;
mod memory;
mod options;
mod place;
mod reloc;
mod target;
mod translate;
mod unwind;

pub use compile::{Compiled, Function, Line, Listings, MAX_INSNS, compile, compile_for};
pub use error::{CompileError, PublishError};
pub use image::Image;
pub use memory::Live;
pub use options::{Listing, Options, Passes, Tier};
pub use target::Target;
