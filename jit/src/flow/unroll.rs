//! Small loops, made to do several rounds at once.
//!
//! The compiler that made a program for a processor with eleven registers left
//! its loops as they were; what runs it now has more, and would rather jump less
//! often. Here the blocks of a loop are copied: each round goes on into the next
//! copy, the last into the first again. Every copy keeps its ways out, so that
//! this is right however many rounds there are. Where their number is known,
//! and the copies divide it, only the last looks whether to go on.
//!
//! Only innermost loops of few instructions, without calls and divisions, that
//! are entered in one place and go back in one are copied; and none whose rounds
//! wait for what the round before computed, for longer than the jump takes.

use super::live::Predecessors;
use super::{Block, BlockIdx, Ending};
use brolga_core::insn::RegSet;
use brolga_core::{AluOp, Code, Cond, Imm64, Insn, Operand, Reg, Width};

/// How often a loop may be copied, and how many instructions it may have then.
struct Size {
    copies: usize,
    insns: usize,
}

/// Where each copy looks whether to go on.
const LOOKING: Size = Size { copies: 4, insns: 36 };
/// Where only the last does; a loop too large for that still has a few copies.
const COUNTED: [Size; 2] = [Size { copies: 8, insns: 32 }, Size { copies: 3, insns: LARGEST }];

/// The most instructions of any loop after it was copied.
const LARGEST: usize = 48;

/// The most instructions that copies may add to a subprogram.
const ADDED: usize = 192;

/// The most rounds that are counted.
const ROUNDS: usize = 2048;

/// A loop: `blocks[0]` is the only one that is entered from outside, `last` the
/// only one that goes back there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Loop {
    blocks: Vec<usize>,
    last: usize,
    /// How many instructions there are.
    insns: usize,
}

impl Loop {
    fn first(&self) -> usize {
        self.blocks[0]
    }

    /// The place of a block in the loop.
    fn place(&self, block: usize) -> Option<usize> {
        self.blocks.iter().position(|b| *b == block)
    }

    /// How many copies there are to be, and whether the rounds are counted; nothing
    /// where the loop is to stay as it is.
    fn copies(&self, rounds: Option<usize>) -> Option<(usize, bool)> {
        let sizes = |size: &Size| (2..=size.copies.min(size.insns / self.insns.max(1))).rev();
        let divide = |n: usize| COUNTED.iter().flat_map(sizes).find(|copies| n.is_multiple_of(*copies));
        let counted = rounds.and_then(divide).map(|copies| (copies, true));
        counted.or_else(|| sizes(&LOOKING).next().map(|copies| (copies, false)))
    }

    /// Whether a round takes as long as it does because some register in it is
    /// computed from what it was in the round before: as a processor does three
    /// instructions or more at a time, the jump then costs nothing.
    fn waits(&self, code: &Code, blocks: &[Block]) -> bool {
        let mut order = self.blocks.clone();
        order.sort_unstable();
        let mut effects = Vec::with_capacity(self.insns);
        for (_, insn) in order.iter().flat_map(|block| blocks[*block].insns(code)) {
            effects.push((insn.uses(), insn.defs(), cycles(insn)));
        }
        let round = |from: Reg| {
            let mut after = [None; Reg::COUNT];
            after[from.index()] = Some(0);
            for &(uses, defs, cycles) in &effects {
                let last = uses.iter().filter_map(|reg| after[reg.index()]).max();
                let done = last.map(|last| last + cycles);
                defs.iter().for_each(|reg| after[reg.index()] = done);
            }
            after[from.index()].unwrap_or(0)
        };
        let changed = effects.iter().fold(RegSet::EMPTY, |set, (_, defs, _)| set | *defs);
        changed.iter().any(|reg| round(reg) >= self.insns.div_ceil(3).max(3))
    }
}

/// About how many cycles pass before the result of an instruction of a small loop
/// is there.
fn cycles(insn: &Insn) -> usize {
    if let Insn::Alu { op, src, .. } = *insn {
        match op {
            AluOp::Mul => 3,
            // Becomes an extension together with another.
            AluOp::Lsh | AluOp::Rsh if src == Operand::Imm(32) => 0,
            AluOp::Mov => 0,
            AluOp::Add | AluOp::Sub | AluOp::Or | AluOp::And | AluOp::Xor => 1,
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => 1,
            AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod => 20,
        }
    } else if let Insn::Load { .. } = insn {
        4
    } else {
        1
    }
}

