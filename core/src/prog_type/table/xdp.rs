//! `xdp`.

use super::sets::{BASE, LOOKUP, NET, SYN_COOKIES, XDP, helpers};
use crate::insn::Size;
use crate::prog_type::host::XdpHost;
use crate::prog_type::{CtxField, CtxLayout, FieldKind, PacketAccess, ProgramType, SizeSet};
use std::mem::{offset_of, size_of};

/// The `expected_attach_type` of programs in a devmap (`BPF_XDP_DEVMAP`).
const DEVMAP: u32 = 33;

/// Four bytes at a time, and no stores.
const fn word(name: &'static str, off: u32, host: usize) -> CtxField {
    CtxField::scalar(name, off, 4).loads(SizeSet::only(Size::B4)).host(host)
}

fn xdp_md() -> CtxLayout {
    use FieldKind::{PacketData, PacketEnd, PacketMeta};
    CtxLayout {
        name: "xdp_md".into(),
        size: 24,
        host_size: size_of::<XdpHost>() as u32,
        fields: vec![
            word("data", 0, offset_of!(XdpHost, data)).holds(PacketData),
            word("data_end", 4, offset_of!(XdpHost, data_end)).holds(PacketEnd),
            word("data_meta", 8, offset_of!(XdpHost, data_meta)).holds(PacketMeta),
            word("ingress_ifindex", 12, offset_of!(XdpHost, ingress_ifindex)),
            word("rx_queue_index", 16, offset_of!(XdpHost, rx_queue_index)),
            word("egress_ifindex", 20, offset_of!(XdpHost, egress_ifindex)).only_for(&[DEVMAP]),
        ],
    }
}

pub(super) fn xdp() -> ProgramType {
    ProgramType {
        number: Some(6),
        ctx: xdp_md(),
        packet: PacketAccess::Write,
        helpers: helpers(&[BASE, NET, XDP, LOOKUP, SYN_COOKIES]),
        ..ProgramType::new("xdp")
    }
}
