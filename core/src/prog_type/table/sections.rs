//! The ELF sections of programs, by the names that libbpf knows.

use crate::program::LoadFlags;
use std::borrow::Cow;

/// A row: the programs of a section.
pub(super) struct Row {
    /// The section's name; what follows it after a `/` is the program's own.
    pub(super) name: &'static str,
    /// The name of the program type.
    pub(super) prog_type: &'static str,
    /// The `expected_attach_type`.
    pub(super) attach: u32,
    /// The load flags.
    pub(super) flags: LoadFlags,
}

const fn row(name: &'static str, prog_type: &'static str) -> Row {
    Row { name, prog_type, attach: 0, flags: LoadFlags::empty() }
}

impl Row {
    /// The same with this attach type (`enum bpf_attach_type`).
    const fn attach(mut self, attach: u32) -> Self {
        self.attach = attach;
        self
    }

    const fn sleepable(mut self) -> Self {
        self.flags = self.flags.union(LoadFlags::SLEEPABLE);
        self
    }

    const fn frags(mut self) -> Self {
        self.flags = self.flags.union(LoadFlags::XDP_HAS_FRAGS);
        self
    }
}

pub(super) static ROWS: [Row; 85] = [
    row("raw", "raw"),
    row("socket", "socket_filter"),
    row("classifier", "sched_cls"),
    row("tc", "sched_cls"),
    row("tc/ingress", "sched_cls").attach(46),
    row("tc/egress", "sched_cls").attach(47),
    row("tcx", "sched_cls"),
    row("tcx/ingress", "sched_cls").attach(46),
    row("tcx/egress", "sched_cls").attach(47),
    row("netkit/primary", "sched_cls").attach(54),
    row("netkit/peer", "sched_cls").attach(55),
    row("action", "sched_act"),
    row("xdp", "xdp").attach(37),
    row("xdp/devmap", "xdp").attach(33),
    row("xdp/cpumap", "xdp").attach(35),
    row("xdp.frags", "xdp").attach(37).frags(),
    row("xdp.frags/devmap", "xdp").attach(33).frags(),
    row("xdp.frags/cpumap", "xdp").attach(35).frags(),
    row("cgroup/skb", "cgroup_skb"),
    row("cgroup_skb", "cgroup_skb"),
    row("cgroup_skb/ingress", "cgroup_skb"),
    row("cgroup_skb/egress", "cgroup_skb").attach(1),
    row("lwt_in", "lwt_in"),
    row("lwt_out", "lwt_out"),
    row("lwt_xmit", "lwt_xmit"),
    row("sk_msg", "sk_msg").attach(7),
    row("kprobe", "kprobe"),
    row("kretprobe", "kprobe"),
    row("kprobe.multi", "kprobe").attach(42),
    row("kretprobe.multi", "kprobe").attach(42),
    row("kprobe.session", "kprobe").attach(56),
    row("ksyscall", "kprobe"),
    row("kretsyscall", "kprobe"),
    row("uprobe", "kprobe"),
    row("uprobe.s", "kprobe").sleepable(),
    row("uretprobe", "kprobe"),
    row("uretprobe.s", "kprobe").sleepable(),
    row("uprobe.multi", "kprobe").attach(48),
    row("uprobe.multi.s", "kprobe").attach(48).sleepable(),
    row("uretprobe.multi", "kprobe").attach(48),
    row("uretprobe.multi.s", "kprobe").attach(48).sleepable(),
    row("uprobe.session", "kprobe").attach(57),
    row("uprobe.session.s", "kprobe").attach(57).sleepable(),
    row("usdt", "kprobe"),
    row("usdt.s", "kprobe").sleepable(),
    row("tracepoint", "tracepoint"),
    row("tp", "tracepoint"),
    row("raw_tracepoint", "raw_tracepoint"),
    row("raw_tp", "raw_tracepoint"),
    row("perf_event", "perf_event"),
    row("cgroup/dev", "cgroup_device").attach(6),
    row("cgroup/sock", "cgroup_sock").attach(2),
    row("cgroup/sock_create", "cgroup_sock").attach(2),
    row("cgroup/sock_release", "cgroup_sock").attach(34),
    row("cgroup/post_bind4", "cgroup_sock").attach(12),
    row("cgroup/post_bind6", "cgroup_sock").attach(13),
    row("cgroup/bind4", "cgroup_sock_addr").attach(8),
    row("cgroup/bind6", "cgroup_sock_addr").attach(9),
    row("cgroup/connect4", "cgroup_sock_addr").attach(10),
    row("cgroup/connect6", "cgroup_sock_addr").attach(11),
    row("cgroup/sendmsg4", "cgroup_sock_addr").attach(14),
    row("cgroup/sendmsg6", "cgroup_sock_addr").attach(15),
    row("cgroup/recvmsg4", "cgroup_sock_addr").attach(19),
    row("cgroup/recvmsg6", "cgroup_sock_addr").attach(20),
    row("cgroup/getpeername4", "cgroup_sock_addr").attach(29),
    row("cgroup/getpeername6", "cgroup_sock_addr").attach(30),
    row("cgroup/getsockname4", "cgroup_sock_addr").attach(31),
    row("cgroup/getsockname6", "cgroup_sock_addr").attach(32),
    row("cgroup/connect_unix", "cgroup_sock_addr").attach(49),
    row("cgroup/sendmsg_unix", "cgroup_sock_addr").attach(50),
    row("cgroup/recvmsg_unix", "cgroup_sock_addr").attach(51),
    row("cgroup/getpeername_unix", "cgroup_sock_addr").attach(52),
    row("cgroup/getsockname_unix", "cgroup_sock_addr").attach(53),
    row("cgroup/sysctl", "cgroup_sysctl").attach(18),
    row("cgroup/getsockopt", "cgroup_sockopt").attach(21),
    row("cgroup/setsockopt", "cgroup_sockopt").attach(22),
    row("sockops", "sock_ops").attach(3),
    row("sk_skb", "sk_skb"),
    row("sk_skb/stream_parser", "sk_skb").attach(4),
    row("sk_skb/stream_verdict", "sk_skb").attach(5),
    row("sk_skb/verdict", "sk_skb").attach(38),
    row("sk_lookup", "sk_lookup").attach(36),
    row("sk_reuseport", "sk_reuseport").attach(39),
    row("sk_reuseport/migrate", "sk_reuseport").attach(40),
    row("syscall", "syscall").sleepable(),
];

/// The sections of a program type.
pub(super) fn of(prog_type: &str) -> Vec<Cow<'static, str>> {
    ROWS.iter().filter(|r| r.prog_type == prog_type).map(|r| r.name.into()).collect()
}

/// The row of a section: the longest name that is the section's, or what is
/// before a `/` of it.
pub(super) fn find(section: &str) -> Option<&'static Row> {
    let is_its =
        |name| section.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ROWS.iter().filter(|r| is_its(r.name)).max_by_key(|r| r.name.len())
}
