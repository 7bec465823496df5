//! The kinds of programs that are run on sockets, and on control groups' other
//! affairs.
//!
//! No runtime here has their contexts, so the real structures are the virtual
//! ones.

use super::sets::{
    BASE, CGROUP_SOCK, CGROUP_SOCKOPT, CGROUP_SYSCTL, LOOKUP, NET, SK_LOOKUP, SK_REUSEPORT, SOCK_ADDR,
    SOCK_OPS, helpers, without,
};
use crate::insn::Size;
use crate::prog_type::{
    AttachSet, CtxField, CtxLayout, FieldKind, PacketAccess, Parts, ProgramType, ReturnRule, SizeSet,
};
use std::collections::BTreeMap;

const WORD: SizeSet = SizeSet::only(Size::B4);
const DOUBLE: SizeSet = SizeSet::only(Size::B8);

/// Numbers of four bytes, each loaded as a whole.
const fn words(name: &'static str, off: u32, count: u32) -> CtxField {
    CtxField::scalar(name, off, 4 * count).loads(WORD)
}

/// Numbers of four bytes of which parts may be loaded.
const fn narrow(name: &'static str, off: u32, count: u32) -> CtxField {
    CtxField::scalar(name, off, 4 * count).loads(SizeSet::UP_TO_4)
}

const fn long(name: &'static str, off: u32) -> CtxField {
    CtxField::scalar(name, off, 8).loads(DOUBLE)
}

const fn pointer(name: &'static str, off: u32, kind: FieldKind) -> CtxField {
    long(name, off).holds(kind)
}

fn layout(name: &'static str, size: u32, fields: Vec<CtxField>) -> CtxLayout {
    CtxLayout { name: name.into(), size, host_size: size, fields }
}

/// Drop or let through.
fn yes_or_no() -> Vec<ReturnRule> {
    vec![ReturnRule { attach: None, range: 0..=1 }]
}

/// Sockets are created (also by programs without an attach type) or released.
const CREATE: [u32; 3] = [0, 2, 34];
const POST_BIND4: [u32; 1] = [12];
const POST_BIND6: [u32; 1] = [13];
const POST_BIND: [u32; 2] = [12, 13];

fn bpf_sock() -> CtxLayout {
    let start = |name, off| narrow(name, off, 1).parts(Parts::AtStart);
    let of_creator = |name, off| words(name, off, 1).stores(WORD).only_for(&CREATE);
    let fields = vec![
        of_creator("bound_dev_if", 0),
        start("family", 4),
        start("type", 8),
        start("protocol", 12),
        of_creator("mark", 16),
        of_creator("priority", 20),
        narrow("src_ip4", 24, 1).only_for(&POST_BIND4),
        narrow("src_ip6", 28, 4).only_for(&POST_BIND6),
        start("src_port", 44).only_for(&POST_BIND),
        narrow("dst_port", 48, 1).parts(Parts::Within(2)),
        narrow("dst_ip4", 52, 1),
        narrow("dst_ip6", 56, 4),
        start("state", 72),
        start("rx_queue_mapping", 76),
    ];
    layout("bpf_sock", 80, fields)
}

pub(super) fn cgroup_sock() -> ProgramType {
    ProgramType {
        number: Some(9),
        attach_types: vec![0, 2, 12, 13, 34],
        ctx: bpf_sock(),
        returns: yes_or_no(),
        helpers: helpers(&[BASE, CGROUP_SOCK]),
        ..ProgramType::new("cgroup_sock")
    }
}

/// Of IPv4: bind, connect, sendmsg, recvmsg, getpeername, getsockname.
const INET4: [u32; 6] = [8, 10, 14, 19, 29, 31];
/// Of IPv6.
const INET6: [u32; 6] = [9, 11, 15, 20, 30, 32];
/// Connect.
const CONNECT: [u32; 2] = [10, 11];
/// Those that may refuse: their result may be asked for and set.
const REFUSING: [u32; 8] = [8, 9, 10, 11, 14, 15, 49, 50];
/// Those that may not.
const CONSENTING: [u32; 9] = [19, 20, 29, 30, 31, 32, 51, 52, 53];

