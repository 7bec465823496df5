//! Benches of Brolga beside its rivals: what they run.

pub mod peers;
pub mod programs;
