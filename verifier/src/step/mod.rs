//! What each instruction does to the state of a path, and what it demands of
//! it: one file per kind.

mod acquire;
mod alu;
mod arguments;
mod atomic;
mod call;
pub(crate) mod callback;
mod dynptr;
mod exit;
pub(crate) mod global;
pub(crate) mod jump;
mod kfunc;
mod lock;
mod memory;
mod packet;
pub(crate) mod pointer;
mod region;
mod socket;
mod stack;
mod string;
