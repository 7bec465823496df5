//! What is true of a subprogram through those that it calls.

use super::marks::proto;
use super::subprogs::Subprogram;
use brolga_core::helper::table::id;
use brolga_core::{Callee, Insn, Pc, Program};

/// The subprograms so that each comes after those that it calls or takes the
/// address of; where these go in a circle, in some order.
pub(super) fn callees_first(subprogs: &[Subprogram]) -> Vec<usize> {
    let mut seen = vec![false; subprogs.len()];
    let mut order = Vec::with_capacity(subprogs.len());
    for root in 0..subprogs.len() {
        if std::mem::replace(&mut seen[root], true) {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((at, way)) = path.last_mut() {
            let Some(edge) = subprogs[*at].callees.get(*way) else {
                order.push(*at);
                path.pop();
                continue;
            };
            *way += 1;
            if !std::mem::replace(&mut seen[edge.to.index()], true) {
                path.push((edge.to.index(), 0));
            }
        }
    }
    order
}

/// Notes which subprograms may move the packet: those that call a helper that
/// may, or a subprogram that may.
pub(super) fn note_packet_changes(program: &Program, subprogs: &mut [Subprogram]) {
    let mut callers = vec![Vec::new(); subprogs.len()];
    let mut work = Vec::new();
    for (i, subprog) in subprogs.iter().enumerate() {
        subprog.callees.iter().for_each(|edge| callers[edge.to.index()].push(i));
        if changes_packet_itself(program, subprog) {
            work.push(i);
        }
    }
    while let Some(subprog) = work.pop() {
        if !std::mem::replace(&mut subprogs[subprog].changes_packet, true) {
            work.extend(&callers[subprog]);
        }
    }
}

fn changes_packet_itself(program: &Program, subprog: &Subprogram) -> bool {
    let range = subprog.range.start.0..subprog.range.end.0;
    range.map(Pc).filter_map(|pc| program.code.at(pc)).any(|insn| match insn {
        // A tail call may run a program that moves the packet.
        Insn::Call(Callee::Helper(id::TAIL_CALL)) => true,
        Insn::Call(Callee::Helper(id)) => proto(&program.aux, *id).is_some_and(|p| p.changes_packet),
        _ => false,
    })
}
