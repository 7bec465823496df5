//! The objects of `bpf/`, as clang 19 made them (`build.sh` says how).
//!
//! Each is aligned to 8 bytes, which zero-copy ELF readers ask for.

/// Bytes at an address that is a multiple of eight.
#[repr(C, align(8))]
struct Aligned<T>(T);

macro_rules! objects {
    ($($(#[$doc:meta])* $name:ident = $path:literal;)*) => {$(
        $(#[$doc])*
        pub static $name: &[u8] = {
            const FILE: &Aligned<[u8; include_bytes!($path).len()]> =
                &Aligned(*include_bytes!($path));
            &FILE.0
        };
    )*};
}

objects! {
    /// XDP: `firewall`, `count_only`, `pass_all`. Maps `blocked_v4`, `blocked_v6`,
    /// `blocked_ports`, `counters`; `.rodata`, `.data` and `.bss`; two subprograms.
    FIREWALL = "../bpf/firewall.o";
    /// tc: `count_flows` in section `tc`, `size_histogram` in section `classifier`.
    /// Maps `flows`, `sizes`; `.rodata` (a format string) and `.bss`; needs GPL.
    FLOWS = "../bpf/flows.o";
    /// Socket filters: `dns` (packet loads), `tcp_syn` (`bpf_skb_load_bytes`). No maps.
    FILTER = "../bpf/filter.o";
    /// XDP: `echo`, `nat`. Map `nat_table`; `.bss`; writes to the packet.
    REWRITE = "../bpf/rewrite.o";
    /// XDP: `ethertype_count`, with maps `ethertypes` and `lengths` defined in the
    /// old section `maps`, and no BTF.
    LEGACY = "../bpf/legacy.o";
}

#[cfg(test)]
mod tests {
    use super::*;

    const EM_BPF: [u8; 2] = 247u16.to_le_bytes();

    #[test]
    fn every_object_is_an_aligned_bpf_elf() {
        for object in [FIREWALL, FLOWS, FILTER, REWRITE, LEGACY] {
            assert_eq!(object.as_ptr().align_offset(8), 0);
            assert_eq!(object[..4], *b"\x7fELF");
            assert_eq!(object[18..20], EM_BPF);
        }
    }
}
