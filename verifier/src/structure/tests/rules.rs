use super::*;
use std::fmt::Write;

#[test]
fn subprograms_end_in_exit_or_jump() {
    let words = "last insn is not an exit or jmp";
    rejects("r0 = 0", 0, words);
    rejects("r0 = 0\n if r0 == 5 goto pc-2", 1, words);
    rejects("r0 = 0\n may_goto pc-2", 1, words);
    rejects("call 7", 0, words);
    rejects("r0 = 0\n r1 = 5 ll", 2, words);
    // The first subprogram would run into the second.
    rejects("call s\n r0 = 0\n s: r0 = 1\n exit", 1, words);
    structure("a: r0 = 0\n goto a");
    structure("a: r0 = 0\n gotol a");
}

#[test]
fn jumps_stay_in_their_subprogram() {
    rejects("goto pc-5\n exit", 0, "jump out of range from insn 0 to -4");
    rejects("r0 = 0\n if r0 == 0 goto pc+1\n exit", 1, "jump out of range from insn 1 to 3");
    rejects("gotol pc+1073741824\n exit", 0, "jump out of range from insn 0 to 1073741825");
    rejects("gotol pc+2147483647\n exit", 0, "jump out of range from insn 0 to -2147483648");
    rejects("r0 = 0\n may_goto pc+5\n exit", 1, "jump out of range from insn 1 to 7");
    let into_next = "call s\n if r0 == 0 goto s\n exit\n s: r0 = 1\n exit";
    rejects(into_next, 1, "jump out of range from insn 1 to 3");
    let back = "m: r0 = 0\n call s\n exit\n s: if r1 == 0 goto m\n r0 = 1\n exit";
    rejects(back, 3, "jump out of range from insn 3 to 0");
}

#[test]
fn calls_stay_in_the_program() {
    let words = "call to invalid destination";
    rejects("call pc+5\n exit", 0, words);
    rejects("r0 = 0\n call pc-5\n exit", 1, words);
    rejects("call pc+1\n exit", 0, words);
    rejects("r1 = subprog[+9]\n r0 = 0\n exit", 0, words);
}

#[test]
fn subprograms_are_at_most_256() {
    let with = |count: usize| {
        let mut text = String::new();
        (1..count).for_each(|i| writeln!(text, "call s{i}").unwrap());
        text.push_str("r0 = 0\n exit\n");
        (1..count).for_each(|i| writeln!(text, "s{i}: r0 = 0\n exit").unwrap());
        text
    };
    assert_eq!(structure(&with(256)).subprogs().len(), 256);
    rejects(&with(257), 255, "too many subprograms");
}

#[test]
fn every_instruction_is_reached() {
    rejects("r0 = 0\n exit\n r0 = 0\n exit", 2, "unreachable insn 2");
    rejects("r0 = 0\n goto pc+1\n r0 = 1\n exit", 2, "unreachable insn 2");
    rejects("goto pc-1\n exit", 1, "unreachable insn 1");
    // A callback is reached by its address.
    structure("r2 = subprog[s]\n r0 = 0\n exit\n s: r0 = 0\n exit");
    // A branch counts, whatever its condition.
    structure("r0 = 0\n if r0 == 0 goto pc+1\n r0 = 1\n exit");
}

#[test]
fn no_jump_goes_into_a_64_bit_load() {
    let words = "jump into the middle of ldimm64 insn 2";
    rejects("r0 = 0\n if r0 == 0 goto pc+1\n r1 = 7 ll\n exit", 1 + 1, words);
    // What only the middle leads to is unreachable for nobody.
    let behind = "r0 = 0\n if r0 == 0 goto pc+2\n goto pc+2\n r1 = 7 ll\n exit";
    rejects(behind, 3, "unreachable insn 3");
    // A call into it splits it.
    let split = "r0 = 0\n call pc+1\n r1 = 7 ll\n exit";
    rejects(split, 2, "last insn is not an exit or jmp");
}

#[test]
fn abnormal_returns_need_a_type() {
    let load = "r6 = r1\n call s\n exit\n s: r6 = r1\n r0 = *(u8 *)skb[0]\n exit";
    rejects(load, None, "LD_ABS is not allowed in subprogs without BTF");
    let tail = "call s\n exit\n s: call bpf_tail_call\n r0 = 0\n exit";
    rejects(tail, None, "tail_call is not allowed in subprogs without BTF");
    // In the main program they are fine.
    structure("r6 = r1\n r0 = *(u8 *)skb[0]\n call s\n exit\n s: r0 = 0\n exit");
    structure("call bpf_tail_call\n call s\n exit\n s: r0 = 0\n exit");
    // A named subprogram came with its type.
    let mut named = program(tail);
    named.aux.subprog_names.insert(Pc(2), "s".into());
    assert!(check(&named).unwrap().subprogs()[1].has_tail_call);
}

/// The kernel looks for all subprograms first, then at every jump, then at what
/// is reached.
#[test]
fn rules_come_in_the_kernels_order() {
    rejects("goto pc+9\n call pc+9\n exit", 1, "call to invalid destination");
    rejects("exit\n goto pc+9", 1, "jump out of range from insn 1 to 11");
    let text = "call s\n exit\n s: call bpf_tail_call\n r0 = 0\n goto pc+9";
    rejects(text, 4, "jump out of range from insn 4 to 14");
    let text = "call s\n exit\n r0 = 0\n s: call bpf_tail_call\n r0 = 0\n exit";
    rejects(text, 2, "last insn is not an exit or jmp");
    let text = "call s\n exit\n exit\n s: call bpf_tail_call\n r0 = 0\n exit";
    rejects(text, None, "tail_call is not allowed in subprogs without BTF");
}

/// Recursion is for the walk to find.
#[test]
fn calls_may_go_in_a_circle() {
    let s = structure("r0 = 0\n call a\n exit\n a: call b\n exit\n b: call a\n exit");
    let callees: Vec<_> = s.subprogs().iter().map(|s| s.callees[0].to.index()).collect();
    assert_eq!(callees, [1, 2, 1]);
    structure("r0 = 0\n call pc-2\n exit");
}
