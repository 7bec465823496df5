//! That every instruction is reached.
//!
//! A subprogram's instructions are, where its first block leads to all others and
//! the main program leads to it by calls. Where that does not hold, what is wrong
//! first is found by a walk over single instructions, as the kernel's: an edge may
//! even lead into the second slot of a 64-bit immediate load, which is told only
//! if nothing before it is unreachable.

use super::blocks::Blocks;
use super::marks::Marks;
use super::subprogs::{self, Subprogram};
use super::{StructureError, reject};
use crate::reject::Reject;
use brolga_core::{Code, Pc};

/// The blocks of the subprograms, all of whose instructions are reached.
///
/// # Errors
///
/// As the kernel's `check_cfg`.
pub(super) fn check(code: &Code, marks: &[Marks], subprogs: &[Subprogram]) -> Result<Vec<Blocks>, Reject> {
    let into_middle =
        |(at, marks): (usize, &Marks)| marks.contains(Marks::JUMP_TARGET) && code.at(Pc(at as u32)).is_none();
    if marks.iter().enumerate().any(into_middle) {
        return Err(first_fault(code));
    }
    let blocks: Vec<Blocks> = subprogs.iter().map(|s| Blocks::of(code, marks, s)).collect();
    if blocks.iter().all(Blocks::all_reached) && all_called(subprogs) {
        Ok(blocks)
    } else {
        Err(first_fault(code))
    }
}

/// Whether the main program leads to every subprogram.
fn all_called(subprogs: &[Subprogram]) -> bool {
    let mut seen = vec![false; subprogs.len()];
    let mut work = vec![0];
    seen[0] = true;
    while let Some(at) = work.pop() {
        let callees = subprogs[at].callees.iter().map(|edge| edge.to.index());
        work.extend(callees.filter(|to| !std::mem::replace(&mut seen[*to], true)));
    }
    seen.into_iter().all(|seen| seen)
}

/// The first instruction that is not reached, or whose middle is.
fn first_fault(code: &Code) -> Reject {
    let seen = reached(code);
    let fault = code.iter().find_map(|(pc, insn)| {
        let into_middle = insn.slots() == 2 && seen[pc.index() + 1];
        if !seen[pc.index()] {
            Some(reject(pc, StructureError::Unreachable(pc)))
        } else {
            into_middle.then(|| reject(pc, StructureError::IntoLdImm64(pc)))
        }
    });
    fault.expect("an instruction that is not reached, or whose middle is")
}

/// Which slots are reached, by way of any jump or call.
fn reached(code: &Code) -> Vec<bool> {
    let mut seen = vec![false; code.len()];
    let mut work = vec![Pc::START];
    while let Some(pc) = work.pop() {
        if std::mem::replace(&mut seen[pc.index()], true) {
            continue;
        }
        match code.at(pc) {
            Some(insn) => {
                work.extend(insn.flow().falls_through().then(|| code.next(pc)));
                work.extend(insn.flow().target(pc));
                work.extend(subprogs::mention(pc, insn).and_then(|(start, _)| start));
            }
            None => work.push(pc.plus(1)),
        }
    }
    seen
}
