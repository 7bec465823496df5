//! Brolga's own kind: a program over a region of memory.

use super::sets::{BASE, helpers};
use crate::prog_type::{CtxLayout, Entry, PacketAccess, ProgramType};

/// r1 points to memory, r2 is its size; no context, any result.
pub(super) fn raw() -> ProgramType {
    ProgramType {
        name: "raw".into(),
        number: None,
        entry: Entry::Mem,
        ctx: CtxLayout::default(),
        packet: PacketAccess::None,
        legacy_packet_loads: false,
        returns: vec![],
        helpers: helpers(&[BASE]),
        sections: vec!["raw".into()],
    }
}