fn bpf_sock_addr() -> CtxLayout {
    let any = |name, off| CtxField::scalar(name, off, 16).loads(SizeSet::ALL).stores(WORD.union(DOUBLE));
    let fields = vec![
        words("user_family", 0, 1),
        narrow("user_ip4", 4, 1).stores(WORD).only_for(&INET4),
        any("user_ip6", 8).only_for(&INET6),
        narrow("user_port", 24, 1).stores(WORD),
        words("family", 28, 1),
        words("type", 32, 1),
        words("protocol", 36, 1),
        narrow("msg_src_ip4", 40, 1).stores(WORD).only_for(&[14]),
        any("msg_src_ip6", 44).only_for(&[15]),
        pointer("sk", 64, FieldKind::Socket),
    ];
    layout("bpf_sock_addr", 72, fields)
}

pub(super) fn cgroup_sock_addr() -> ProgramType {
    let rule = |attach, range| ReturnRule { attach: Some(attach), range };
    let mut returns: Vec<_> = CONSENTING.map(|attach| rule(attach, 1..=1)).into();
    returns.extend([rule(8, 0..=3), rule(9, 0..=3)]);
    returns.extend(yes_or_no());
    let some =
        [(64, AttachSet::of(&CONNECT)), (186, AttachSet::of(&REFUSING)), (187, AttachSet::of(&REFUSING))];
    ProgramType {
        number: Some(18),
        attach_types: [&INET4[..], &INET6, &[49, 50, 51, 52, 53]].concat(),
        ctx: bpf_sock_addr(),
        returns,
        helpers: helpers(&[BASE, NET, LOOKUP, SOCK_ADDR]),
        helpers_for: BTreeMap::from(some),
        ..ProgramType::new("cgroup_sock_addr")
    }
}

fn bpf_sock_ops() -> CtxLayout {
    let fields = vec![
        words("op", 0, 1),
        words("reply", 4, 1).stores(WORD),
        words("replylong", 8, 3),
        words("family", 20, 36),
        words("sk_txhash", 164, 1).stores(WORD),
        long("bytes_received", 168),
        long("bytes_acked", 176),
        pointer("sk", 184, FieldKind::SocketOrNull),
        pointer("skb_data", 192, FieldKind::PacketData),
        pointer("skb_data_end", 200, FieldKind::PacketEnd),
        words("skb_len", 208, 1),
        narrow("skb_tcp_flags", 212, 1).parts(Parts::AtStart),
        long("skb_hwtstamp", 216),
    ];
    layout("bpf_sock_ops", 224, fields)
}

pub(super) fn sock_ops() -> ProgramType {
    ProgramType {
        number: Some(13),
        ctx: bpf_sock_ops(),
        packet: PacketAccess::ReadDirectly,
        returns: yes_or_no(),
        helpers: helpers(&[BASE, NET, SOCK_OPS]),
        ..ProgramType::new("sock_ops")
    }
}

/// Those that the kernel lets ask for the result so far, or set it, as far as
/// these types of programs have an attach type at all.
const RESULT: AttachSet = AttachSet::but(&[0, 1, 3, 19, 20, 29, 30, 31, 32, 51, 52, 53]);

pub(super) fn cgroup_device() -> ProgramType {
    let fields = vec![narrow("access_type", 0, 1), words("major", 4, 2)];
    ProgramType {
        number: Some(15),
        ctx: layout("bpf_cgroup_dev_ctx", 12, fields),
        returns: yes_or_no(),
        helpers: helpers(&[BASE, &["get_local_storage", "get_retval", "set_retval"]]),
        helpers_for: BTreeMap::from([(186, RESULT), (187, RESULT)]),
        ..ProgramType::new("cgroup_device")
    }
}

