//! What an eBPF program is.
//!
//! This crate describes; it proves nothing, compiles nothing and makes no OS
//! calls.

pub mod insn;

pub use insn::{AluOp, AtomicOp, Cond, Order, Size, Width};
