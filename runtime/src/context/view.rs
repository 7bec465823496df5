//! How a kind of program sees a packet.

use brolga_core::ProgramType;

/// The real structure that a program's context is converted to, and where the
/// packet starts for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum View {
    /// `xdp_md`, from the Ethernet header on.
    Xdp,
    /// `__sk_buff`, from the Ethernet header on: traffic control.
    Link,
    /// `__sk_buff`, from the header after it on: the other kinds.
    Network,
}

impl View {
    /// The view that programs of this kind have; `None` where their context is
    /// no packet.
    pub(crate) fn of(prog_type: &ProgramType) -> Option<Self> {
        match (prog_type.ctx.name.as_ref(), prog_type.name.as_ref()) {
            ("xdp_md", _) => Some(Self::Xdp),
            ("__sk_buff", "sched_cls" | "sched_act") => Some(Self::Link),
            ("__sk_buff", _) => Some(Self::Network),
            _ => None,
        }
    }
}
