//! Runs eBPF programs in user space: loads them, proves them safe, compiles
//! them to native code, and unloads them when the last handle is gone.

pub mod context;
mod helpers;
pub mod map;
pub mod object;
