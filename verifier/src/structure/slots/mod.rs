//! Which stack slots may still be read.
//!
//! A set `S(pc)` of slots for each place. Order: inclusion; join: union.
//! Meaning: on every path from `pc`, in the frame that is at `pc`, a slot outside
//! `S(pc)` is overwritten as a whole before some of it is read, or never read
//! again. To read counts what the frame's own instructions do and what callees
//! do through pointers that they are given. Transfer, from an instruction's end
//! to its start: `S = reads | (S' - writes)`; after an exit the frame is gone.
//!
//! What an instruction reads and writes follows from where its registers point
//! ([`pointers`]). An access through a register that may point anywhere reads
//! every slot and writes none; so does a callee that gets a pointer and may move
//! it.
//!
//! A store to a part of a slot neither reads nor writes it: the slot is as live
//! before as after.

mod calls;
mod pointers;
mod set;

pub(crate) use set::SlotSet;

use super::Structure;
use super::blocks::{Block, Blocks, Effect};
use super::live::{global_parameters, insns};
use super::marks::proto;
use brolga_core::insn::RegSet;
use brolga_core::{Callee, Insn, Pc, Program, Reg};
use pointers::{Access, Pointers};

/// The slots live before each instruction. The registers' liveness must be in
/// `structure` already: it says which arguments a subprogram reads.
pub(super) fn live(program: &Program, structure: &Structure, blocks: &[Blocks]) -> Box<[SlotSet]> {
    let mut live = vec![SlotSet::EMPTY; program.code.len()];
    let mut effects = vec![Effect::NONE; program.code.len()];
    let frame = Frame { program, structure };
    for blocks in blocks.iter().filter(|b| frame.is_used(b)) {
        let pointers = blocks.forward(Pointers::at_entry(), |block, fact| frame.through(block, fact));
        for (block, mut at) in blocks.list.iter().zip(pointers.into_iter().flatten()) {
            for (pc, insn) in insns(program, block) {
                effects[pc.index()] = frame.effect(&at, pc, insn);
                at.step(&program.aux, insn);
            }
        }
        blocks.live_before(&effects, &mut live);
    }
    live.into()
}

struct Frame<'a> {
    program: &'a Program,
    structure: &'a Structure,
}

impl Frame<'_> {
    /// Whether anything in the subprogram has to do with its frame.
    fn is_used(&self, blocks: &Blocks) -> bool {
        let mut insns = blocks.list.iter().flat_map(|block| insns(self.program, block));
        insns.any(|(_, insn)| insn.uses().contains(Reg::FP))
    }

    fn through(&self, block: &Block, at: &mut Pointers) {
        insns(self.program, block).for_each(|(_, insn)| at.step(&self.program.aux, insn));
    }

    fn effect(&self, at: &Pointers, pc: Pc, insn: &Insn) -> Effect<SlotSet> {
        let reads = |access: Access| Effect { reads: access.touched, ..Effect::NONE };
        let writes = |access: Access| Effect { writes: access.covered, ..Effect::NONE };
        match *insn {
            Insn::Load { size, src, off, .. } | Insn::LoadAcquire { size, src, off, .. } => {
                reads(at.access(src, off, size.bytes()))
            }
            Insn::Store { size, dst, off, .. } | Insn::StoreRelease { size, dst, off, .. } => {
                writes(at.access(dst, off, size.bytes()))
            }
            Insn::Atomic { width, dst, off, .. } => reads(at.access(dst, off, width.size().bytes())),
            Insn::Call(callee) => self.call(at, pc, callee, insn),
            Insn::Alu { .. }
            | Insn::Neg { .. }
            | Insn::MovSx { .. }
            | Insn::Swap { .. }
            | Insn::AddrSpaceCast { .. }
            | Insn::LoadImm64 { .. }
            | Insn::LoadPacket { .. }
            | Insn::Jump { .. }
            | Insn::JumpIf { .. }
            | Insn::MayGoto { .. }
            | Insn::Exit => Effect::NONE,
        }
    }

    fn call(&self, at: &Pointers, pc: Pc, callee: Callee, insn: &Insn) -> Effect<SlotSet> {
        let aux = &self.program.aux;
        match callee {
            Callee::Helper(id) => match proto(aux, id) {
                Some(proto) => calls::helper(aux, proto, at),
                None => calls::any(at, insn.uses()),
            },
            Callee::Subprog(off) => {
                let start = pc.jump(off).expect("a callee that was found before");
                let live = || live_args(self.structure.live_in(start));
                calls::any(at, global_parameters(aux, start).unwrap_or_else(live))
            }
            Callee::Kfunc { .. } => calls::any(at, insn.uses()),
        }
    }
}

fn live_args(live: RegSet) -> RegSet {
    live.iter().filter(|reg| Reg::ARGS.contains(reg)).collect()
}
