//! A machine as the claims look at it.

use crate::state::value::MapRef;
use brolga_core::{Pc, Reg};

/// Where the packet lies: addresses of its metadata, its first byte, and the
/// byte after its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first byte of the metadata, which ends at `start`.
    pub meta: u64,
    /// The first byte.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
}

/// What is to be seen of a machine that stops before an instruction.
pub trait MachineView {
    /// The registers of the frame that runs.
    fn regs(&self) -> &[u64; Reg::COUNT];

    /// How many frames there are; at least 1.
    fn frames(&self) -> usize;

    /// A frame's pointer: the address after its stack's last byte. Frames count
    /// from the main program's.
    fn fp(&self, frame: usize) -> u64;

    /// A frame's stack as little-endian words, the lowest address first.
    fn stack(&self, frame: usize) -> &[u64; 64];

    /// r6 to r9 as the caller of a frame (not the main program's) had them.
    fn saved(&self, frame: usize) -> [u64; 4];

    /// Where the caller of a frame (not the main program's) goes on.
    fn resume(&self, frame: usize) -> Pc;

    /// The address of the context: what r1 was at the start.
    fn ctx(&self) -> u64;

    /// The address of the memory, for a program that starts with that.
    fn memory(&self) -> Option<u64>;

    /// The packet, where there is one.
    fn packet(&self) -> Option<Bounds>;

    /// The handle of a map, where it is known.
    fn map(&self, map: MapRef) -> Option<u64>;

    /// The address of every place where a value of the map may lie, used or
    /// not. A pointer to a value outlives the value.
    fn values(&self, map: MapRef) -> Vec<u64>;
}
