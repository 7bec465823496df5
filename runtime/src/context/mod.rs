//! Packets, and the contexts that programs see them through.
//!
//! A [`Packet`] owns the bytes of a frame with room around them. Where a program
//! runs on it, the packet fills the real structure that the program type's
//! context is converted to, as the kernel's `BPF_PROG_TEST_RUN` does: an XDP
//! program and a traffic classifier see the frame from its Ethernet header on,
//! a socket filter what follows it. Afterwards the packet is what the program
//! made of it, and another program may run on it.

pub(crate) mod ethernet;
mod packet;
mod view;

#[cfg(test)]
mod tests;

pub use brolga_core::prog_type::host::{SkBuffHost, XdpHost};
pub use packet::{Packet, PacketError};
pub(crate) use view::View;
