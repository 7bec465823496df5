//! The kinds of programs that are run on an skb.

use super::sets::{
    BASE, CGROUP_SKB, LOOKUP, LWT, LWT_XMIT, NET, SK_SKB, SOCKET, SOCKET_FILTER, SYN_COOKIES,
    TRAFFIC_CONTROL, helpers,
};
use crate::insn::Size;
use crate::prog_type::host::SkBuffHost;
use crate::prog_type::{CtxField, CtxLayout, FieldKind, PacketAccess, ProgramType, ReturnRule, SizeSet};
use std::mem::{offset_of, size_of};

const WORD: SizeSet = SizeSet::only(Size::B4);
const DOUBLE: SizeSet = SizeSet::only(Size::B8);

/// A number of four bytes of which parts may be loaded.
const fn narrow(name: &'static str, off: u32, host: usize) -> CtxField {
    CtxField::scalar(name, off, 4).loads(SizeSet::UP_TO_4).host(host)
}

/// Numbers of four bytes, each loaded as a whole.
const fn words(name: &'static str, off: u32, count: u32, host: usize) -> CtxField {
    CtxField::scalar(name, off, 4 * count).loads(WORD).host(host)
}

macro_rules! host {
    ($field:ident) => {
        offset_of!(SkBuffHost, $field)
    };
}

/// `__sk_buff` as far as some kind of program may load it
/// (`bpf_skb_is_valid_access`).
fn every_field() -> Vec<CtxField> {
    use FieldKind::{PacketData, PacketEnd, PacketMeta, SockOrNull};
    vec![
        narrow("len", 0, host!(len)),
        narrow("pkt_type", 4, host!(pkt_type)),
        narrow("mark", 8, host!(mark)),
        narrow("queue_mapping", 12, host!(queue_mapping)),
        narrow("protocol", 16, host!(protocol)),
        narrow("vlan_present", 20, host!(vlan_present)),
        narrow("vlan_tci", 24, host!(vlan_tci)),
        narrow("vlan_proto", 28, host!(vlan_proto)),
        narrow("priority", 32, host!(priority)),
        narrow("ingress_ifindex", 36, host!(ingress_ifindex)),
        narrow("ifindex", 40, host!(ifindex)),
        narrow("tc_index", 44, host!(tc_index)),
        CtxField::scalar("cb", 48, 20).loads(SizeSet::ALL).host(host!(cb)),
        narrow("hash", 68, host!(hash)),
        narrow("tc_classid", 72, host!(tc_classid)),
        words("data", 76, 1, host!(data)).holds(PacketData),
        words("data_end", 80, 1, host!(data_end)).holds(PacketEnd),
        narrow("napi_id", 84, host!(napi_id)),
        narrow("family", 88, host!(family)),
        words("remote_ip4", 92, 1, host!(remote_ip4)),
        words("local_ip4", 96, 1, host!(local_ip4)),
        words("remote_ip6", 100, 4, host!(remote_ip6)),
        words("local_ip6", 116, 4, host!(local_ip6)),
        narrow("remote_port", 132, host!(remote_port)),
        narrow("local_port", 136, host!(local_port)),
        words("data_meta", 140, 1, host!(data_meta)).holds(PacketMeta),
        CtxField::scalar("tstamp", 152, 8).loads(DOUBLE).host(host!(tstamp)),
        narrow("wire_len", 160, host!(wire_len)),
        narrow("gso_segs", 164, host!(gso_segs)),
        CtxField::scalar("sk", 168, 8).loads(DOUBLE).host(host!(sk)).holds(SockOrNull),
        narrow("gso_size", 176, host!(gso_size)),
        CtxField::scalar("tstamp_type", 180, 1).loads(SizeSet::only(Size::B1)).host(host!(tstamp_type)),
        CtxField::scalar("hwtstamp", 184, 8).loads(DOUBLE).host(host!(hwtstamp)),
    ]
}

/// `__sk_buff` without the fields that are `hidden`, where those of `stored`
/// may be stored to as a whole (and `cb` in parts).
fn sk_buff(hidden: &[&str], stored: &[&str]) -> CtxLayout {
    let mut fields = every_field();
    fields.retain(|f| !hidden.contains(&f.name.as_ref()));
    for field in fields.iter_mut().filter(|f| stored.contains(&f.name.as_ref())) {
        field.stores = match field.size {
            4 => WORD,
            8 => DOUBLE,
            _ => field.loads,
        };
    }
    CtxLayout { name: "__sk_buff".into(), size: 192, host_size: size_of::<SkBuffHost>() as u32, fields }
}

