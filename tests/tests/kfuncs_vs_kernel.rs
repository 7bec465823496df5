//! Calls of kernel functions: what the verifier says of them, and what the live
//! kernel does, where it can be asked.

use brolga_core::insn::{Callee, Insn};
use brolga_core::kfunc::Kfunc;
use brolga_core::map::Special;
use brolga_core::prog_type::table;
use brolga_core::{Aux, Code, MapDef, MapIdx, MapInfo, Program, asm};
use brolga_tests::kernel::{Kernel, Request};
use brolga_verifier::{Options, verify};
use std::collections::BTreeMap;

const XDP: u32 = 6;

/// What stands for a call in the texts below; `it` is the address of the
/// iterator.
const SHORT: [(&str, &str); 8] = [
    ("NEW", "it\n r2 = 0\n r3 = 10\n call kernel-function#1"),
    ("NEXT", "it\n call kernel-function#2"),
    ("DESTROY", "it\n call kernel-function#3"),
    ("RCU", "call kernel-function#4"),
    ("END_RCU", "call kernel-function#5"),
    ("ENABLE", "call kernel-function#7"),
    ("DISABLE", "call kernel-function#6"),
    ("it", "r1 = r10\n r1 += -8"),
];

const ACCEPTED: &str = "";

/// Programs, and the kernel's words where it rejects them.
const CASES: [(&str, &str); 45] = [
    ("NEW\n DESTROY", ACCEPTED),
    ("NEW\n again: NEXT\n if r0 != 0 goto again\n DESTROY", ACCEPTED),
    ("NEW\n r6 = 0\n again: NEXT\n if r0 == 0 goto out\n r6 += 1\n goto again\n out: DESTROY", ACCEPTED),
    (
        "NEW\n r6 = 0\n again: NEXT\n if r0 == 0 goto out\n r1 = *(u32 *)(r0 +0)\n r6 += r1\n goto again\n out: DESTROY",
        ACCEPTED,
    ),
    // Bounded by what is asked of the counter.
    (
        "*(u64 *)(r10 -16) = 0\n NEW\n r6 = 0\n again: NEXT\n if r0 == 0 goto out\n if r6 > 7 goto out\n r1 = r10\n r1 += -16\n r1 += r6\n *(u8 *)(r1 +0) = 1\n r6 += 1\n goto again\n out: DESTROY",
        ACCEPTED,
    ),
    (
        "*(u64 *)(r10 -16) = 0\n NEW\n again: NEXT\n if r0 == 0 goto out\n r6 = *(u32 *)(r0 +0)\n if r6 > 7 goto again\n r1 = r10\n r1 += -16\n r1 += r6\n *(u8 *)(r1 +0) = 1\n goto again\n out: DESTROY",
        ACCEPTED,
    ),
    (
        "*(u64 *)(r10 -16) = 0\n NEW\n again: NEXT\n if r0 == 0 goto out\n r6 = *(u32 *)(r0 +0)\n r1 = r10\n r1 += -16\n r1 += r6\n *(u8 *)(r1 +0) = 1\n goto again\n out: DESTROY",
        "invalid unbounded variable-offset write to stack R1",
    ),
    // A counter that nothing bounds overwrites the iterator.
    (
        "*(u64 *)(r10 -16) = 0\n NEW\n r6 = 0\n again: NEXT\n if r0 == 0 goto out\n r1 = r10\n r1 += -16\n r1 += r6\n *(u8 *)(r1 +0) = 1\n r6 += 1\n goto again\n out: DESTROY",
        "expected an initialized iter_num as arg #0",
    ),
    // One in another.
    (
        "NEW\n r7 = 0\n outer: NEXT\n if r0 == 0 goto out\n r1 = r10\n r1 += -16\n r2 = 0\n r3 = 5\n call kernel-function#1\n inner: r1 = r10\n r1 += -16\n call kernel-function#2\n if r0 == 0 goto end\n r7 += 1\n goto inner\n end: r1 = r10\n r1 += -16\n call kernel-function#3\n goto outer\n out: DESTROY",
        ACCEPTED,
    ),
    // Paths that part in each round meet in the next.
    (
        "r8 = *(u32 *)(r1 +0)\n NEW\n r6 = 0\n r7 = 0\n again: NEXT\n if r0 == 0 goto out\n r1 = *(u32 *)(r0 +0)\n if r1 & 1 goto odd\n r6 += 1\n goto again\n odd: r7 += 3\n goto again\n out: DESTROY",
        ACCEPTED,
    ),
    ("NEW\n NEXT\n if r0 == 0 goto out\n out: DESTROY", ACCEPTED),
    // Never asked again, but a loop without end.
    ("NEW\n NEXT\n again: r6 = 1\n if r6 == 1 goto again\n DESTROY", "infinite loop detected at insn"),
    // None is left after the last.
    ("NEW\n again: NEXT\n if r0 != 0 goto again\n NEXT\n DESTROY", ACCEPTED),
    (
        "NEW\n again: NEXT\n if r0 != 0 goto again\n NEXT\n if r0 == 0 goto out\n r0 = *(u64 *)(r0 +0)\n out: DESTROY",
        ACCEPTED,
    ),
    ("NEW\n NEXT\n if r0 == 0 goto out\n r6 = r0\n NEXT\n r1 = *(u32 *)(r6 +0)\n out: DESTROY", ACCEPTED),
    // Pairs.
    ("NEW", "BPF_EXIT instruction in main prog would lead to reference leak"),
    ("NEXT", "expected an initialized iter_num as arg #0"),
    ("DESTROY", "expected an initialized iter_num as arg #0"),
    ("NEW\n DESTROY\n DESTROY", "expected an initialized iter_num as arg #0"),
    ("NEW\n DESTROY\n NEXT", "expected an initialized iter_num as arg #0"),
    ("NEW\n NEW\n DESTROY", "expected uninitialized iter_num as arg #0"),
    ("NEW\n DESTROY\n NEW\n DESTROY", ACCEPTED),
    ("NEW\n NEXT\n if r0 == 0 goto out\n goto end\n out: DESTROY\n end: r6 = 0", "reference leak"),
    // Its bytes, and its element.
    ("NEW\n r1 = *(u64 *)(r10 -8)\n DESTROY", "invalid read from stack off -8+0 size 8"),
    ("NEW\n *(u64 *)(r10 -8) = 0\n DESTROY", "expected an initialized iter_num as arg #0"),
    ("NEW\n *(u8 *)(r10 -1) = 0\n DESTROY", "expected an initialized iter_num as arg #0"),
    ("NEW\n *(u64 *)(r10 -8) = 0", "reference leak"),
    ("NEW\n NEXT\n r1 = *(u32 *)(r0 +0)\n DESTROY", "R0 invalid mem access 'scalar'"),
    (
        "NEW\n NEXT\n if r0 == 0 goto out\n r1 = *(u64 *)(r0 +0)\n out: DESTROY",
        "R0 min value is outside of the allowed memory range",
    ),
    (
        "NEW\n NEXT\n if r0 == 0 goto out\n *(u32 *)(r0 +0) = 1\n out: DESTROY",
        "R0 cannot write into rdonly_mem",
    ),
    (
        "NEW\n NEXT\n r6 = r0\n DESTROY\n if r6 == 0 goto out\n r1 = *(u32 *)(r6 +0)\n out: r0 = 0",
        "R6 invalid mem access 'scalar'",
    ),
    // Where it is.
    ("r2 = 0\n r3 = 5\n call kernel-function#1", "arg#0 expected pointer to an iterator on stack"),
    (
        "r1 = r10\n r1 += -12\n r2 = 0\n r3 = 5\n call kernel-function#1",
        "expected uninitialized iter_num as arg #0",
    ),
    ("r2 = r1\n r3 = 5\n it\n call kernel-function#1", "R2 is not a scalar"),
    (
        "it\n call iterate\n DESTROY\n r0 = 0\n exit\n iterate: r2 = 0\n r3 = 5\n call kernel-function#1\n r6 = 0",
        ACCEPTED,
    ),
    // Sections.
    ("RCU\n r6 = 0\n END_RCU", ACCEPTED),
    ("RCU", "BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region"),
    ("END_RCU", "unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)"),
    ("RCU\n RCU\n END_RCU", "nested rcu read lock (kernel function bpf_rcu_read_lock)"),
    ("DISABLE\n DISABLE\n ENABLE\n ENABLE", ACCEPTED),
    (
        "DISABLE\n DISABLE\n ENABLE",
        "BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region",
    ),
    ("ENABLE", "unmatched attempt to enable preemption (kernel function bpf_preempt_enable)"),
    ("call section\n END_RCU\n r0 = 0\n exit\n section: RCU", ACCEPTED),
    // Not with a lock, but for what counts.
    ("LOCK\n NEW\n DESTROY\n UNLOCK", ACCEPTED),
    ("LOCK\n RCU\n END_RCU\n UNLOCK", "function calls are not allowed while holding a lock"),
];

