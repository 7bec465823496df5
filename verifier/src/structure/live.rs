//! Which registers may still be read.
//!
//! A set `L(pc)` of registers for each place. Order: inclusion; join: union.
//! Meaning: on every path from `pc`, in the frame that is at `pc`, a register
//! outside `L(pc)` is written before it is read, or never read. Transfer, from
//! an instruction's end to its start: `L = uses | (L' - defs)`; after an exit
//! nothing of this frame is read.
//!
//! A helper reads as many arguments as its prototype has, one without a
//! prototype all five. A subprogram reads those of r1 to r5 that it may read
//! from its start on; where calls go in a circle, all five. A global function
//! reads as many as it has parameters.

use super::Structure;
use super::blocks::{Block, Blocks, Effect, Set};
use super::marks::proto;
use brolga_core::func::Linkage;
use brolga_core::insn::RegSet;
use brolga_core::{Aux, Callee, Insn, Pc, Program, Reg};

impl Set for RegSet {
    const EMPTY: Self = Self::EMPTY;

    fn union(self, other: Self) -> Self {
        self.union(other)
    }

    fn without(self, other: Self) -> Self {
        self.without(other)
    }
}

/// The registers live before each instruction. `blocks` are those of the
/// subprograms; in `order` callees come before their callers, where they can.
pub(super) fn registers(
    program: &Program,
    structure: &Structure,
    blocks: &[Blocks],
    order: &[usize],
) -> Box<[RegSet]> {
    let mut live = vec![RegSet::EMPTY; program.code.len()];
    let mut effects = vec![Effect::NONE; program.code.len()];
    let mut args = vec![RegSet::ARGS; blocks.len()];
    for &subprog in order {
        let uses = Uses { aux: &program.aux, structure, args: &args };
        let blocks = &blocks[subprog];
        for (pc, insn) in blocks.list.iter().flat_map(|block| insns(program, block)) {
            effects[pc.index()] = uses.effect(pc, insn);
        }
        blocks.live_before(&effects, &mut live);
        let at_start = live[blocks.list[0].places.start.index()];
        args[subprog] = at_start.without(RegSet::ALL.without(RegSet::ARGS));
    }
    live.iter_mut().for_each(|live| *live |= RegSet::of(Reg::FP));
    live.into()
}

/// The instructions of a block with their places.
pub(super) fn insns<'a>(program: &'a Program, block: &Block) -> impl Iterator<Item = (Pc, &'a Insn)> {
    let places = block.places.start.0..block.places.end.0;
    places.map(Pc).filter_map(|pc| Some((pc, program.code.at(pc)?)))
}

/// The parameters of the function that starts here, where it is global: a call
/// looks at all of them, whatever the function does.
pub(super) fn global_parameters(aux: &Aux, start: Pc) -> Option<RegSet> {
    let func = aux.func_info.get(&start).filter(|func| func.linkage == Linkage::Global)?;
    Some(RegSet::args(func.params.len().min(Reg::ARGS.len())))
}

/// What is known of what calls read.
struct Uses<'a> {
    aux: &'a Aux,
    structure: &'a Structure,
    /// The arguments that each subprogram reads.
    args: &'a [RegSet],
}

impl Uses<'_> {
    fn effect(&self, pc: Pc, insn: &Insn) -> Effect<RegSet> {
        Effect { reads: self.reads(pc, insn), writes: insn.defs() }
    }

    fn reads(&self, pc: Pc, insn: &Insn) -> RegSet {
        let Insn::Call(callee) = insn else { return insn.uses() };
        match callee {
            Callee::Helper(id) => proto(self.aux, *id).map_or(RegSet::ARGS, |p| RegSet::args(p.arity())),
            Callee::Subprog(off) => {
                let start = pc.jump(*off);
                if let Some(params) = start.and_then(|start| global_parameters(self.aux, start)) {
                    return params;
                }
                let called = start.and_then(|start| self.structure.subprog_at(start));
                called.map_or(RegSet::ARGS, |id| self.args[id.index()])
            }
            Callee::Kfunc { .. } => {
                self.aux.kfunc(*callee).map_or(RegSet::ARGS, |kfunc| RegSet::args(kfunc.proto().arity()))
            }
        }
    }
}
