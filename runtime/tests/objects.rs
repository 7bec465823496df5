//! Objects that clang made, read and linked, whole and broken.

use brolga::object::{Object, ObjectError, ObjectProgram, ObjectSlot};
use brolga_core::{Callee, Code, Imm64, Insn, MapFlags, MapKind, Pc};
use brolga_examples::objects::{FILTER, FIREWALL, FLOWS, LEGACY, REWRITE};

fn parse(data: &[u8]) -> Object {
    Object::parse(data).expect("an object of clang's")
}

fn code(program: &ObjectProgram) -> Code {
    Code::decode(&program.insns().expect("a linked program")).expect("instructions")
}

#[test]
fn programs_of_all_sections_are_listed() {
    let names = |data| -> Vec<(String, String)> {
        parse(data).programs().iter().map(|p| (p.name().to_owned(), p.section().to_owned())).collect()
    };
    let pairs = |list: &[(&str, &str)]| -> Vec<_> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    assert_eq!(names(FIREWALL), pairs(&[("firewall", "xdp"), ("count_only", "xdp"), ("pass_all", "xdp")]));
    assert_eq!(names(FLOWS), pairs(&[("count_flows", "tc"), ("size_histogram", "classifier")]));
    assert_eq!(names(FILTER), pairs(&[("dns", "socket"), ("tcp_syn", "socket")]));
    assert_eq!(names(LEGACY), pairs(&[("ethertype_count", "xdp/ethertype_count")]));
}

#[test]
fn licences_are_read() {
    assert_eq!(parse(FIREWALL).license(), "Dual MIT/GPL");
    assert_eq!(parse(FLOWS).license(), "GPL");
    assert_eq!(parse(LEGACY).license(), "Dual BSD/GPL");
}

#[test]
fn maps_are_defined_by_btf() {
    let object = parse(FIREWALL);
    let v6 = &object.map("blocked_v6").unwrap().def;
    assert_eq!((v6.kind, v6.key_size, v6.value_size, v6.max_entries), (MapKind::Hash, 16, 8, 1024));
    let counters = &object.map("counters").unwrap().def;
    assert_eq!((counters.kind, counters.key_size, counters.value_size), (MapKind::Array, 4, 16));
    assert_eq!(counters.max_entries, 8);
    assert_eq!(object.map("nothing"), Err(ObjectError::NoMap("nothing".into())));
}

#[test]
fn maps_are_defined_by_structures() {
    let object = parse(LEGACY);
    let hash = &object.map("ethertypes").unwrap().def;
    assert_eq!((hash.kind, hash.key_size, hash.value_size, hash.max_entries), (MapKind::Hash, 4, 8, 64));
    let array = &object.map("lengths").unwrap().def;
    assert_eq!((array.kind, array.key_size, array.value_size, array.max_entries), (MapKind::Array, 4, 8, 2));
}

#[test]
fn data_sections_are_maps_with_contents() {
    let object = parse(FIREWALL);
    let rodata = object.map(".rodata").unwrap();
    assert_eq!(rodata.contents.as_deref(), Some(&[1u8][..]));
    assert!(rodata.frozen && rodata.def.flags == MapFlags::RDONLY_PROG);
    let data = object.map(".data").unwrap();
    assert_eq!(data.contents.as_deref(), Some(&1u32.to_le_bytes()[..]));
    assert!(!data.frozen && data.def.flags.is_empty());
    let bss = object.map(".bss").unwrap();
    assert_eq!((bss.contents.as_deref(), bss.def.value_size), (None, 24));
}

#[test]
fn globals_are_set_before_loading() {
    let mut object = parse(FIREWALL);
    assert_eq!(object.globals().collect::<Vec<_>>(), [("drop_malformed", 1), ("enforce", 4), ("totals", 24)]);
    object.set_global("drop_malformed", &[0]).unwrap();
    object.set_global("totals", &[7; 24]).unwrap();
    assert_eq!(object.map(".rodata").unwrap().contents.as_deref(), Some(&[0u8][..]));
    assert_eq!(object.map(".bss").unwrap().contents.as_deref(), Some(&[7u8; 24][..]));
    let wrong = object.set_global("enforce", &[0]);
    assert_eq!(wrong, Err(ObjectError::NoGlobal { name: "enforce".into(), size: 1 }));
}

