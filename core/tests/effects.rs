//! What instructions read, write and go to, against a table written by hand.

use brolga_core::insn::{Flow, RegSet};
use brolga_core::{Insn, Pc, Reg};

/// A set of registers by their numbers: `"0 10"`.
fn set(numbers: &str) -> RegSet {
    numbers.split_whitespace().map(|n| Reg::new(n.parse().unwrap()).unwrap()).collect()
}

const NEXT: Flow = Flow::Next;

/// An instruction, what it reads, what it writes, where it goes.
const TABLE: &[(&str, &str, &str, Flow)] = &[
    ("r1 += r2", "1 2", "1", NEXT),
    ("r1 += 2", "1", "1", NEXT),
    ("r1 = r2", "2", "1", NEXT),
    ("w1 = 2", "", "1", NEXT),
    ("r1 = -r1", "1", "1", NEXT),
    ("r1 = (s8)r2", "2", "1", NEXT),
    ("r1 = be16 r1", "1", "1", NEXT),
    ("r1 = addr_space_cast(r2, 0, 1)", "2", "1", NEXT),
    ("r1 = 5 ll", "", "1", NEXT),
    ("r1 = *(s32 *)(r2 + 4)", "2", "1", NEXT),
    ("*(u64 *)(r10 - 8) = r1", "1 10", "", NEXT),
    ("*(u64 *)(r10 - 8) = 1", "10", "", NEXT),
    ("lock *(u64 *)(r1 + 0) += r2", "1 2", "", NEXT),
    ("r2 = atomic64_fetch_add((u64 *)(r1 + 0), r2)", "1 2", "2", NEXT),
    ("r2 = atomic_xchg((u32 *)(r1 + 0), r2)", "1 2", "2", NEXT),
    ("r0 = atomic_cmpxchg((u32 *)(r1 + 0), r0, r2)", "0 1 2", "0", NEXT),
    ("r1 = load_acquire((u8 *)(r2 + 0))", "2", "1", NEXT),
    ("store_release((u8 *)(r1 + 0), r2)", "1 2", "", NEXT),
    ("r0 = *(u8 *)skb[14]", "6", "0 1 2 3 4 5", NEXT),
    ("r0 = *(u8 *)skb[r7 + 1]", "6 7", "0 1 2 3 4 5", NEXT),
    ("goto +3", "", "", Flow::Jump(3)),
    ("gotol -70000", "", "", Flow::Jump(-70000)),
    ("if r1 > r2 goto -3", "1 2", "", Flow::Branch(-3)),
    ("if w1 > 2 goto +3", "1", "", Flow::Branch(3)),
    ("may_goto +3", "", "", Flow::Branch(3)),
    ("call 1", "1 2 3 4 5", "0 1 2 3 4 5", NEXT),
    ("call kernel-function#1", "1 2 3 4 5", "0 1 2 3 4 5", NEXT),
    ("call pc+3", "1 2 3 4 5", "0 1 2 3 4 5", Flow::Call(3)),
    ("exit", "0", "", Flow::Exit),
];

#[test]
fn effects() {
    for (text, uses, defs, flow) in TABLE {
        let insn: Insn = text.parse().unwrap();
        assert_eq!((insn.uses(), insn.defs(), insn.flow()), (set(uses), set(defs), *flow), "{text}");
    }
}

#[test]
fn targets() {
    assert_eq!(Flow::Jump(-6).target(Pc(5)), Some(Pc(0)));
    assert_eq!(Flow::Jump(-7).target(Pc(5)), None);
    assert_eq!(Flow::Branch(i32::MAX).target(Pc(0)), Some(Pc(1 << 31)));
    assert_eq!(
        (Flow::Call(1).target(Pc(0)), NEXT.target(Pc(0)), Flow::Exit.target(Pc(0))),
        (None, None, None)
    );
    let on = [NEXT, Flow::Jump(0), Flow::Branch(0), Flow::Call(0), Flow::Exit].map(Flow::falls_through);
    assert_eq!(on, [true, false, true, true, false]);
}

#[test]
fn sets_of_registers() {
    let some = set("1 3 10");
    assert_eq!(some.iter().collect::<Vec<_>>(), [Reg::R1, Reg::R3, Reg::R10]);
    assert_eq!((some.len(), RegSet::EMPTY.len(), RegSet::ALL.len()), (3, 0, Reg::COUNT));
    assert_eq!((some | set("0")).without(set("3")), set("0 1 10"));
    assert_eq!((RegSet::args(0), RegSet::args(2), RegSet::args(5)), (set(""), set("1 2"), RegSet::ARGS));
    assert!(RegSet::EMPTY.is_empty() && !some.is_empty() && some.contains(Reg::FP));
    assert_eq!(RegSet::ALL, Reg::ALL.into_iter().collect());
    assert_eq!(RegSet::CALLER_SAVED, RegSet::ARGS | RegSet::of(Reg::R0));
}
