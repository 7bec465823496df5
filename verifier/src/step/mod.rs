//! What each instruction does to the state of a path, and what it demands of
//! it: one file per kind.

mod alu;
mod arguments;
mod atomic;
mod call;
mod exit;
mod jump;
mod memory;
mod packet;
pub(crate) mod pointer;
mod region;
mod stack;
