//! What is checked and computed of a program before it is walked: where its
//! subprograms are, that control stays where it may, where states are worth
//! storing and what of them can still matter.
//!
//! Everything here takes time linear in the program (the facts over its blocks a
//! logarithm more) and recurses on nothing.

mod blocks;
mod calls;
pub(crate) mod error;
mod live;
pub(crate) mod loops;
mod marks;
mod queue;
mod reach;
mod slots;
pub(crate) mod stack_depth;
mod subprogs;

#[cfg(test)]
mod tests;

pub(crate) use error::StructureError;
pub(crate) use marks::Marks;
pub(crate) use slots::SlotSet;
pub(crate) use subprogs::Subprogram;

use crate::reject::Reject;
use brolga_core::facts::SubprogId;
use brolga_core::insn::RegSet;
use brolga_core::{Pc, Program};

/// The most subprograms that a program may have, the main one included.
pub(crate) const MAX_SUBPROGS: usize = 256;

/// The most frames that there may be at once.
pub(crate) const MAX_FRAMES: usize = 8;

/// The shape of a program that passed [`check`].
#[derive(Clone, Debug)]
pub(crate) struct Structure {
    subprogs: Vec<Subprogram>,
    marks: Box<[Marks]>,
    live: Box<[RegSet]>,
    stack: Box<[SlotSet]>,
    loops: Vec<loops::Loop>,
}

/// Checks a program's shape: what the kernel's `add_subprog_and_kfunc`,
/// `check_subprogs`, `check_abnormal_return` and `check_cfg` do, in this order.
///
/// That calls do not nest too deeply or go in a circle is for the walk to see,
/// and for [`stack_depth::check`] after it, as in the kernel.
///
/// # Errors
///
/// The first rule that is broken, by the kernel's order.
pub(crate) fn check(program: &Program) -> Result<Structure, Reject> {
    let mut subprogs = subprogs::find(program)?;
    let mut marks = marks::of(program);
    let blocks = reach::check(&program.code, &marks, &subprogs)?;
    for header in blocks.iter().flat_map(|b| &b.headers) {
        marks[header.index()] |= Marks::LOOP_HEADER;
    }
    calls::note_packet_changes(program, &mut subprogs);
    let order = calls::callees_first(&subprogs);
    let loops = blocks.iter().flat_map(|b| loops::find(&program.code, b)).collect();
    let mut structure = Structure { subprogs, marks, live: Box::default(), stack: Box::default(), loops };
    structure.live = live::registers(program, &structure, &blocks, &order);
    structure.stack = slots::live(program, &structure, &blocks);
    Ok(structure)
}

impl Structure {
    /// The subprograms by place, the main one first.
    pub(crate) fn subprogs(&self) -> &[Subprogram] {
        &self.subprogs
    }

    /// A subprogram by its number.
    ///
    /// # Panics
    ///
    /// Where the program has none of this number.
    pub(crate) fn subprog(&self, id: SubprogId) -> &Subprogram {
        &self.subprogs[id.index()]
    }

    /// The subprogram that holds this place.
    #[cfg_attr(not(test), expect(dead_code, reason = "the walk knows its frames' subprograms so far"))]
    pub(crate) fn subprog_of(&self, pc: Pc) -> SubprogId {
        SubprogId(self.subprogs.partition_point(|s| s.range.start <= pc) as u32 - 1)
    }

    /// The subprogram that starts at this place.
    pub(crate) fn subprog_at(&self, start: Pc) -> Option<SubprogId> {
        self.subprogs.binary_search_by_key(&start, |s| s.range.start).ok().map(|i| SubprogId(i as u32))
    }

    /// All marks of an instruction.
    pub(crate) fn marks(&self, pc: Pc) -> Marks {
        self.marks[pc.index()]
    }

    /// Whether states are compared here, and may be stored.
    pub(crate) fn is_prune_point(&self, pc: Pc) -> bool {
        self.marks(pc).contains(Marks::PRUNE_POINT)
    }

    /// The loop that has its head here.
    pub(crate) fn loop_at(&self, head: Pc) -> Option<&loops::Loop> {
        if !self.marks(head).contains(Marks::LOOP_HEADER) {
            return None;
        }
        self.loops.binary_search_by_key(&head, |l| l.head).ok().map(|i| &self.loops[i])
    }

    /// Whether a helper is called here that runs a callback before it returns.
    pub(crate) fn calls_callback(&self, pc: Pc) -> bool {
        self.marks(pc).contains(Marks::CALLS_CALLBACK)
    }

    /// Whether an iterator is asked for its next element here.
    pub(crate) fn iterates(&self, pc: Pc) -> bool {
        self.marks(pc).contains(Marks::ITERATES)
    }

    /// Whether a state is always stored here.
    pub(crate) fn is_force_checkpoint(&self, pc: Pc) -> bool {
        self.marks(pc).contains(Marks::FORCE_CHECKPOINT)
    }

    /// The registers that may be read from here on, in the frame that is here,
    /// before they are written; r10 always.
    ///
    /// Of a frame that waits for a subprogram to return, those of the place
    /// after the call without r0; of one that waits for a callback, after which
    /// the call of the helper goes on with its arguments as they are, those of
    /// the call itself.
    pub(crate) fn live_in(&self, pc: Pc) -> RegSet {
        self.live[pc.index()]
    }

    /// The slots of the frame that is here which may be read from here on
    /// before they are overwritten as a whole. Of a frame that waits for a call
    /// to return, those of the call: while a callee that was given a pointer
    /// into the frame runs, all of it may be read.
    ///
    /// This relies on two of the walk's rules, which are the kernel's: a pointer
    /// into a stack is not stored into the frame of a caller, and none is
    /// returned.
    pub(crate) fn stack_live_in(&self, pc: Pc) -> SlotSet {
        self.stack[pc.index()]
    }
}

fn reject(at: Pc, why: StructureError) -> Reject {
    Reject { at: Some(at), why: why.into() }
}
