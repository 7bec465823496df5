//! Where the subprograms are, and that jumps and fall-through stay in them.

use super::{MAX_SUBPROGS, StructureError, reject};
use crate::reject::Reject;
use brolga_core::facts::SubprogId;
use brolga_core::helper::table::id;
use brolga_core::insn::Flow;
use brolga_core::{Aux, Callee, Code, Imm64, Insn, Pc, Program};
use std::ops::Range;

/// A subprogram that another one calls, or whose address it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    /// The subprogram.
    pub(crate) to: SubprogId,
    /// Whether some instruction calls it, and not only takes its address.
    pub(crate) called: bool,
}

/// What the instructions of a subprogram say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subprogram {
    /// Its places, from the first to the one after the last.
    pub(crate) range: Range<Pc>,
    /// What it calls and takes the address of, each once, by first mention.
    pub(crate) callees: Vec<Edge>,
    /// Whether it has a legacy packet load.
    pub(crate) has_ld_abs: bool,
    /// Whether it calls `bpf_tail_call`.
    pub(crate) has_tail_call: bool,
    /// Whether it has a `may_goto`.
    pub(crate) has_may_goto: bool,
    /// Whether a call of it may move the packet: it or one that it calls does.
    pub(crate) changes_packet: bool,
}

/// The subprograms of a program by place, the main one first.
///
/// # Errors
///
/// As the kernel's `add_subprog_and_kfunc`, `check_subprogs` and
/// `check_abnormal_return`, in this order.
pub(super) fn find(program: &Program) -> Result<Vec<Subprogram>, Reject> {
    let starts = starts(&program.code)?;
    let mut subprogs = ranges(&starts, program.code.end());
    for subprog in &mut subprogs {
        check_range(&program.code, subprog)?;
    }
    for subprog in &subprogs[1..] {
        abnormal_returns(subprog, &program.aux)?;
    }
    for subprog in &mut subprogs {
        subprog.callees = callees(&program.code, subprog.range.clone(), &starts);
    }
    Ok(subprogs)
}

/// What an instruction calls or takes the address of: where it starts, and
/// whether it is called.
pub(super) fn mention(pc: Pc, insn: &Insn) -> Option<(Option<Pc>, bool)> {
    if let Insn::Call(Callee::Subprog(off)) = insn {
        Some((pc.jump(*off), true))
    } else if let Insn::LoadImm64 { imm: Imm64::Func(off), .. } = insn {
        Some((pc.jump(*off), false))
    } else {
        None
    }
}

fn starts(code: &Code) -> Result<Vec<Pc>, Reject> {
    let mut is_start = vec![false; code.len()];
    is_start[0] = true;
    let mut count = 1;
    for (pc, insn) in code.iter() {
        let Some((target, _)) = mention(pc, insn) else { continue };
        let target = target.filter(|t| *t < code.end());
        let target = target.ok_or_else(|| reject(pc, StructureError::CallTarget))?;
        if !std::mem::replace(&mut is_start[target.index()], true) {
            count += 1;
        }
        if count > MAX_SUBPROGS {
            return Err(reject(pc, StructureError::TooManySubprogs));
        }
    }
    Ok((0..code.end().0).map(Pc).filter(|pc| is_start[pc.index()]).collect())
}

fn ranges(starts: &[Pc], end: Pc) -> Vec<Subprogram> {
    let ends = starts[1..].iter().copied().chain([end]);
    let empty = |(start, end): (&Pc, Pc)| Subprogram {
        range: *start..end,
        callees: Vec::new(),
        has_ld_abs: false,
        has_tail_call: false,
        has_may_goto: false,
        changes_packet: false,
    };
    starts.iter().zip(ends).map(empty).collect()
}

/// That every jump of the subprogram stays in it, and that it does not run over
/// its end. Notes what the instructions are on the way.
fn check_range(code: &Code, subprog: &mut Subprogram) -> Result<(), Reject> {
    let range = subprog.range.clone();
    for pc in (range.start.0..range.end.0).map(Pc) {
        let Some(insn) = code.at(pc) else { continue };
        subprog.has_ld_abs |= matches!(insn, Insn::LoadPacket { .. });
        subprog.has_tail_call |= matches!(insn, Insn::Call(Callee::Helper(id::TAIL_CALL)));
        subprog.has_may_goto |= matches!(insn, Insn::MayGoto { .. });
        if let Some(off) = distance(insn) {
            check_jump(pc, off, &range)?;
        }
    }
    let last = Pc(range.end.0 - 1);
    let ends = matches!(code.at(last), Some(Insn::Exit | Insn::Jump { .. }));
    if ends { Ok(()) } else { Err(reject(last, StructureError::FallsOffEnd)) }
}

fn distance(insn: &Insn) -> Option<i32> {
    match insn.flow() {
        Flow::Jump(off) | Flow::Branch(off) => Some(off),
        Flow::Next | Flow::Call(_) | Flow::Exit => None,
    }
}

fn check_jump(pc: Pc, off: i32, range: &Range<Pc>) -> Result<(), Reject> {
    match pc.jump(off) {
        Some(to) if range.contains(&to) => Ok(()),
        _ => {
            // The kernel counts in an `int`, which a `gotol` may wrap.
            let to = (pc.0 as i32).wrapping_add(1).wrapping_add(off);
            Err(reject(pc, StructureError::JumpOutOfRange { from: pc, to }))
        }
    }
}

/// Where an instruction may return from the subprogram with a number, something
/// must say that the subprogram returns one. A subprogram that has a name came
/// with its type.
fn abnormal_returns(subprog: &Subprogram, aux: &Aux) -> Result<(), Reject> {
    let start = subprog.range.start;
    if aux.subprog_names.contains_key(&start) {
        return Ok(());
    }
    if let Some(func) = aux.func_info.get(&start) {
        return match (func.returns_scalar, subprog.has_ld_abs, subprog.has_tail_call) {
            (false, true, _) => Err(Reject { at: None, why: StructureError::LdAbsWithoutInt.into() }),
            (false, false, true) => Err(Reject { at: None, why: StructureError::TailCallWithoutInt.into() }),
            (true, _, _) | (false, false, false) => Ok(()),
        };
    }
    let why = match (subprog.has_ld_abs, subprog.has_tail_call) {
        (true, _) => StructureError::LdAbsInSubprog,
        (false, true) => StructureError::TailCallInSubprog,
        (false, false) => return Ok(()),
    };
    Err(Reject { at: None, why: why.into() })
}

fn callees(code: &Code, range: Range<Pc>, starts: &[Pc]) -> Vec<Edge> {
    let mut slot_of = vec![None; starts.len()];
    let mut edges: Vec<Edge> = Vec::new();
    for pc in (range.start.0..range.end.0).map(Pc) {
        let Some((Some(target), called)) = code.at(pc).and_then(|insn| mention(pc, insn)) else { continue };
        let Ok(to) = starts.binary_search(&target) else { continue };
        let slot = *slot_of[to].get_or_insert_with(|| {
            edges.push(Edge { to: SubprogId(to as u32), called: false });
            edges.len() - 1
        });
        edges[slot].called |= called;
    }
    edges
}