/// Copies the loops of these edges back; the first blocks of those that were.
pub(super) fn unroll(
    code: &Code,
    blocks: &mut Vec<Block>,
    backs: &[(usize, usize)],
    into: &Predecessors,
) -> Vec<usize> {
    let mut copied = Vec::new();
    let shape = Shape::new(blocks, backs, into);
    let mut added = 0;
    for &(last, first) in backs {
        let Some(l) = shape.find(code, blocks, first, last) else { continue };
        if l.waits(code, blocks) {
            continue;
        }
        let rounds = Counter::find(code, blocks, into, &l).and_then(|counter| counter.rounds());
        let Some((copies, counted)) = l.copies(rounds) else { continue };
        added += l.insns * (copies - 1);
        if added > ADDED {
            return copied;
        }
        copy(blocks, &l, copies, counted);
        copied.push(first);
    }
    copied
}

/// The blocks as they were before any was copied.
struct Shape<'a> {
    /// How many jumps back leave each block.
    leave: Vec<u8>,
    into: &'a Predecessors,
}

impl<'a> Shape<'a> {
    fn new(blocks: &[Block], backs: &[(usize, usize)], into: &'a Predecessors) -> Self {
        let mut leave = vec![0; blocks.len()];
        backs.iter().for_each(|(from, _)| leave[*from] += 1);
        Self { leave, into }
    }

    /// The loop of a jump back, where it is one to be copied: the blocks from
    /// which that jump is reached without passing where it leads.
    fn find(&self, code: &Code, blocks: &[Block], first: usize, last: usize) -> Option<Loop> {
        let mut l = Loop { blocks: vec![first], last, insns: 0 };
        let mut work = vec![last];
        while let Some(block) = work.pop() {
            if l.place(block).is_none() {
                l.blocks.push(block);
                work.extend(self.into.of(block).iter().map(|from| *from as usize));
            }
            // The subprogram's entry is reached from outside.
            if l.blocks.len() > LARGEST || (block == 0 && first != 0) {
                return None;
            }
        }
        for &block in &l.blocks {
            if self.leave[block] > u8::from(block == last) {
                return None;
            }
            for (_, insn) in blocks[block].insns(code) {
                l.insns += 1;
                if l.insns * 2 > LARGEST || !is_cheap(insn) {
                    return None;
                }
            }
        }
        Some(l)
    }
}

