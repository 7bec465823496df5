//! Which registers may still be read.
//!
//! A set `L(pc)` of registers for each place. Order: inclusion; join: union.
//! Meaning: on every path from `pc`, in the frame that is at `pc`, a register
//! outside `L(pc)` is written before it is read, or never read. Transfer, from
//! an instruction's end to its start: `L = uses | (L' - defs)`; what an exit
//! leads to reads nothing of this frame.
//!
//! A helper reads as many arguments as its prototype has, one without a
//! prototype all five. A subprogram reads those of r1 to r5 that it may read
//! from its start on. Where calls go in a circle, all five.

use super::Structure;
use super::blocks::{Block, Blocks, Fact};
use super::marks::proto;
use brolga_core::insn::RegSet;
use brolga_core::{Aux, Callee, Insn, Pc, Program, Reg};

impl Fact for RegSet {
    fn join(&mut self, other: &Self) {
        *self |= *other;
    }
}

/// The registers live before each instruction. `blocks` are those of the
/// subprograms, `order` is one in which callees come before their callers,
/// where there is one.
pub(super) fn registers(
    program: &Program,
    structure: &Structure,
    blocks: &[Blocks],
    order: &[usize],
) -> Box<[RegSet]> {
    let mut live = vec![RegSet::EMPTY; program.code.len()];
    let mut args = vec![RegSet::ARGS; blocks.len()];
    for &subprog in order {
        let uses = Uses { aux: &program.aux, structure, args: &args };
        let blocks = &blocks[subprog];
        let at_start = blocks.backward(&RegSet::EMPTY, |block, fact| through(program, &uses, block, fact));
        for (i, block) in blocks.list.iter().enumerate() {
            let mut fact = blocks.at_end(i as u32, &RegSet::EMPTY, &at_start);
            for (pc, insn) in insns(program, block) {
                fact = before(&uses, pc, insn, fact);
                live[pc.index()] = fact | RegSet::of(Reg::FP);
            }
        }
        args[subprog] = at_start[0].without(RegSet::ALL.without(RegSet::ARGS));
    }
    live.into()
}

/// What is known of what calls read.
struct Uses<'a> {
    aux: &'a Aux,
    structure: &'a Structure,
    /// The arguments that each subprogram reads.
    args: &'a [RegSet],
}

impl Uses<'_> {
    fn of(&self, pc: Pc, insn: &Insn) -> RegSet {
        let Insn::Call(callee) = insn else { return insn.uses() };
        match callee {
            Callee::Helper(id) => proto(self.aux, *id).map_or(RegSet::ARGS, |p| RegSet::args(p.arity())),
            Callee::Subprog(off) => {
                let called = pc.jump(*off).and_then(|start| self.structure.subprog_at(start));
                called.map_or(RegSet::ARGS, |id| self.args[id.index()])
            }
            Callee::Kfunc { .. } => RegSet::ARGS,
        }
    }
}

fn before(uses: &Uses<'_>, pc: Pc, insn: &Insn, after: RegSet) -> RegSet {
    uses.of(pc, insn) | after.without(insn.defs())
}

fn through(program: &Program, uses: &Uses<'_>, block: &Block, fact: RegSet) -> RegSet {
    insns(program, block).fold(fact, |fact, (pc, insn)| before(uses, pc, insn, fact))
}

/// The instructions of a block, the last one first.
fn insns<'a>(program: &'a Program, block: &Block) -> impl Iterator<Item = (Pc, &'a Insn)> {
    let places = block.places.start.0..block.places.end.0;
    places.rev().map(Pc).filter_map(|pc| Some((pc, program.code.at(pc)?)))
}
