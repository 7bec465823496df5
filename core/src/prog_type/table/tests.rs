use super::*;
use crate::helper;
use crate::insn::Size;
use crate::prog_type::{CtxField, Entry, FieldKind, PacketAccess, SizeSet, Sleepable};
use std::collections::HashSet;

fn named(name: &str) -> Arc<ProgramType> {
    by_name(name).unwrap_or_else(|| panic!("no program type {name}"))
}

#[test]
fn names_and_numbers_are_unique_and_lead_back() {
    let names: HashSet<&str> = all().iter().map(|t| t.name.as_ref()).collect();
    assert_eq!(names.len(), all().len());
    for program_type in all() {
        assert_eq!(by_name(&program_type.name).as_ref(), Some(program_type));
        if let Some(number) = program_type.number {
            assert_eq!(by_number(number).as_ref(), Some(program_type));
            assert_eq!(KERNEL_NAMES[number as usize], program_type.name);
        }
    }
    assert!(by_name("no_such_type").is_none() && by_number(0).is_none());
}

#[test]
fn sections_lead_to_their_type_alone() {
    for program_type in all() {
        for section in &program_type.sections {
            assert_eq!(by_section(section).as_ref(), Some(program_type), "{section}");
            assert_eq!(by_section(&format!("{section}/x")).as_ref(), Some(program_type), "{section}/x");
        }
    }
    let examples = [
        ("xdp/firewall", "xdp"),
        ("tc", "sched_cls"),
        ("tcx/ingress", "sched_cls"),
        ("tp/a/b", "tracepoint"),
    ];
    for (section, name) in examples {
        assert_eq!(by_section(section), by_name(name));
    }
    assert!(by_section("xdpx").is_none() && by_section(".text").is_none());
}

#[test]
fn sections_say_how_their_programs_are_loaded() {
    let of = |name: &str| section_of(name).map(|s| (s.attach, s.flags));
    assert_eq!(of("xdp/devmap"), Some((33, LoadFlags::empty())));
    assert_eq!(of("xdp/mine"), Some((37, LoadFlags::empty())));
    assert_eq!(of("xdp.frags"), Some((37, LoadFlags::XDP_HAS_FRAGS)));
    assert_eq!(of("uprobe.s/libc:malloc"), Some((0, LoadFlags::SLEEPABLE)));
    assert_eq!(of("cgroup_skb/egress"), Some((1, LoadFlags::empty())));
    let loads = |row: &sections::Row| {
        let program_type = named(row.prog_type);
        let sleeps = row.flags.contains(LoadFlags::SLEEPABLE);
        let may_sleep = match program_type.sleepable {
            Sleepable::No => !sleeps,
            Sleepable::Allowed => true,
            Sleepable::Required => sleeps,
        };
        may_sleep && (program_type.attach_types.is_empty() || program_type.attach_types.contains(&row.attach))
    };
    assert!(sections::ROWS.iter().all(loads));
}

#[test]
fn helpers_are_rows_of_the_table_or_variants_of_them() {
    for program_type in all() {
        for (id, proto) in &program_type.helpers {
            assert_eq!(proto.id, *id);
            assert_eq!(helper::table::by_id(*id).map(|p| &p.name), Some(&proto.name));
        }
    }
    let classid = |name| named(name).helper(17).map(|p| p.arity());
    assert_eq!(classid("xdp"), Some(0));
    assert_eq!(classid("sched_cls"), Some(1));
}

fn fields() -> impl Iterator<Item = (&'static Arc<ProgramType>, &'static CtxField)> {
    all().iter().flat_map(|t| t.ctx.fields.iter().map(move |f| (t, f)))
}

#[test]
fn fields_are_in_order_and_do_not_overlap() {
    for program_type in all() {
        let ends = program_type.ctx.fields.iter().map(|f| f.off + f.size);
        let starts = program_type.ctx.fields.iter().skip(1).map(|f| f.off).chain([program_type.ctx.size]);
        assert!(ends.zip(starts).all(|(end, next)| end <= next), "{}", program_type.name);
    }
}

#[test]
fn fields_lie_in_the_real_structure_without_overlap() {
    for program_type in all() {
        let size = |f: &CtxField| if f.kind.is_pointer() { 8 } else { f.size };
        let mut places: Vec<(u32, u32)> =
            program_type.ctx.fields.iter().map(|f| (f.host_off, f.host_off + size(f))).collect();
        places.sort_unstable();
        assert!(places.windows(2).all(|w| w[0].1 <= w[1].0), "{}", program_type.name);
        assert!(places.last().is_none_or(|p| p.1 <= program_type.ctx.host_size), "{}", program_type.name);
    }
}

