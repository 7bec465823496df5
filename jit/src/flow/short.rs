//! Which registers are known to fit 32 bits.
//!
//! # The lattice
//!
//! A set of registers at each place; the order is reverse inclusion, the join
//! intersection. What it means: in every run the upper half of each register in
//! the set is zero here. Such a register need not be zero-extended again.
//!
//! # Transfer
//!
//! Forwards: what an instruction defines is in the set afterwards where its
//! result fits whenever the operands in the set do; what it does not define
//! stays.

use super::{Block, Plan};
use brolga_core::facts::{Facts, Region};
use brolga_core::insn::RegSet;
use brolga_core::{AluOp, Code, Imm64, Insn, Operand, Pc, Reg, Size, Width};

/// Finds what fits 32 bits at the start of each block, the greatest solution:
/// first blocks first, for most lead to later ones; then again where what is known
/// before a block changed.
pub(crate) fn solve(code: &Code, facts: &Facts, plan: &mut Plan) {
    let mut reached = vec![false; plan.blocks.len()];
    let mut work = Vec::new();
    reached[0] = true;
    // What is known before which other blocks changed.
    let mut pass_on = |block: usize, reached: &mut [bool], changed: &mut dyn FnMut(usize)| {
        let after = at_end(code, facts, &plan.blocks[block]);
        for to in plan.blocks[block].ending.successors() {
            let (to, seen) = (to.index(), std::mem::replace(&mut reached[to.index()], true));
            let short = plan.blocks[to].short;
            let meet = if seen { intersection(short, after) } else { after };
            // The entry is entered from outside too, with nothing known.
            let meet = if to == 0 { RegSet::EMPTY } else { meet };
            if !seen || meet != short {
                plan.blocks[to].short = meet;
                changed(to);
            }
        }
    };
    for block in 0..reached.len() {
        if reached[block] {
            pass_on(block, &mut reached, &mut |to| work.extend((to <= block).then_some(to)));
        }
    }
    while let Some(block) = work.pop() {
        pass_on(block, &mut reached, &mut |to| work.push(to));
    }
}

const fn intersection(a: RegSet, b: RegSet) -> RegSet {
    a.without(a.without(b))
}

fn at_end(code: &Code, facts: &Facts, block: &Block) -> RegSet {
    block.insns(code).fold(block.short, |short, (pc, insn)| {
        let defs = insn.defs();
        let kept = short.without(defs);
        if fits(facts, pc, insn, short) { kept | result(insn) } else { kept }
    })
}

/// The register that an instruction's result goes to; the others that it
/// defines are lost.
fn result(insn: &Insn) -> RegSet {
    match insn {
        Insn::LoadPacket { .. } | Insn::Call(_) => RegSet::of(Reg::R0),
        Insn::Alu { .. }
        | Insn::Neg { .. }
        | Insn::MovSx { .. }
        | Insn::Swap { .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::LoadImm64 { .. }
        | Insn::Load { .. }
        | Insn::Store { .. }
        | Insn::Atomic { .. }
        | Insn::LoadAcquire { .. }
        | Insn::StoreRelease { .. }
        | Insn::Jump { .. }
        | Insn::JumpIf { .. }
        | Insn::MayGoto { .. }
        | Insn::Exit => insn.defs(),
    }
}

/// Whether an instruction's result fits 32 bits.
fn fits(facts: &Facts, pc: Pc, insn: &Insn, short: RegSet) -> bool {
    match *insn {
        Insn::Alu { width: Width::W32, .. }
        | Insn::Neg { width: Width::W32, .. }
        | Insn::MovSx { width: Width::W32, .. }
        | Insn::Atomic { width: Width::W32, .. }
        | Insn::LoadPacket { .. } => true,
        Insn::Alu { op, width: Width::W64, dst, src } => wide_alu_fits(op, short.contains(dst), src, short),
        Insn::Swap { size, .. } | Insn::LoadAcquire { size, .. } => size != Size::B8,
        // A pointer in the context is wider in the real structure.
        Insn::Load { size, signed, .. } => match facts.at(pc).region {
            Some(Region::Ctx(access)) => access.host_size != Size::B8 && !signed,
            Some(
                Region::Stack { .. } | Region::Packet | Region::MapValue(_) | Region::Kernel | Region::Other,
            )
            | None => size != Size::B8 && !signed,
        },
        Insn::LoadImm64 { imm: Imm64::Value(value), .. } => u32::try_from(value).is_ok(),
        Insn::LoadImm64 { .. }
        | Insn::Neg { width: Width::W64, .. }
        | Insn::MovSx { width: Width::W64, .. }
        | Insn::Atomic { width: Width::W64, .. }
        | Insn::AddrSpaceCast { .. }
        | Insn::Store { .. }
        | Insn::StoreRelease { .. }
        | Insn::Jump { .. }
        | Insn::JumpIf { .. }
        | Insn::MayGoto { .. }
        | Insn::Call(_)
        | Insn::Exit => false,
    }
}

/// The same of a 64-bit operation on `a` and `src`.
fn wide_alu_fits(op: AluOp, a: bool, src: Operand, short: RegSet) -> bool {
    let b = match src {
        Operand::Reg(reg) => short.contains(reg),
        Operand::Imm(imm) => imm >= 0,
    };
    match op {
        AluOp::Mov => b,
        AluOp::And => a || b,
        AluOp::Or | AluOp::Xor => a && b,
        // Neither a quotient nor a remainder is more than the dividend.
        AluOp::Div | AluOp::Mod => a,
        AluOp::Rsh => a || matches!(src, Operand::Imm(32..)),
        AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::Sdiv | AluOp::Smod | AluOp::Lsh | AluOp::Arsh => false,
    }
}
