use super::generate::Rng;
use super::run::Run;
use super::*;
use brolga_core::{Callee, Insn, Reg};

#[track_caller]
fn live_at(text: &str, expected: &[&[u8]]) {
    let structure = structure(text);
    let live =
        |pc| structure.live_in(pc).iter().filter(|r| *r != Reg::FP).map(|r| r as u8).collect::<Vec<_>>();
    let program = program(text);
    let found: Vec<_> = program.code.iter().map(|(pc, _)| live(pc)).collect();
    assert_eq!(found, expected);
}

#[test]
fn straight_lines() {
    live_at("r0 = r1\n r0 += r2\n exit", &[&[1, 2], &[0, 2], &[0]]);
    live_at("r0 = 5 ll\n r0 = 7\n exit", &[&[], &[], &[0]]);
    live_at("r3 = 1\n r0 = 0\n exit", &[&[], &[], &[0]]);
    live_at("r0 = *(u64 *)(r1 + 0)\n *(u64 *)(r10 - 8) = r2\n exit", &[&[1, 2], &[0, 2], &[0]]);
    live_at("lock *(u64 *)(r1 + 0) += r2\n r0 = 0\n exit", &[&[1, 2], &[], &[0]]);
    live_at("r2 = atomic64_fetch_add((u64 *)(r1 + 0), r2)\n r0 = r2\n exit", &[&[1, 2], &[2], &[0]]);
    live_at("r0 = atomic64_cmpxchg((u64 *)(r1 + 0), r0, r2)\n exit", &[&[0, 1, 2], &[0]]);
    live_at("r0 = *(u8 *)skb[r7 + 4]\n exit", &[&[6, 7], &[0]]);
    live_at("w3 = -w3\n r0 = (s8)r3\n exit", &[&[3], &[3], &[0]]);
}

#[test]
fn branches_and_loops() {
    let either = "if r1 == r2 goto a\n r0 = r3\n exit\n a: r0 = r4\n exit";
    live_at(either, &[&[1, 2, 3, 4], &[3], &[0], &[4], &[0]]);
    let count = "r0 = 0\n l: r0 += r2\n r1 += -1\n if r1 != 0 goto l\n exit";
    live_at(count, &[&[1, 2], &[0, 1, 2], &[0, 1, 2], &[0, 1, 2], &[0]]);
    live_at("r0 = 0\n l: may_goto e\n r0 = r5\n goto l\n e: exit", &[&[5], &[0, 5], &[5], &[0, 5], &[0]]);
}

#[test]
fn calls_read_their_arguments() {
    // bpf_map_lookup_elem has two, bpf_get_prandom_u32 none.
    live_at("call bpf_map_lookup_elem\n r0 = r6\n exit", &[&[1, 2, 6], &[6], &[0]]);
    live_at("call bpf_get_prandom_u32\n exit", &[&[], &[0]]);
    live_at("call 100000\n exit", &[&[1, 2, 3, 4, 5], &[0]]);
    live_at("call kernel-function#7\n exit", &[&[1, 2, 3, 4, 5], &[0]]);
    // What a subprogram reads of them shows in its text, and nothing else that
    // is live at its start is the caller's.
    let sub = "call s\n r0 += r9\n exit\n s: r0 = r2\n r0 += r7\n exit";
    live_at(sub, &[&[2, 9], &[0, 9], &[0], &[2, 7], &[0, 7], &[0]]);
    let nested = "call a\n exit\n a: r1 = 0\n call b\n exit\n b: r0 = r1\n r0 += r3\n exit";
    live_at(nested, &[&[3], &[0], &[3], &[1, 3], &[0], &[1, 3], &[0, 3], &[0]]);
    let circle = "call a\n exit\n a: r0 = r1\n call a\n exit";
    live_at(circle, &[&[1, 2, 3, 4, 5], &[0], &[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5], &[0]]);
}

/// By the definition: some path from a place reads the register before it
/// writes it.
fn is_live(program: &Program, from: Pc, reg: Reg) -> bool {
    let mut seen = vec![false; program.code.len()];
    let mut work = vec![from];
    while let Some(pc) = work.pop() {
        let insn = program.code.at(pc).expect("an instruction");
        if reads(program, pc, insn, reg) {
            return true;
        }
        if insn.defs().contains(reg) || std::mem::replace(&mut seen[pc.index()], true) {
            continue;
        }
        work.extend(insn.flow().falls_through().then(|| program.code.next(pc)));
        work.extend(insn.flow().target(pc));
    }
    false
}

fn reads(program: &Program, pc: Pc, insn: &Insn, reg: Reg) -> bool {
    match insn {
        Insn::Call(Callee::Helper(1)) => matches!(reg, Reg::R1 | Reg::R2),
        Insn::Call(Callee::Helper(_)) => matches!(reg, Reg::R1 | Reg::R2 | Reg::R3 | Reg::R4),
        Insn::Call(Callee::Subprog(off)) => {
            Reg::ARGS.contains(&reg) && is_live(program, pc.jump(*off).expect("a callee"), reg)
        }
        _ => insn.uses().contains(reg),
    }
}

#[test]
fn live_registers_are_those_that_some_path_reads() {
    let mut rng = Rng::new(1);
    for _ in 0..300 {
        let program = generate::program(&mut rng, false);
        let structure = check(&program).expect("a structure");
        for (pc, _) in program.code.iter() {
            for reg in Reg::ALL {
                let expected = reg == Reg::FP || is_live(&program, pc, reg);
                assert_eq!(
                    structure.live_in(pc).contains(reg),
                    expected,
                    "{reg} at {pc} of\n{}",
                    program.code
                );
            }
        }
    }
}

/// Also where calls go in a circle, and slots of the stack.
#[test]
fn what_a_run_reads_was_live() {
    for seed in 0..600 {
        let mut rng = Rng::new(seed);
        let program = generate::program(&mut rng, seed % 2 == 0);
        let structure = check(&program).expect("a structure");
        (0..20).for_each(|_| Run::new(&program, &structure, &mut rng).go(150));
    }
}

/// What is read at the end must be carried up through as many loops as there
/// are.
#[test]
fn large_programs_take_little_time() {
    let nest = |depth: usize| {
        let open: String = (0..depth).map(|i| format!("l{i}: r2 += -8\n")).collect();
        let close: String = (0..depth).rev().map(|i| format!("if r0 == {i} goto l{i}\n")).collect();
        format!("r0 = 0\n r2 = r10\n {open}{close} r0 = *(u64 *)(r10 - 8)\n exit")
    };
    let ladder = |rungs: usize| {
        let rung = |i: usize| {
            let up = i.saturating_sub(1 + i * 7919 % 5000);
            format!(
                "a{i}: if r1 == 0 goto b{i}\n *(u64 *)(r10 - 8) = r{}\n exit\n b{i}: if r3 == 0 goto a{up}\n",
                i % 10
            )
        };
        format!("r0 = 0\n {}exit", (0..rungs).map(rung).collect::<String>())
    };
    let last = |text: &str| Pc(program(text).code.len() as u32 - 2);
    let (nest, ladder) = (nest(5000), ladder(5000));
    assert!(structure(&nest).stack_live_in(Pc(9)).contains(0));
    assert!(structure(&ladder).live_in(last(&ladder)).contains(Reg::R3));
}
