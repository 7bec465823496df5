//! Random programs: interpreter against machine code, optimisations on against
//! off. Straight lines, branches forward, a loop around it all, memory, stack,
//! helpers and a subprogram.
#![expect(unsafe_code, reason = "a helper body")]

mod common;

use brolga_core::link::HelperBody;
use brolga_core::{AluOp, AtomicOp, Callee, Cond, Imm64, Insn, Operand, Order, Reg, Size, Width};
use common::{Build, EDGES, images, interpret, run, variants};
use proptest::prelude::*;

/// The helper that programs call.
const HELPER: i32 = 7000;

unsafe extern "C-unwind" fn mix(a: u64, b: u64, c: u64, d: u64, e: u64, _: u64) -> u64 {
    [a, b, c, d, e].into_iter().fold(7, |h: u64, x| h.rotate_left(9).wrapping_mul(31) ^ x)
}

/// The distance that stands for one to the end.
const TO_END: i16 = i16::MAX;

/// Memory that a program works on, in bytes, and as much of its stack.
const MEMORY: i16 = 64;

/// r0 to r7 hold anything; r8 counts the rounds, r9 points to the memory.
const FREE: [Reg; 8] = [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5, Reg::R6, Reg::R7];

/// What one or a few instructions are made of.
#[derive(Clone, Copy, Debug)]
struct Seed {
    kind: u8,
    op: u8,
    wide: bool,
    immediate: bool,
    dst: u8,
    src: u8,
    at: u8,
    number: u64,
}

fn seed() -> impl Strategy<Value = Seed> {
    let number = prop_oneof![any::<u64>(), proptest::sample::select(EDGES.to_vec()), 0..70_u64];
    let flags = (any::<bool>(), any::<bool>());
    (any::<u8>(), any::<u8>(), flags, any::<u8>(), any::<u8>(), any::<u8>(), number).prop_map(
        |(kind, op, (wide, immediate), dst, src, at, number)| Seed {
            kind,
            op,
            wide,
            immediate,
            dst,
            src,
            at,
            number,
        },
    )
}

impl Seed {
    fn width(self) -> Width {
        if self.wide { Width::W64 } else { Width::W32 }
    }

    fn dst(self) -> Reg {
        FREE[self.dst as usize % FREE.len()]
    }

    fn src(self) -> Reg {
        FREE[self.src as usize % FREE.len()]
    }

    fn operand(self) -> Operand {
        if self.immediate { Operand::Imm(self.number as i32) } else { Operand::Reg(self.src()) }
    }

    fn size(self) -> Size {
        Size::ALL[self.number as usize % 4]
    }

    /// A place of `size` bytes in the memory or on the stack, aligned.
    fn place(self, size: Size) -> (Reg, i16) {
        let bytes = size.bytes() as i16;
        let off = i16::from(self.at) % (MEMORY / bytes) * bytes;
        if self.immediate { (Reg::R9, off) } else { (Reg::R10, off - MEMORY) }
    }

    fn insns(self, calls: bool) -> Vec<Insn> {
        let (width, dst, src) = (self.width(), self.dst(), self.src());
        match self.kind % 16 {
            0..=4 => {
                let op = AluOp::ALL[self.op as usize % AluOp::ALL.len()];
                vec![Insn::Alu { op, width, dst, src: self.operand() }]
            }
            5 => self.one_register(),
            6 => vec![Insn::LoadImm64 { dst, imm: Imm64::Value(self.number) }],
            7 | 8 => {
                let (size, (at, off)) = (self.size(), self.place(self.size()));
                let signed = self.wide && size != Size::B8;
                vec![Insn::Load { size, signed, dst, src: at, off }]
            }
            9 | 10 => {
                let (size, (at, off)) = (self.size(), self.place(self.size()));
                let src = if self.wide { Operand::Imm(self.number as i32) } else { Operand::Reg(src) };
                vec![Insn::Store { size, dst: at, off, src }]
            }
            11 => {
                let op = AtomicOp::ALL[self.op as usize % AtomicOp::ALL.len()];
                let (at, off) = self.place(width.size());
                vec![Insn::Atomic { op, width, dst: at, off, src }]
            }
            12 => self.rotation(),
            // A branch: how far is seen to later.
            13 | 14 => {
                let cond = Cond::ALL[self.op as usize % Cond::ALL.len()];
                vec![Insn::JumpIf { cond, width, dst, src: self.operand(), off: i16::from(self.at % 8) }]
            }
            _ if calls => self.call(),
            _ => vec![],
        }
    }

