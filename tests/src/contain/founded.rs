//! Whether what was proven of an instruction holds of the machine that is about to
//! run it.
//!
//! Whoever compiles a program believes its [`Facts`] as they are, so they are tested
//! from outside too: that the instruction is reached, which way its jump goes, that
//! its divisor is not 0, and what its access touches.

use super::View;
use brolga_core::facts::{Facts, InsnFacts, Region};
use brolga_core::{AluOp, Code, Insn, Operand, Pc, Reg};
use brolga_verifier::claims::MachineView;
use brolga_verifier::state::value::MapRef;
use thiserror::Error;

/// A fact that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("insn {pc}: {what} in the facts, and in a run it is not so")]
pub(super) struct Unfounded {
    pc: Pc,
    what: &'static str,
}

/// That the facts of the instruction at `pc` hold of the machine.
pub(super) fn check(facts: &Facts, code: &Code, pc: Pc, view: &View<'_>) -> Result<(), Unfounded> {
    let Some(insn) = code.at(pc) else { return Ok(()) };
    match wrong(facts.at(pc), insn, view) {
        Some(what) => Err(Unfounded { pc, what }),
        None => Ok(()),
    }
}

fn wrong(said: &InsnFacts, insn: &Insn, view: &View<'_>) -> Option<&'static str> {
    let regs = view.regs();
    let word = |operand: Operand| match operand {
        Operand::Reg(reg) => regs[reg.index()],
        Operand::Imm(imm) => imm as u64,
    };
    let touches = |reg: Reg, off: i16| {
        let addr = regs[reg.index()].wrapping_add(off as u64);
        let lies = said.region.is_some_and(|region| lies_in(region, addr, view));
        (!lies).then_some("it touches something else")
    };
    if !said.reached {
        return Some("it is not reached");
    }
    match *insn {
        Insn::JumpIf { cond, width, dst, src, .. } => {
            let taken = cond.eval(width, regs[dst.index()], word(src));
            let open = if taken { said.ways.taken } else { said.ways.falls_through };
            (!open).then_some("the jump goes the other way only")
        }
        Insn::Alu { op: AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod, width, src, .. } => {
            let zero = width.zero_extend(word(src)) == 0;
            (zero && said.divisor_nonzero).then_some("the divisor is not 0")
        }
        Insn::Load { src, off, .. } | Insn::LoadAcquire { src, off, .. } => touches(src, off),
        Insn::Store { dst, off, .. }
        | Insn::StoreRelease { dst, off, .. }
        | Insn::Atomic { dst, off, .. } => touches(dst, off),
        Insn::Alu { .. } | Insn::Neg { .. } | Insn::MovSx { .. } | Insn::Swap { .. } => None,
        Insn::AddrSpaceCast { .. } | Insn::LoadImm64 { .. } | Insn::LoadPacket { .. } => None,
        Insn::Jump { .. } | Insn::MayGoto { .. } | Insn::Call(_) | Insn::Exit => None,
    }
}

/// Whether an address lies in the region, as far as the machine can tell.
fn lies_in(region: Region, addr: u64, view: &View<'_>) -> bool {
    let own = view.frames() - 1;
    let in_stack = |frame: usize| {
        let end = view.fp(frame);
        (end - 512..end).contains(&addr)
    };
    match region {
        Region::Stack { fixed: Some(off) } => addr == view.fp(own).wrapping_add(off as u64),
        Region::Stack { fixed: None } => (0..=own).any(in_stack),
        Region::Packet => view.packet().is_some_and(|p| (p.meta..p.end).contains(&addr)),
        Region::MapValue(idx) => {
            let size = view.value_size(idx);
            let map = MapRef { idx, inner: false };
            view.values(map).iter().any(|start| (*start..start + size).contains(&addr))
        }
        Region::Ctx(_) | Region::Kernel | Region::Other => true,
    }
}