/// The fields that describe the packet's socket.
const SOCKET_FIELDS: [&str; 7] =
    ["family", "remote_ip4", "local_ip4", "remote_ip6", "local_ip6", "remote_port", "local_port"];

pub(super) fn socket_filter() -> ProgramType {
    let hidden = [
        &SOCKET_FIELDS[..],
        &["tc_classid", "data", "data_end", "data_meta", "tstamp", "tstamp_type", "wire_len", "hwtstamp"],
    ];
    ProgramType {
        number: Some(1),
        ctx: sk_buff(&hidden.concat(), &["cb"]),
        legacy_packet_loads: true,
        helpers: helpers(&[BASE, NET, SOCKET_FILTER]),
        ..ProgramType::new("socket_filter")
    }
}

fn traffic_control(name: &'static str, number: u32) -> ProgramType {
    let stored = ["mark", "tc_index", "priority", "tc_classid", "cb", "tstamp", "queue_mapping"];
    ProgramType {
        number: Some(number),
        ctx: sk_buff(&SOCKET_FIELDS, &stored),
        packet: PacketAccess::Write,
        legacy_packet_loads: true,
        helpers: helpers(&[BASE, NET, SOCKET_FILTER, LOOKUP, SOCKET, SYN_COOKIES, TRAFFIC_CONTROL]),
        ..ProgramType::new(name)
    }
}

pub(super) fn sched_cls() -> ProgramType {
    traffic_control("sched_cls", 3)
}

pub(super) fn sched_act() -> ProgramType {
    traffic_control("sched_act", 4)
}

pub(super) fn sk_skb() -> ProgramType {
    let hidden = ["mark", "tc_classid", "data_meta", "tstamp", "tstamp_type", "wire_len", "hwtstamp"];
    ProgramType {
        number: Some(14),
        ctx: sk_buff(&hidden, &["tc_index", "priority"]),
        packet: PacketAccess::Write,
        helpers: helpers(&[BASE, NET, LOOKUP, SK_SKB]),
        ..ProgramType::new("sk_skb")
    }
}

/// `BPF_CGROUP_INET_INGRESS`: packets may be dropped or let through.
const INGRESS: u32 = 0;
/// `BPF_CGROUP_INET_EGRESS`: congestion may be said too.
const EGRESS: u32 = 1;

pub(super) fn cgroup_skb() -> ProgramType {
    let hidden = ["tc_classid", "data_meta", "wire_len", "tstamp_type"];
    ProgramType {
        number: Some(8),
        attach_types: vec![INGRESS, EGRESS],
        ctx: sk_buff(&hidden, &["mark", "priority", "cb", "tstamp"]),
        packet: PacketAccess::Read,
        returns: vec![
            ReturnRule { attach: Some(EGRESS), range: 0..=3 },
            ReturnRule { attach: None, range: 0..=1 },
        ],
        helpers: helpers(&[BASE, NET, SOCKET_FILTER, LOOKUP, SOCKET, CGROUP_SKB]),
        ..ProgramType::new("cgroup_skb")
    }
}

fn tunnel(
    name: &'static str,
    number: u32,
    packet: PacketAccess,
    more: &'static [&'static str],
) -> ProgramType {
    let hidden =
        [&SOCKET_FIELDS[..], &["tc_classid", "data_meta", "tstamp", "tstamp_type", "wire_len", "hwtstamp"]];
    ProgramType {
        number: Some(number),
        ctx: sk_buff(&hidden.concat(), &["mark", "priority", "cb"]),
        packet,
        helpers: helpers(&[BASE, NET, LWT, more]),
        ..ProgramType::new(name)
    }
}

pub(super) fn lwt_in() -> ProgramType {
    tunnel("lwt_in", 10, PacketAccess::Read, &["lwt_push_encap"])
}

pub(super) fn lwt_out() -> ProgramType {
    tunnel("lwt_out", 11, PacketAccess::Read, &[])
}

pub(super) fn lwt_xmit() -> ProgramType {
    tunnel("lwt_xmit", 12, PacketAccess::Write, LWT_XMIT)
}