fn code(text: &str) -> Code {
    let lock = "*(u32 *)(r10 -20) = 0\n r1 = map[idx:0]\n r2 = r10\n r2 += -20\n call bpf_map_lookup_elem\n if r0 == 0 goto none\n r9 = r0\n r1 = r9\n call bpf_spin_lock";
    let mut text = format!("{text}\n none: r0 = 0\n exit");
    text = text.replace("UNLOCK", "r1 = r9\n call bpf_spin_unlock").replace("LOCK", lock);
    // Longer names first: one is the end of another.
    for (short, long) in [SHORT[4]].into_iter().chain(SHORT) {
        let line = |part: &str| {
            let (label, insn) = part.rsplit_once(": ").map_or(("", part), |(label, insn)| (label, insn));
            let colon = if label.is_empty() { "" } else { ": " };
            if insn.trim() == short { format!("{label}{colon}{long}") } else { part.to_owned() }
        };
        text = text.lines().map(line).collect::<Vec<_>>().join("\n");
    }
    asm::assemble(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn maps() -> Vec<MapDef> {
    let special = Special { spin_lock: Some(0), ..Special::default() };
    vec![MapDef { special, ..MapDef::array(8, 1).name("locked") }]
}

/// Our words; empty where it is accepted.
fn ours(code: &Code, license: bool) -> String {
    let ids = (1..).zip(Kfunc::all().map(|kfunc| kfunc.name().into()));
    let maps = maps().into_iter().map(MapInfo::new).collect();
    let aux = Aux {
        gpl_compatible: license,
        kfuncs: ids.collect(),
        maps,
        fd_array: vec![MapIdx(0)],
        ..Aux::new(table::by_name("xdp").expect("xdp"))
    };
    let program = Program { code: code.clone(), aux };
    verify(program, &Options { budget: 50_000, ..Options::default() })
        .map_or_else(|failure| failure.to_string(), |_| String::new())
}

fn says(words: &str, expected: &str) -> bool {
    if expected.is_empty() { words.is_empty() } else { words.contains(expected) }
}

#[test]
fn the_verifier_says_what_is_expected() {
    let mut wrong = Vec::new();
    for (text, expected) in CASES {
        let words = ours(&code(text), true);
        if !says(&words, expected) {
            wrong.push(format!("{words:?}, not {expected:?}, of\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let words = ours(&code("NEW\n DESTROY"), false);
    assert_eq!(words, "cannot call kernel function from non-GPL compatible program");
}

/// The code with the ids that the kernel has for the functions.
fn for_kernel(code: &Code, ids: &BTreeMap<i32, i32>) -> Code {
    let mut out = code.clone();
    for (pc, insn) in code.iter() {
        if let Insn::Call(Callee::Kfunc { id, btf }) = *insn {
            out.replace(pc, Insn::Call(Callee::Kfunc { id: ids[&id], btf }));
        }
    }
    out
}

#[test]
fn so_does_the_kernel() {
    let Some(kernel) = Kernel::open() else {
        println!("skipped: no bpf(2)");
        return;
    };
    let functions = kernel.functions();
    let ids = (1..).zip(Kfunc::all().map(|kfunc| functions.get(kfunc.name()).copied()));
    let Some(ids) = ids.map(|(ours, id)| Some((ours, id?))).collect::<Option<BTreeMap<_, _>>>() else {
        println!("skipped: the kernel shows no types, or has other functions");
        return;
    };
    let mut wrong = Vec::new();
    for (text, expected) in CASES {
        let code = for_kernel(&code(text), &ids);
        let maps = maps();
        let (attach, flags) = (0, 0);
        let request =
            Request { prog_type: XDP, code: &code, license: "GPL", attach, flags, maps: &maps, log: 1 };
        let verdict = kernel.load(&request).expect("maps can be made");
        let words = if verdict.loaded.is_some() { "" } else { verdict.reason() };
        if !says(words, expected) {
            wrong.push(format!("{words:?}, not {expected:?}, of\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
