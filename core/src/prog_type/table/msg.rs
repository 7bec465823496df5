//! `sk_msg`.

use super::sets::{BASE, NET, SK_MSG, helpers};
use crate::insn::Size;
use crate::prog_type::host::SkMsgHost;
use crate::prog_type::{CtxField, CtxLayout, FieldKind, PacketAccess, ProgramType, SizeSet};
use std::mem::{offset_of, size_of};

/// Numbers of four bytes, each loaded as a whole.
const fn words(name: &'static str, off: u32, count: u32, host: usize) -> CtxField {
    CtxField::scalar(name, off, 4 * count).loads(SizeSet::only(Size::B4)).host(host)
}

const fn pointer(name: &'static str, off: u32, kind: FieldKind, host: usize) -> CtxField {
    CtxField::scalar(name, off, 8).loads(SizeSet::only(Size::B8)).holds(kind).host(host)
}

fn sk_msg_md() -> CtxLayout {
    CtxLayout {
        name: "sk_msg_md".into(),
        size: 80,
        host_size: size_of::<SkMsgHost>() as u32,
        fields: vec![
            pointer("data", 0, FieldKind::PacketData, offset_of!(SkMsgHost, data)),
            pointer("data_end", 8, FieldKind::PacketEnd, offset_of!(SkMsgHost, data_end)),
            words("family", 16, 1, offset_of!(SkMsgHost, family)),
            words("remote_ip4", 20, 1, offset_of!(SkMsgHost, remote_ip4)),
            words("local_ip4", 24, 1, offset_of!(SkMsgHost, local_ip4)),
            words("remote_ip6", 28, 4, offset_of!(SkMsgHost, remote_ip6)),
            words("local_ip6", 44, 4, offset_of!(SkMsgHost, local_ip6)),
            words("remote_port", 60, 1, offset_of!(SkMsgHost, remote_port)),
            words("local_port", 64, 1, offset_of!(SkMsgHost, local_port)),
            words("size", 68, 1, offset_of!(SkMsgHost, size)),
            pointer("sk", 72, FieldKind::Socket, offset_of!(SkMsgHost, sk)),
        ],
    }
}

pub(super) fn sk_msg() -> ProgramType {
    ProgramType {
        number: Some(16),
        ctx: sk_msg_md(),
        packet: PacketAccess::Write,
        helpers: helpers(&[BASE, NET, SK_MSG]),
        ..ProgramType::new("sk_msg")
    }
}