    fn one_register(self) -> Vec<Insn> {
        let (width, dst) = (self.width(), self.dst());
        vec![match self.op % 4 {
            0 => Insn::Neg { width, dst },
            1 => {
                let from = [Size::B1, Size::B2, Size::B4][self.number as usize % 3];
                let width = if from == Size::B4 { Width::W64 } else { width };
                Insn::MovSx { width, from, dst, src: self.src() }
            }
            2 => {
                let size = [Size::B2, Size::B4, Size::B8][self.number as usize % 3];
                Insn::Swap { order: Order::ALL[self.at as usize % 3], size, dst }
            }
            _ => Insn::Alu { op: AluOp::Mov, width, dst, src: self.operand() },
        }]
    }

    /// What compilers make of rotations and extensions, or nearly.
    fn rotation(self) -> Vec<Insn> {
        let (width, dst, src) = (self.width(), self.dst(), self.src());
        let alu = |op, dst, src| Insn::Alu { op, width, dst, src };
        let bits = width.bits() as i32;
        let left = self.at as i32 % bits;
        let right = if self.op.is_multiple_of(4) { self.number as i32 % 64 } else { bits - left };
        if self.immediate {
            let back = if self.wide { AluOp::Arsh } else { AluOp::Rsh };
            let shift = |op| Insn::Alu { op, width: Width::W64, dst, src: Operand::Imm(32) };
            return vec![shift(AluOp::Lsh), shift(back)];
        }
        let join = [AluOp::Or, AluOp::Add, AluOp::Xor, AluOp::Sub][self.op as usize / 4 % 4];
        vec![
            alu(AluOp::Mov, dst, Operand::Reg(src)),
            alu(AluOp::Lsh, dst, Operand::Imm(left)),
            alu(AluOp::Rsh, src, Operand::Imm(right)),
            alu(join, dst, Operand::Reg(src)),
        ]
    }

    /// A call, and new values for the registers that it loses. Which of the two
    /// it is, and how far, is seen to later.
    fn call(self) -> Vec<Insn> {
        let callee = if self.immediate { Callee::Helper(HELPER) } else { Callee::Subprog(0) };
        let mov = |dst, src| Insn::Alu { op: AluOp::Mov, width: Width::W64, dst, src };
        let pass = (!self.immediate).then(|| mov(Reg::R1, Operand::Reg(Reg::R9)));
        let again = [
            mov(Reg::R1, Operand::Reg(Reg::R6)),
            mov(Reg::R2, Operand::Reg(Reg::R0)),
            mov(Reg::R3, Operand::Imm(self.number as i32)),
            mov(Reg::R4, Operand::Reg(Reg::R7)),
            mov(Reg::R5, Operand::Imm(-3)),
        ];
        pass.into_iter().chain([Insn::Call(callee)]).chain(again).collect()
    }
}

/// A body with its branches seen to: none passes its end, none lands between a
/// call and what it needs.
fn body(seeds: &[Seed], calls: bool) -> Vec<Insn> {
    let groups: Vec<Vec<Insn>> = seeds.iter().map(|seed| seed.insns(calls)).collect();
    let slots = |groups: &[Vec<Insn>]| groups.iter().flatten().map(Insn::slots).sum::<u32>() as i16;
    let mut insns = Vec::new();
    for (i, group) in groups.iter().enumerate() {
        let after = &groups[i + 1..];
        insns.extend(group.iter().map(|insn| match *insn {
            // Some go straight to the end: that is seen to later too.
            Insn::JumpIf { cond, width, dst, src, off: 7 } => {
                Insn::JumpIf { cond, width, dst, src, off: TO_END }
            }
            Insn::JumpIf { cond, width, dst, src, off } => {
                let over = (off as usize).min(after.len());
                Insn::JumpIf { cond, width, dst, src, off: slots(&after[..over]) }
            }
            other => other,
        }));
    }
    insns
}

const fn load(dst: Reg, off: i16) -> Insn {
    Insn::Load { size: Size::B8, signed: false, dst, src: Reg::R9, off }
}

const fn mov(dst: Reg, src: Operand) -> Insn {
    Insn::Alu { op: AluOp::Mov, width: Width::W64, dst, src }
}

fn clear_stack() -> impl Iterator<Item = Insn> {
    (1..=MEMORY / 8).map(|i| Insn::Store { size: Size::B8, dst: Reg::R10, off: -8 * i, src: Operand::Imm(7) })
}