/// Whether an instruction takes so little time that a jump matters beside it.
const fn is_cheap(insn: &Insn) -> bool {
    match insn {
        // By a constant it is a multiplication.
        Insn::Alu {
            op: AluOp::Div | AluOp::Mod | AluOp::Sdiv | AluOp::Smod, src: Operand::Reg(_), ..
        } => false,
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::Swap { .. }
        | Insn::LoadImm64 { .. }
        | Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Jump { .. }
        | Insn::JumpIf { .. } => true,
        Insn::AddrSpaceCast { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::LoadPacket { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(_)
        | Insn::Exit => false,
    }
}

/// A register that starts at a number, changes by a number once in each round,
/// and decides at the end of the round whether there is another.
struct Counter<'a> {
    start: u64,
    step: (AluOp, Width, u64),
    test: &'a Insn,
    /// Whether there is another round where the test is true.
    while_true: bool,
}

impl<'a> Counter<'a> {
    fn find(code: &'a Code, blocks: &[Block], into: &Predecessors, l: &Loop) -> Option<Self> {
        let last = &blocks[l.last];
        let Ending::Branch { taken, .. } = last.ending else { return None };
        let test = code.at(last.last)?;
        let &Insn::JumpIf { dst: reg, src: Operand::Imm(_), .. } = test else { return None };
        let defines = |insn: &Insn| insn.defs().contains(reg);
        let mut changes = (l.blocks.iter())
            .flat_map(|block| blocks[*block].insns(code).map(move |(_, insn)| (*block, insn)))
            .filter(|(_, insn)| defines(insn));
        let (block, change) = changes.next().filter(|_| changes.next().is_none())?;
        // Every round goes through these two.
        if block != l.first() && block != l.last {
            return None;
        }
        let &Insn::Alu { op: op @ (AluOp::Add | AluOp::Sub), width, src: Operand::Imm(imm), .. } = change
        else {
            return None;
        };
        let start = start(code, blocks, into, l, reg)?;
        Some(Self { start, step: (op, width, imm as u64), test, while_true: taken.index() == l.first() })
    }

    /// How many rounds there are, unless the loop is left before.
    fn rounds(&self) -> Option<usize> {
        let &Insn::JumpIf { cond, width, src: Operand::Imm(bound), .. } = self.test else { return None };
        let (op, step_width, step) = self.step;
        if let (Cond::Eq | Cond::Ne, true) = (cond, width == step_width) {
            let step = if op == AluOp::Sub { step.wrapping_neg() } else { step };
            let until_equal = (cond == Cond::Ne) == self.while_true;
            return until_equal.then(|| steps(width, self.start, step, bound as u64))?;
        }
        let mut value = self.start;
        (1..=ROUNDS).find(|_| {
            value = op.eval(step_width, value, step);
            cond.eval(width, value, bound as u64) != self.while_true
        })
    }
}

/// After how many steps a number is another; nothing where these are more than
/// [`ROUNDS`]. So few steps of an immediate's size do not go round all numbers.
fn steps(width: Width, from: u64, step: u64, to: u64) -> Option<usize> {
    let signed = |number: u64| match width {
        Width::W32 => i64::from(number as i32),
        Width::W64 => number as i64,
    };
    let (way, step) = (signed(to.wrapping_sub(from)), signed(step));
    let count = usize::try_from(way.checked_div(step)?).ok()?;
    (way % step == 0 && (1..=ROUNDS).contains(&count)).then_some(count)
}

/// The number that a register holds wherever a loop is entered.
fn start(code: &Code, blocks: &[Block], into: &Predecessors, l: &Loop, reg: Reg) -> Option<u64> {
    let first = l.first();
    let mut entries = into.of(first).iter().map(|from| *from as usize).filter(|from| *from != l.last);
    // The first block of all is entered by the caller too.
    let from = entries.next().filter(|_| entries.next().is_none() && first > 0)?;
    let (_, set) = blocks[from].insns(code).rev().find(|(_, insn)| insn.defs().contains(reg))?;
    if let Insn::Alu { op: AluOp::Mov, width, src: Operand::Imm(imm), .. } = *set {
        Some(width.zero_extend(imm as u64))
    } else if let Insn::LoadImm64 { imm: Imm64::Value(value), .. } = *set {
        Some(value)
    } else {
        None
    }
}

/// Puts copies of a loop behind all blocks; only the last looks whether to go on
/// where they are counted.
fn copy(blocks: &mut Vec<Block>, l: &Loop, copies: usize, counted: bool) {
    let body: Vec<Block> = l.blocks.iter().map(|block| blocks[*block]).collect();
    let behind = blocks.len();
    let at = |copy: usize, place: usize| match copy {
        0 => l.blocks[place],
        _ => behind + (copy - 1) * body.len() + place,
    };
    blocks.resize(behind + (copies - 1) * body.len(), body[0]);
    for copy in 0..copies {
        let next = BlockIdx(at((copy + 1) % copies, 0) as u32);
        for (place, block) in body.iter().enumerate() {
            let to = |to: BlockIdx| match l.place(to.index()) {
                Some(0) => next,
                Some(inside) => BlockIdx(at(copy, inside) as u32),
                None => to,
            };
            let decides = counted && l.blocks[place] == l.last;
            let ending = if decides && copy + 1 < copies { Ending::Goto(next) } else { block.ending.map(to) };
            blocks[at(copy, place)] = Block { ending, ..*block };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many as there are when they are taken one by one, or nothing.
    #[test]
    fn steps_are_counted() {
        let numbers = [0, 1, 7, 8, 256, 2047, 2048, 2049, 1 << 31, 1 << 32, u64::MAX, u64::MAX - 7];
        let sizes = [0, 1, 2, 8, 1 << 20, i32::MAX as u64, -1_i64 as u64, i64::from(i32::MIN) as u64];
        let check = |width: Width, from, step, to| {
            let Some(counted) = steps(width, from, step, to) else { return };
            let mut value = from;
            let one_by_one = (1..=ROUNDS).find(|_| {
                value = AluOp::Add.eval(width, value, step);
                Cond::Eq.eval(width, value, to)
            });
            assert_eq!(Some(counted), one_by_one, "{width:?} {from} {step} {to}");
        };
        for (from, to) in numbers.into_iter().flat_map(|from| numbers.map(|to| (from, to))) {
            for step in sizes {
                check(Width::W32, from, step, to);
                check(Width::W64, from, step, to);
            }
        }
    }

    #[test]
    fn what_counts_as_steps() {
        assert_eq!(steps(Width::W64, 0, 8, 1024), Some(128));
        assert_eq!(steps(Width::W64, 2048, -1_i64 as u64, 0), Some(2048));
        assert_eq!(steps(Width::W32, u32::MAX.into(), 1, 9), Some(10));
        assert_eq!(steps(Width::W64, 0, 8, 1028), None);
        assert_eq!(steps(Width::W64, 0, 1, 2049), None);
        assert_eq!(steps(Width::W64, 5, 1, 4), None);
        assert_eq!(steps(Width::W64, 5, 0, 5), None);
    }
}
