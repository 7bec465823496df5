//! Which accesses to its context each type of program may make, what they
//! give, and what it may do to the packet.

use super::{Ask, Differences, ask, kernel, kernel_types};
use brolga_core::Size;
use brolga_core::prog_type::{AttachSet, CtxField, FieldKind, PacketAccess, ProgramType};
use brolga_tests::kernel::Kernel;

/// The attach types that some context's fields depend on, and one that none
/// does.
const ATTACH: [u32; 2] = [0, 33];

/// The offsets worth asking about: all of a small context, the edges of a large
/// one and some between.
fn offsets(program_type: &ProgramType) -> Vec<i16> {
    let size = i64::from(program_type.ctx.size);
    // The kernel compares a tracepoint's offset unsigned on one side and signed
    // on the other, and lets negative ones pass. No row does.
    let first = if program_type.name == "tracepoint" { 0 } else { -9 };
    let near_edge = |off: i64| off < 64 || off > size - 32 || off % 131 == 0;
    let all = (first..size + 17).filter(|off| size < 512 || near_edge(*off));
    all.filter_map(|off| i16::try_from(off).ok()).collect()
}

/// Every size, but of those that the offset is no multiple of only a sample: no
/// type allows any.
fn sizes(off: i16) -> impl Iterator<Item = Size> {
    Size::ALL.into_iter().filter(move |s| off < 32 || i64::from(off) % i64::from(s.bytes()) == 0)
}

fn load(size: Size, off: i16) -> String {
    format!("r0 = *(u{} *)(r1 {off:+})\nr0 = 1\nexit", size.bits())
}

fn store(size: Size, off: i16) -> String {
    format!("r0 = 1\n*(u{} *)(r1 {off:+}) = r0\nexit", size.bits())
}

#[test]
fn accesses_are_allowed_as_the_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("context accesses");
    for program_type in kernel_types() {
        for attach in attach_types(program_type) {
            for off in offsets(program_type) {
                for size in sizes(off) {
                    compare_access(kernel, program_type, attach, off, size, &mut differences);
                }
            }
        }
    }
    differences.none_expected();
}

fn attach_types(program_type: &ProgramType) -> Vec<u32> {
    let limited = |f: &CtxField| f.attach != AttachSet::ANY || f.stores_for != AttachSet::ANY;
    match program_type.ctx.fields.iter().any(limited) {
        true if program_type.attach_types.is_empty() => ATTACH.into(),
        true => program_type.attach_types.clone(),
        false => vec![super::usual_attach(program_type)],
    }
}

fn compare_access(
    kernel: Kernel,
    program_type: &ProgramType,
    attach: u32,
    off: i16,
    size: Size,
    differences: &mut Differences,
) {
    for (write, text) in [(false, load(size, off)), (true, store(size, off))] {
        let row = program_type.ctx.access_as(attach, off.into(), size, write).is_some();
        let verdict =
            ask(kernel, program_type, &text, Ask { attach: Some(attach), log: 0, ..Ask::default() });
        differences.compare(row, verdict.loaded.is_some(), || {
            let way = if write { "store" } else { "load" };
            format!("{} attached as {attach}, {way} of {} at {off}", program_type.name, size.bytes())
        });
    }
}

/// What the verifier's log calls what a field holds.
const fn word(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Scalar => "scalar(",
        FieldKind::PacketData => "pkt(",
        FieldKind::PacketMeta => "pkt_meta(",
        FieldKind::PacketEnd => "pkt_end(",
        FieldKind::SockOrNull => "sock_common_or_null(",
        FieldKind::Socket => "sock(",
        FieldKind::SocketOrNull => "sock_or_null(",
        FieldKind::FlowKeys => "flow_keys(",
    }
}

/// Whether a load of this size may start where the field does.
fn loads_at_start(field: &CtxField, size: Size) -> bool {
    field.loads.contains(size) && field.off.is_multiple_of(size.bytes())
}

#[test]
fn loads_give_what_the_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("kinds of fields");
    for program_type in kernel_types() {
        for field in &program_type.ctx.fields {
            for size in Size::ALL.into_iter().filter(|s| loads_at_start(field, *s)) {
                let Ok(off) = i16::try_from(field.off) else { continue };
                let question = Ask { attach: field.attach.example(), log: 2, ..Ask::default() };
                let log = ask(kernel, program_type, &load(size, off), question).log;
                let given = log.lines().find_map(|line| line.split_once("R0=")).map(|(_, after)| after);
                let given = given.map(|g| g.replace("scalar()", "scalar("));
                let agrees = given.as_ref().is_some_and(|g| g.starts_with(word(field.kind)));
                differences.compare(true, agrees, || {
                    format!("{} of {} is {:?}, not {given:?}", field.name, program_type.name, field.kind)
                });
            }
        }
    }
    differences.none_expected();
}

/// A program that does this with a packet pointer in r2, where one byte of the
/// packet is there.
fn with_packet(program_type: &ProgramType, insn: &str) -> Option<String> {
    let at = |kind| program_type.ctx.fields.iter().find(|f| f.kind == kind);
    let (data, end) = (at(FieldKind::PacketData)?, at(FieldKind::PacketEnd)?);
    let size = 8 * data.size;
    Some(format!(
        "r2 = *(u{size} *)(r1 + {})
         r3 = *(u{size} *)(r1 + {})
         r4 = r2
         r4 += 8
         r0 = 1
         if r4 > r3 goto +1
         {insn}
         r0 = 1
         exit",
        data.off, end.off
    ))
}

#[test]
fn packets_are_read_and_written_as_the_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("packet access");
    for program_type in kernel_types() {
        let may = |insn: &str| {
            let text = with_packet(program_type, insn);
            text.is_some_and(|text| {
                ask(kernel, program_type, &text, Ask { log: 0, ..Ask::default() }).loaded.is_some()
            })
        };
        let reads = may("r0 = *(u8 *)(r2 + 0)");
        let writes = may("*(u8 *)(r2 + 0) = r0");
        let row = (program_type.packet != PacketAccess::None, program_type.packet.writes());
        differences.compare(row, (reads, writes), || program_type.name.to_string());
    }
    differences.none_expected();
}

#[test]
fn legacy_packet_loads_are_allowed_as_the_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("legacy packet loads");
    for program_type in kernel_types() {
        for insn in ["r0 = *(u8 *)skb[0]", "r0 = *(u32 *)skb[14]"] {
            let text = format!("r6 = r1\n{insn}\nr0 = 1\nexit");
            let verdict = ask(kernel, program_type, &text, Ask { log: 0, ..Ask::default() });
            let of = || program_type.name.to_string();
            differences.compare(program_type.legacy_packet_loads, verdict.loaded.is_some(), of);
        }
    }
    differences.none_expected();
}