/// Everything that registers and stack hold goes into r0.
fn sum_up() -> impl Iterator<Item = Insn> {
    let alu = |op, src| Insn::Alu { op, width: Width::W64, dst: Reg::R0, src };
    let take = move |reg| [alu(AluOp::Mul, Operand::Imm(31)), alu(AluOp::Xor, Operand::Reg(reg))];
    let slot =
        |i: i16| Insn::Load { size: Size::B8, signed: false, dst: Reg::R1, src: Reg::R10, off: -8 * i };
    let slots = (1..=MEMORY / 8).flat_map(move |i| [slot(i)].into_iter().chain(take(Reg::R1)));
    FREE[1..].iter().flat_map(move |reg| take(*reg)).chain(slots).chain([Insn::Exit])
}

fn program(main: &[Seed], subprog: &[Seed], calls: bool, rounds: i32) -> Vec<Insn> {
    let mut insns = vec![mov(Reg::R9, Operand::Reg(Reg::R1)), mov(Reg::R8, Operand::Imm(rounds))];
    insns.extend(clear_stack());
    insns.extend(FREE.iter().zip(0..).map(|(reg, i)| load(*reg, 8 * i)));
    let body_insns = body(main, calls);
    let back = body_insns.iter().map(Insn::slots).sum::<u32>() as i16;
    insns.extend(body_insns);
    let width = Width::W64;
    insns.push(Insn::Alu { op: AluOp::Sub, width, dst: Reg::R8, src: Operand::Imm(1) });
    insns.push(Insn::JumpIf { cond: Cond::Ne, width, dst: Reg::R8, src: Operand::Imm(0), off: -back - 2 });
    insns.extend(sum_up());
    let start = insns.iter().map(Insn::slots).sum::<u32>();
    settle(&mut insns);
    let mut at = 0;
    for insn in &mut insns {
        if let Insn::Call(Callee::Subprog(off)) = insn {
            *off = (start - at - 1) as i32;
        }
        at += insn.slots();
    }
    insns.push(mov(Reg::R9, Operand::Reg(Reg::R1)));
    insns.extend(clear_stack());
    insns.extend(
        [(Reg::R0, Reg::R2), (Reg::R6, Reg::R3), (Reg::R7, Reg::R4), (Reg::R1, Reg::R5)]
            .map(|(dst, src)| mov(dst, Operand::Reg(src))),
    );
    insns.extend(body(subprog, false));
    insns.extend(sum_up());
    settle(&mut insns);
    insns
}

/// Gives branches to the end, which is the last instruction, their distance.
fn settle(insns: &mut [Insn]) {
    let end = insns.iter().map(Insn::slots).sum::<u32>() - 1;
    let mut at = 0;
    for insn in insns {
        if let Insn::JumpIf { off, .. } = insn
            && *off == TO_END
        {
            *off = (end - at - 1) as i16;
        }
        at += insn.slots();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn engines_agree(
        main in proptest::collection::vec(seed(), 1..40),
        subprog in proptest::collection::vec(seed(), 0..12),
        rounds in 1..4,
        memory in proptest::array::uniform8(prop_oneof![any::<u64>(), proptest::sample::select(EDGES.to_vec())]),
        variant in 0..variants().len(),
    ) {
        let insns = program(&main, &subprog, true, rounds);
        compare(insns, memory, variant)?;
    }

    /// Loops that are small enough to do several rounds at once.
    #[test]
    fn small_loops_agree(
        main in proptest::collection::vec(seed(), 1..7),
        rounds in 1..40,
        memory in proptest::array::uniform8(prop_oneof![any::<u64>(), proptest::sample::select(EDGES.to_vec())]),
        variant in 0..variants().len(),
    ) {
        compare(program(&main, &[], false, rounds), memory, variant)?;
    }
}

/// The interpreter, the default and another way to compile.
fn compare(insns: Vec<Insn>, memory: [u64; 8], variant: usize) -> Result<(), TestCaseError> {
    let linked = Build::insns(insns).helper(HELPER, 5, HelperBody { func: mix, env: None }).link();
    let mut after = memory;
    let want = interpret(&linked, after.as_mut_ptr() as u64, 64);
    for options in [variants()[0], variants()[variant]] {
        for image in images(&linked, &options) {
            let mut memory = memory;
            let got = run(&image, memory.as_mut_ptr() as u64, 64);
            prop_assert_eq!(got, want, "{:?}\n{}", options, &linked.exec().code);
            prop_assert_eq!(memory, after, "{:?}\n{}", options, &linked.exec().code);
        }
    }
    Ok(())
}