/// The law of the real structure: what is aligned in the virtual context is
/// aligned in the real one, so that an access there is one access.
#[test]
fn fields_keep_their_alignment_in_the_real_structure() {
    for (program_type, field) in fields() {
        let sizes = Size::ALL.iter().filter(|s| field.loads.contains(**s));
        let align = sizes.map(|s| s.bytes()).max().unwrap_or(1);
        let apart = if field.kind.is_pointer() { field.host_off } else { field.host_off.abs_diff(field.off) };
        let real = if field.kind.is_pointer() { 8 } else { align };
        assert_eq!(apart % real, 0, "{} of {}", field.name, program_type.name);
        assert!(!field.kind.is_pointer() || field.loads == SizeSet::only(pointer_size(field)));
    }
}

fn pointer_size(field: &CtxField) -> Size {
    if field.size == 4 { Size::B4 } else { Size::B8 }
}

#[test]
fn accesses_are_within_one_field_and_aligned() {
    for program_type in all() {
        let layout = &program_type.ctx;
        for off in -8..i64::from(layout.size.min(512)) + 8 {
            for size in Size::ALL {
                for write in [false, true] {
                    let Some(access) = layout.access(off, size, write) else { continue };
                    let field = layout.field_at(off as u32).expect("an access is to a field");
                    assert_eq!(off % i64::from(size.bytes()), 0);
                    assert!(off as u32 + size.bytes() <= field.off + field.size);
                    assert_eq!(access.kind, field.kind);
                    assert!(access.host_off + access.host_size.bytes() <= layout.host_size);
                    assert!(!write || field.kind == FieldKind::Scalar, "pointers are not stored");
                }
            }
        }
    }
}

#[test]
fn xdp_programs_see_the_packet_through_their_context() {
    let xdp = named("xdp");
    let data = xdp.ctx.access(0, Size::B4, false).expect("xdp_md.data is loaded");
    assert_eq!((data.kind, data.host_size), (FieldKind::PacketData, Size::B8));
    assert!(xdp.ctx.access(0, Size::B8, false).is_none());
    assert!(xdp.ctx.access(12, Size::B2, false).is_none());
    assert!(xdp.ctx.access(12, Size::B4, true).is_none());
    assert!(xdp.ctx.access(20, Size::B4, false).is_none());
    assert!(xdp.ctx.access_as(33, 20, Size::B4, false).is_some());
    assert_eq!(xdp.packet, PacketAccess::Write);
}

#[test]
fn the_skb_is_shown_and_changed_as_far_as_each_type_may() {
    let may = |name, off, size, write| named(name).ctx.access(off, size, write).is_some();
    let (mark, cb, data, tstamp) = (8, 48, 76, 152);
    assert!(may("socket_filter", mark, Size::B1, false) && !may("socket_filter", mark, Size::B4, true));
    assert!(may("socket_filter", cb, Size::B8, true) && !may("socket_filter", cb + 16, Size::B8, true));
    assert!(!may("socket_filter", data, Size::B4, false) && may("sched_cls", data, Size::B4, false));
    assert!(may("sched_cls", mark, Size::B4, true) && !may("sched_cls", mark, Size::B2, true));
    assert!(may("sched_cls", tstamp, Size::B8, true) && !may("sched_cls", tstamp, Size::B4, false));
}

#[test]
fn results_are_limited_where_the_kernel_limits_them() {
    assert_eq!(named("cgroup_skb").returns(0), Some(0..=1));
    assert_eq!(named("cgroup_skb").returns(1), Some(0..=3));
    for free in ["xdp", "sched_cls", "socket_filter", "raw", "tracepoint"] {
        assert_eq!(named(free).returns(0), None, "{free}");
    }
}

#[test]
fn raw_starts_with_memory_and_the_rest_with_a_context() {
    for program_type in all() {
        let raw = program_type.name == "raw";
        assert_eq!(program_type.entry == Entry::Mem, raw);
        assert_eq!(program_type.number.is_none(), raw);
        assert_eq!(program_type.ctx.fields.is_empty(), raw);
    }
}
