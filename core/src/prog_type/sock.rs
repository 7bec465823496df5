//! What a program may look at of a socket: the fields of `bpf_sock`,
//! `bpf_tcp_sock` and `bpf_xdp_sock`, by row.

use crate::insn::Size;

/// What kind of socket a pointer is to. Each says what may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SockKind {
    /// Any socket, also one that is only half there (`sock_common`).
    Common,
    /// A full socket (`sock`).
    Full,
    /// A TCP socket (`tcp_sock`).
    Tcp,
    /// An AF_XDP socket (`xdp_sock`).
    Xdp,
}

/// Which loads a field allows besides those of its whole size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    /// None.
    None,
    /// Smaller ones at its start.
    Start,
    /// Smaller ones anywhere in it, each at a multiple of its size.
    Any,
}

/// A row: numbers of `unit` each, from `off` up to `end`.
struct Row {
    off: u32,
    end: u32,
    unit: Size,
    parts: Parts,
}

const fn words(off: u32, end: u32, parts: Parts) -> Row {
    Row { off, end, unit: Size::B4, parts }
}

/// `bpf_sock` as any socket has it.
const COMMON: [Row; 10] = [
    words(0, 4, Parts::None),    // bound_dev_if
    words(4, 8, Parts::Start),   // family
    words(24, 44, Parts::Any),   // src_ip4, src_ip6
    words(44, 48, Parts::Start), // src_port
    // dst_port: of two bytes, and of four for programs that took it for that.
    words(48, 52, Parts::None),
    Row { off: 48, end: 50, unit: Size::B2, parts: Parts::Any },
    words(52, 56, Parts::Any),   // dst_ip4
    words(56, 72, Parts::Any),   // dst_ip6
    words(72, 76, Parts::Start), // state
    words(76, 80, Parts::Start), // rx_queue_mapping
];

/// What a full socket has besides.
const FULL: [Row; 2] = [
    words(8, 16, Parts::Start), // type, protocol
    words(16, 24, Parts::None), // mark, priority
];

/// `bpf_tcp_sock`.
const TCP: [Row; 3] = [
    words(0, 80, Parts::None),
    Row { off: 80, end: 96, unit: Size::B8, parts: Parts::None }, // bytes_received, bytes_acked
    words(96, 112, Parts::None),
];

/// `bpf_xdp_sock`: `queue_id`.
const XDP: [Row; 1] = [words(0, 4, Parts::None)];

impl Row {
    fn allows(&self, off: u32, size: Size) -> bool {
        let within = off >= self.off && off + size.bytes() <= self.end;
        let from_start = off.wrapping_sub(self.off).is_multiple_of(self.unit.bytes());
        let fits = match self.parts {
            _ if size == self.unit => true,
            Parts::None => false,
            Parts::Start => size.bytes() < self.unit.bytes() && from_start,
            Parts::Any => size.bytes() < self.unit.bytes(),
        };
        within && fits && off.is_multiple_of(size.bytes())
    }
}

impl SockKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Common, Self::Full, Self::Tcp, Self::Xdp];

    /// Whether a program may load this many bytes at this offset. None may be
    /// stored.
    #[must_use]
    pub fn may_load(self, off: i64, size: Size) -> bool {
        let rows: &[&[Row]] = match self {
            Self::Common => &[&COMMON],
            Self::Full => &[&COMMON, &FULL],
            Self::Tcp => &[&TCP],
            Self::Xdp => &[&XDP],
        };
        let Ok(off) = u32::try_from(off) else { return false };
        off < 512 && rows.iter().flat_map(|rows| rows.iter()).any(|row| row.allows(off, size))
    }

    /// The kernel's name for the type of pointer.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Common => "sock_common",
            Self::Full => "sock",
            Self::Tcp => "tcp_sock",
            Self::Xdp => "xdp_sock",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_loaded_as_they_are_laid_out() {
        let may = |kind: SockKind, off, size| kind.may_load(off, size);
        assert!(may(SockKind::Common, 4, Size::B4) && !may(SockKind::Common, 8, Size::B4));
        assert!(may(SockKind::Full, 8, Size::B1) && !may(SockKind::Full, 9, Size::B1));
        assert!(may(SockKind::Full, 48, Size::B4) && may(SockKind::Full, 49, Size::B1));
        assert!(!may(SockKind::Full, 50, Size::B2) && !may(SockKind::Full, 80, Size::B4));
        assert!(may(SockKind::Full, 57, Size::B1) && !may(SockKind::Full, 56, Size::B8));
        assert!(may(SockKind::Tcp, 88, Size::B8) && !may(SockKind::Tcp, 84, Size::B4));
        assert!(!may(SockKind::Tcp, 96, Size::B8));
        assert!(may(SockKind::Xdp, 0, Size::B4) && !may(SockKind::Xdp, 4, Size::B4));
        assert!(!SockKind::ALL.into_iter().any(|kind| kind.may_load(-4, Size::B4)));
    }
}
