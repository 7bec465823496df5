//! The instruction set, described once.

mod op;

pub use op::{AluOp, AtomicOp, Cond, Order, Size, Width};
