//! Benches of Brolga beside its rivals: what they run, and how they are
//! compared.

pub mod calls;
pub mod hard;
pub mod kernel;
pub mod large;
pub mod native;
pub mod peers;
pub mod programs;
pub mod ratios;
#[cfg(target_arch = "x86_64")]
mod sbpf;
pub mod timing;
