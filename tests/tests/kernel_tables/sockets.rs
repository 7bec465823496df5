//! What a program may load from each kind of socket.

use super::{Ask, Differences, ask, kernel, kernel_types};
use brolga_core::prog_type::SockKind;
use brolga_core::{MapDef, MapKind, Size};

/// A program that does this with a socket of a kind in r0.
fn with_socket(kind: SockKind, insn: &str) -> (&'static str, String) {
    let of_packet = "r1 = *(u64 *)(r1 + 168)\nr0 = r1\nif r1 == 0 goto out";
    let (prog_type, get) = match kind {
        SockKind::Common => ("sched_cls", of_packet.to_owned()),
        SockKind::Full => ("sched_cls", format!("{of_packet}\ncall sk_fullsock")),
        SockKind::Tcp => ("sched_cls", format!("{of_packet}\ncall tcp_sock")),
        SockKind::Xdp => {
            let key = "*(u32 *)(r10 - 4) = 0\nr1 = map[idx:0]\nr2 = r10\nr2 += -4";
            ("xdp", format!("{key}\ncall map_lookup_elem"))
        }
    };
    (prog_type, format!("{get}\nif r0 == 0 goto out\n{insn}\nout:\nr0 = 0\nexit"))
}

#[test]
fn sockets_are_looked_at_as_the_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("loads from sockets");
    let maps = [MapDef::new(MapKind::Xskmap, 4, 4, 1)];
    for kind in SockKind::ALL {
        for off in -4..120_i16 {
            for size in Size::ALL {
                let (name, text) = with_socket(kind, &format!("r1 = *(u{} *)(r0 {off:+})", size.bits()));
                let program_type = kernel_types().find(|t| t.name == name).expect("it is in the table");
                let maps = if kind == SockKind::Xdp { &maps[..] } else { &[] };
                let verdict = ask(kernel, program_type, &text, Ask { maps, log: 0, ..Ask::default() });
                let row = kind.may_load(off.into(), size);
                differences.compare(row, verdict.loaded.is_some(), || {
                    format!("{} bytes at {off} of {}", size.bytes(), kind.name())
                });
            }
        }
    }
    differences.none_expected();
}