pub(super) fn cgroup_sysctl() -> ProgramType {
    let fields = vec![narrow("write", 0, 1), narrow("file_pos", 4, 1).stores(WORD)];
    ProgramType {
        number: Some(23),
        ctx: layout("bpf_sysctl", 8, fields),
        returns: yes_or_no(),
        helpers: helpers(&[BASE, CGROUP_SYSCTL]),
        helpers_for: BTreeMap::from([(186, RESULT), (187, RESULT)]),
        ..ProgramType::new("cgroup_sysctl")
    }
}

/// `BPF_CGROUP_GETSOCKOPT`
const GETSOCKOPT: u32 = 21;
/// `BPF_CGROUP_SETSOCKOPT`
const SETSOCKOPT: u32 = 22;

pub(super) fn cgroup_sockopt() -> ProgramType {
    let fields = vec![
        pointer("sk", 0, FieldKind::Socket),
        pointer("optval", 8, FieldKind::PacketData),
        pointer("optval_end", 16, FieldKind::PacketEnd),
        words("level", 24, 1).stores(WORD).stores_only_for(&[SETSOCKOPT]),
        words("optname", 28, 1).stores(WORD).stores_only_for(&[SETSOCKOPT]),
        words("optlen", 32, 1).stores(WORD),
        words("retval", 36, 1).stores(WORD).only_for(&[GETSOCKOPT]),
    ];
    let setters = AttachSet::of(&[SETSOCKOPT]);
    ProgramType {
        number: Some(25),
        attach_types: vec![GETSOCKOPT, SETSOCKOPT],
        ctx: layout("bpf_sockopt", 40, fields),
        packet: PacketAccess::WriteAnyhow,
        returns: yes_or_no(),
        helpers: helpers(&[BASE, CGROUP_SOCKOPT]),
        helpers_for: BTreeMap::from([(49, setters), (57, setters)]),
        ..ProgramType::new("cgroup_sockopt")
    }
}

pub(super) fn sk_lookup() -> ProgramType {
    let fields = vec![
        pointer("sk", 0, FieldKind::SocketOrNull),
        narrow("family", 8, 1),
        narrow("protocol", 12, 1),
        narrow("remote_ip4", 16, 1),
        narrow("remote_ip6", 20, 4),
        narrow("remote_port", 36, 1),
        narrow("local_ip4", 40, 1),
        narrow("local_ip6", 44, 4),
        narrow("local_port", 60, 1),
        narrow("ingress_ifindex", 64, 1),
    ];
    ProgramType {
        number: Some(30),
        attach_types: vec![36],
        ctx: layout("bpf_sk_lookup", 72, fields),
        returns: yes_or_no(),
        helpers: helpers(&[BASE, NET, SK_LOOKUP]),
        ..ProgramType::new("sk_lookup")
    }
}

pub(super) fn sk_reuseport() -> ProgramType {
    let fields = vec![
        pointer("data", 0, FieldKind::PacketData),
        pointer("data_end", 8, FieldKind::PacketEnd),
        narrow("len", 16, 1),
        CtxField::scalar("eth_protocol", 20, 4).loads(WORD.union(SizeSet::only(Size::B2))),
        narrow("ip_protocol", 24, 1),
        narrow("bind_inany", 28, 1),
        words("hash", 32, 1),
        pointer("sk", 40, FieldKind::Socket),
        pointer("migrating_sk", 48, FieldKind::SockOrNull),
    ];
    ProgramType {
        number: Some(21),
        attach_types: vec![0, 39, 40],
        ctx: layout("sk_reuseport_md", 56, fields),
        packet: PacketAccess::Read,
        helpers: without(helpers(&[BASE, SK_REUSEPORT]), "perf_event_output"),
        ..ProgramType::new("sk_reuseport")
    }
}