#[test]
fn references_to_maps_are_indices_of_the_programs_own() {
    let object = parse(FIREWALL);
    let program = object.program("firewall").unwrap();
    let names: Vec<_> =
        program.maps().unwrap().iter().map(|index| object.maps()[*index].name.as_str()).collect();
    let mut found = std::collections::BTreeSet::new();
    for (_, insn) in code(program).iter() {
        match insn {
            Insn::LoadImm64 { imm: Imm64::MapIdx(idx), .. } => found.insert((names[*idx as usize], None)),
            Insn::LoadImm64 { imm: Imm64::MapIdxValue { idx, off }, .. } => {
                found.insert((names[*idx as usize], Some(*off)))
            }
            _ => false,
        };
    }
    let maps = ["blocked_ports", "blocked_v4", "blocked_v6", "counters"].map(|name| (name, None));
    assert!(maps.iter().all(|map| found.contains(map)), "{found:?}");
    assert!(found.contains(&(".rodata", Some(0))) && found.contains(&(".data", Some(0))), "{found:?}");
    assert!(found.iter().any(|(name, off)| *name == ".bss" && off.is_some()), "{found:?}");
}

/// Every call of a function lands on the start of one.
#[test]
fn subprograms_are_appended_once() {
    for data in [FIREWALL, FLOWS, REWRITE] {
        let object = parse(data);
        for program in object.programs() {
            let functions = program.functions().unwrap();
            let mut called = std::collections::BTreeSet::from([Pc::START]);
            for (at, insn) in code(program).iter() {
                if let Insn::Call(Callee::Subprog(off)) = insn {
                    called.insert(at.jump(*off).unwrap());
                }
            }
            assert_eq!(called, functions.keys().copied().collect(), "{}", program.name());
            assert_eq!(&*functions[&Pc::START], program.name());
        }
    }
    let object = parse(FIREWALL);
    assert_eq!(object.program("firewall").unwrap().functions().unwrap().len(), 3);
    assert_eq!(object.program("pass_all").unwrap().functions().unwrap().len(), 1);
}

#[test]
fn source_lines_follow_the_functions() {
    let object = parse(FIREWALL);
    let program = object.program("firewall").unwrap();
    let lines = program.lines().unwrap();
    let start = &lines[&Pc::START];
    assert!(start.file.ends_with("firewall.c"), "{}", start.file);
    assert!(start.line > 1 && start.column > 0);
    for (at, name) in program.functions().unwrap() {
        let line = lines.get(at).unwrap_or_else(|| panic!("no line for {name}"));
        assert!(line.text.contains(&**name) || !line.text.is_empty(), "{name}: {}", line.text);
    }
    assert!(parse(LEGACY).program("ethertype_count").unwrap().lines().unwrap().is_empty());
}

#[test]
fn an_object_at_an_odd_address_is_read() {
    let mut shifted = vec![0];
    shifted.extend_from_slice(FIREWALL);
    assert_eq!(parse(&shifted[1..]).programs().len(), 3);
}

#[test]
fn what_is_no_object_is_refused() {
    assert!(matches!(Object::parse(b""), Err(ObjectError::Elf(_))));
    assert!(matches!(Object::parse(&[0; 4096]), Err(ObjectError::Elf(_))));
    let own = std::fs::read("/proc/self/exe").unwrap();
    assert!(matches!(Object::parse(&own), Err(ObjectError::NotBpf(_))));
}

/// Reads it, and if that is fine looks at everything there is.
fn exercise(data: &[u8]) -> bool {
    let Ok(object) = Object::parse(data) else { return false };
    for program in object.programs() {
        if let Ok(insns) = program.insns() {
            _ = Code::decode(&insns);
        }
    }
    true
}

