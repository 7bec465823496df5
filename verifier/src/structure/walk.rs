//! That every instruction is reached, and where loops close.
//!
//! A depth-first walk over all edges of the program, in the kernel's order: on
//! to the next instruction first, then to the jump's target or the callee. An
//! edge to an instruction that the walk is still below closes a loop, where it
//! is no call. As in the kernel, edges are followed even into the second slot of
//! a 64-bit immediate load, which is reported only if nothing is unreachable
//! before it.

use super::marks::Marks;
use super::{StructureError, reject, subprogs};
use crate::reject::Reject;
use brolga_core::{Code, Insn, Pc};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    /// The walk is at it or below it.
    Open,
    Done,
}

/// The ways on from an instruction: along the subprogram, by its jump, and into
/// what it calls or takes the address of.
#[derive(Clone, Copy, Default)]
struct Ways {
    next: Option<Pc>,
    jump: Option<Pc>,
    callee: Option<Pc>,
}

/// Checks that every instruction is reached and no jump goes into the middle of
/// one; marks the loop headers.
///
/// # Errors
///
/// As the kernel's `check_cfg`.
pub(super) fn check(code: &Code, marks: &mut [Marks]) -> Result<(), Reject> {
    let seen = walk(code, marks);
    for (pc, insn) in code.iter() {
        if seen[pc.index()] == Seen::Not {
            return Err(reject(pc, StructureError::Unreachable(pc)));
        }
        if insn.slots() == 2 && seen[pc.index() + 1] != Seen::Not {
            return Err(reject(pc, StructureError::IntoLdImm64(pc)));
        }
    }
    Ok(())
}

fn walk(code: &Code, marks: &mut [Marks]) -> Vec<Seen> {
    let mut seen = vec![Seen::Not; code.len()];
    let mut path = vec![(Pc::START, ways(code, Pc::START))];
    seen[0] = Seen::Open;
    while let Some((at, left)) = path.last_mut() {
        let Some((to, in_subprog)) = left.take() else {
            seen[at.index()] = Seen::Done;
            path.pop();
            continue;
        };
        match seen[to.index()] {
            Seen::Not => {
                seen[to.index()] = Seen::Open;
                path.push((to, ways(code, to)));
            }
            Seen::Open if in_subprog => marks[to.index()] |= Marks::LOOP_HEADER,
            Seen::Open | Seen::Done => {}
        }
    }
    seen
}

impl Ways {
    /// The next way, and whether it stays in the subprogram.
    fn take(&mut self) -> Option<(Pc, bool)> {
        let inside = self.next.take().or_else(|| self.jump.take());
        inside.map(|to| (to, true)).or_else(|| self.callee.take().map(|to| (to, false)))
    }
}

/// Every way is inside the program: jumps are in range, and the last instruction
/// does not fall through.
fn ways(code: &Code, pc: Pc) -> Ways {
    let Some(insn) = code.at(pc) else {
        return Ways { next: Some(pc.plus(1)), ..Ways::default() };
    };
    Ways {
        next: insn.flow().falls_through().then(|| code.next(pc)),
        jump: insn.flow().target(pc),
        callee: callee(pc, insn),
    }
}

fn callee(pc: Pc, insn: &Insn) -> Option<Pc> {
    subprogs::mention(pc, insn).and_then(|(start, _)| start)
}
