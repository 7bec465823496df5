//! The kernel's program types, as Linux 6.18 has them.

mod msg;
mod raw;
mod sections;
mod sets;
mod skb;
mod sock;
mod trace;
mod xdp;

use super::ProgramType;
use crate::program::LoadFlags;
use std::sync::{Arc, LazyLock};

/// The kernel's program types by number (`enum bpf_prog_type`), those included
/// that there is no description of.
pub const KERNEL_NAMES: [&str; 33] = [
    "unspec",
    "socket_filter",
    "kprobe",
    "sched_cls",
    "sched_act",
    "tracepoint",
    "xdp",
    "perf_event",
    "cgroup_skb",
    "cgroup_sock",
    "lwt_in",
    "lwt_out",
    "lwt_xmit",
    "sock_ops",
    "sk_skb",
    "cgroup_device",
    "sk_msg",
    "raw_tracepoint",
    "cgroup_sock_addr",
    "lwt_seg6local",
    "lirc_mode2",
    "sk_reuseport",
    "flow_dissector",
    "cgroup_sysctl",
    "raw_tracepoint_writable",
    "cgroup_sockopt",
    "tracing",
    "struct_ops",
    "ext",
    "lsm",
    "sk_lookup",
    "syscall",
    "netfilter",
];

static ALL: LazyLock<Vec<Arc<ProgramType>>> = LazyLock::new(|| {
    let rows = [
        raw::raw(),
        skb::socket_filter(),
        trace::kprobe(),
        skb::sched_cls(),
        skb::sched_act(),
        trace::tracepoint(),
        xdp::xdp(),
        trace::perf_event(),
        skb::cgroup_skb(),
        skb::lwt_in(),
        skb::lwt_out(),
        skb::lwt_xmit(),
        msg::sk_msg(),
        trace::raw_tracepoint(),
        trace::syscall(),
        skb::sk_skb(),
        sock::cgroup_sock(),
        sock::cgroup_sock_addr(),
        sock::sock_ops(),
        sock::cgroup_device(),
        sock::cgroup_sysctl(),
        sock::cgroup_sockopt(),
        sock::sk_lookup(),
        sock::sk_reuseport(),
    ];
    rows.into_iter().map(with_sections).collect()
});

fn with_sections(mut program_type: ProgramType) -> Arc<ProgramType> {
    program_type.sections = sections::of(&program_type.name);
    Arc::new(program_type)
}

/// What libbpf knows of the programs in an ELF section.
#[derive(Clone, Debug)]
pub struct Section {
    /// The program type.
    pub prog_type: Arc<ProgramType>,
    /// The `expected_attach_type`.
    pub attach: u32,
    /// The load flags.
    pub flags: LoadFlags,
}

/// Every program type that there is a full description of: the kernel's, and
/// `raw`.
#[must_use]
pub fn all() -> &'static [Arc<ProgramType>] {
    &ALL
}

/// The program type of this name, in the kernel's lower-case spelling.
#[must_use]
pub fn by_name(name: &str) -> Option<Arc<ProgramType>> {
    find(|t| t.name == name)
}

/// The program type with this number in `enum bpf_prog_type`.
#[must_use]
pub fn by_number(number: u32) -> Option<Arc<ProgramType>> {
    find(|t| t.number == Some(number))
}

/// The program type of the programs in an ELF section of this name.
#[must_use]
pub fn by_section(section: &str) -> Option<Arc<ProgramType>> {
    section_of(section).map(|s| s.prog_type)
}

/// What is known of the programs in an ELF section of this name: `xdp/devmap`
/// says the attach type as well as the program type, `uprobe.s` the flags.
#[must_use]
pub fn section_of(section: &str) -> Option<Section> {
    let row = sections::find(section)?;
    Some(Section { prog_type: by_name(row.prog_type)?, attach: row.attach, flags: row.flags })
}

fn find(is_it: impl Fn(&ProgramType) -> bool) -> Option<Arc<ProgramType>> {
    ALL.iter().find(|t| is_it(t)).cloned()
}

#[cfg(test)]
mod tests;