#[test]
fn truncated_objects_never_panic() {
    for data in [FIREWALL, FLOWS, LEGACY] {
        let step = data.len() / 499 + 1;
        let fine = (0..data.len()).step_by(step).filter(|len| exercise(&data[..*len])).count();
        assert!(fine * 10 < data.len() / step, "{fine} truncated objects were read as whole");
    }
}

#[test]
fn corrupted_objects_never_panic() {
    let mut refused = 0;
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for data in [FIREWALL, FLOWS, FILTER, LEGACY, REWRITE] {
        for _ in 0..500 {
            let mut bytes = data.to_vec();
            for _ in 0..3 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                let at = (random >> 8) as usize % bytes.len();
                bytes[at] = random as u8;
            }
            refused += usize::from(!exercise(&bytes));
        }
    }
    assert!(refused > 30, "only {refused} of 2500 corrupted objects were refused");
}

/// Every byte of what describes the rest: headers, symbols, relocations, types.
#[test]
fn corrupted_headers_never_panic() {
    let data = LEGACY;
    for at in 0..data.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = data.to_vec();
            bytes[at] = value;
            exercise(&bytes);
        }
    }
}

/// See `objects/parts.c`.
const PARTS: &[u8] = include_bytes!("objects/parts.o");

#[test]
fn slots_are_filled_by_definition() {
    let object = parse(PARTS);
    let steps = object.map("steps").unwrap();
    assert_eq!((steps.def.kind, steps.def.value_size), (MapKind::ProgArray, 4));
    let program = |name: &str| ObjectSlot::Program(name.into());
    assert_eq!(steps.slots, [(1, program("first")), (3, program("second"))].into());
    let outer = object.map("outer").unwrap();
    assert_eq!(outer.slots, [(1, ObjectSlot::Map("inner_a".into()))].into());
    let inner = outer.def.inner.as_ref().unwrap();
    assert_eq!((inner.kind, inner.value_size, inner.max_entries), (MapKind::Array, 8, 8));
}

#[test]
fn managed_fields_are_found_by_their_types() {
    let object = parse(PARTS);
    let def = &object.map("managed_elements").unwrap().def;
    assert_eq!((def.special.timer, def.special.spin_lock), (Some(8), Some(24)));
    assert_eq!((def.key_size, def.value_size, def.flags), (8, 32, MapFlags::NO_PREALLOC));
    assert_eq!(def.name, "managed_element", "cut to what the kernel allows");
}

#[test]
fn every_data_section_is_a_map() {
    let object = parse(PARTS);
    let own = object.map(".data.own").unwrap();
    assert_eq!(own.contents.as_deref(), Some(&7u32.to_le_bytes()[..]));
    assert_eq!(object.globals().collect::<Vec<_>>(), [("limit", 4), ("own", 4), ("zeros", 16)]);
}

#[test]
fn the_address_of_a_function_is_a_callback() {
    let object = parse(PARTS);
    let program = object.program("sums").unwrap();
    let (at, off) = code(program)
        .iter()
        .find_map(|(at, insn)| match insn {
            Insn::LoadImm64 { imm: Imm64::Func(off), .. } => Some((at, *off)),
            _ => None,
        })
        .expect("a callback");
    assert_eq!(&*program.functions().unwrap()[&at.jump(off).unwrap()], "add");
}

/// What only the kernel could resolve is an error of the program that asks for
/// it; a function that it calls has its name for the verifier, which knows some.
#[test]
fn unresolved_references_are_errors_of_their_program() {
    let object = parse(PARTS);
    let error = |name: &str| object.program(name).unwrap().insns().unwrap_err().to_string();
    let called = object.program("calls_the_kernel").unwrap().kfuncs().unwrap();
    assert_eq!(called.values().map(|name| &**name).collect::<Vec<_>>(), ["kernel_function"]);
    assert!(error("asks_the_kernel").contains("`CONFIG_HZ` is not defined in this object"));
    assert!(object.program("first").unwrap().insns().is_ok());
}
