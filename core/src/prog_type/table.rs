//! The kernel's program types, as Linux 6.18 has them.

mod msg;
mod raw;
mod sets;
mod skb;
mod trace;
mod xdp;

use super::ProgramType;
use std::sync::{Arc, LazyLock};

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
    ];
    rows.into_iter().map(Arc::new).collect()
});

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
    find(|t| t.matches_section(section))
}

fn find(is_it: impl Fn(&ProgramType) -> bool) -> Option<Arc<ProgramType>> {
    ALL.iter().find(|t| is_it(t)).cloned()
}

#[cfg(test)]
mod tests;
