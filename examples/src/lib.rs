//! Example eBPF objects, the traffic they run on, and plain Rust models of what
//! they should answer.
//!
//! - [`objects`]: what clang made of `bpf/*.c`, and the names inside.
//! - [`traffic`]: the deterministic packets of `traffic.pcap`, and [`pcap`] to
//!   write them down.
//! - [`firewall`], [`filters`], [`flows`] and [`rewrite`]: models of the programs, written
//!   apart from the C, so that an engine's answers can be compared with them.
//! - [`block_list`]: the entries that the traffic is made to hit, and the bytes
//!   they are in the firewall's maps.

pub mod block_list;
pub mod filters;
pub mod firewall;
pub mod flows;
pub mod objects;
pub mod pcap;
pub mod rewrite;
pub mod traffic;

mod bytes;
mod frame;
mod rng;

pub use block_list::{BlockList, Entry};
pub use firewall::{Class, Decision, Tally, Verdict, firewall_model};
