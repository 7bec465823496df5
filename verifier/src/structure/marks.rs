//! What the walk should know of an instruction before it gets there.

use super::subprogs;
use bitflags::bitflags;
use brolga_core::helper::{ArgKind, Proto, table};
use brolga_core::insn::Flow;
use brolga_core::kfunc::Kfunc;
use brolga_core::{Aux, Callee, Code, Insn, Pc, Program};

bitflags! {
    /// What the walk should know of an instruction before it gets there.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct Marks: u8 {
        /// States are compared here, and may be stored.
        const PRUNE_POINT = 1 << 0;
        /// A state is always stored here.
        const FORCE_CHECKPOINT = 1 << 1;
        /// Control may come here otherwise than from the instruction before.
        const JUMP_POINT = 1 << 2;
        /// A jump, a call or a callback's address leads here.
        const JUMP_TARGET = 1 << 3;
        /// An edge closes a loop here: each cycle of a subprogram has such a
        /// place. It need not be a prune point for that.
        const LOOP_HEADER = 1 << 4;
        /// The helper called here runs a callback before it returns.
        const CALLS_CALLBACK = 1 << 5;
        /// An iterator is asked for its next element here.
        const ITERATES = 1 << 6;
    }
}

/// How a helper takes a callback.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Callback {
    /// It runs it before it returns.
    Now,
    /// It has it run at another time.
    Later,
}

/// The prototype of a helper that a program calls, as its kind has it or else
/// as the kernel does.
pub(super) fn proto(aux: &Aux, id: i32) -> Option<&Proto> {
    aux.prog_type.helper(id).map(AsRef::as_ref).or_else(|| table::by_id(id))
}

/// The marks of every place, but for the loop headers.
pub(super) fn of(program: &Program) -> Box<[Marks]> {
    let mut marks = vec![Marks::empty(); program.code.len()];
    for (pc, insn) in program.code.iter() {
        flow(&mut marks, &program.code, pc, insn);
        if let Insn::Call(Callee::Helper(id)) = insn {
            helper_call(&mut marks[pc.index()], proto(&program.aux, *id));
        }
        if let Insn::Call(callee) = insn
            && program.aux.kfunc(*callee) == Some(Kfunc::IterNumNext)
        {
            let here = Marks::PRUNE_POINT | Marks::JUMP_POINT | Marks::FORCE_CHECKPOINT;
            marks[pc.index()] |= here | Marks::ITERATES;
        }
    }
    marks.into()
}

fn flow(marks: &mut [Marks], code: &Code, pc: Pc, insn: &Insn) {
    let landing = Marks::PRUNE_POINT | Marks::JUMP_POINT;
    let mut mark = |at: Pc, with: Marks| marks[at.index()] |= with;
    if let Some(target) = insn.flow().target(pc) {
        mark(target, landing | Marks::JUMP_TARGET);
    }
    match insn.flow() {
        Flow::Branch(_) => mark(pc, Marks::PRUNE_POINT),
        Flow::Next | Flow::Call(_) | Flow::Jump(_) | Flow::Exit => {}
    }
    if let Insn::MayGoto { .. } = insn {
        mark(pc, Marks::FORCE_CHECKPOINT);
    }
    let mention = subprogs::mention(pc, insn);
    if mention.is_some() || matches!(insn, Insn::Call(_)) {
        mark(code.next(pc), landing);
    }
    if let Some((Some(start), _)) = mention {
        mark(pc, Marks::PRUNE_POINT);
        mark(start, landing | Marks::JUMP_TARGET);
    }
}

fn helper_call(marks: &mut Marks, proto: Option<&Proto>) {
    match proto.and_then(callback) {
        None => {}
        Some(Callback::Later) => *marks |= Marks::PRUNE_POINT,
        Some(Callback::Now) => {
            let here = Marks::PRUNE_POINT | Marks::JUMP_POINT | Marks::FORCE_CHECKPOINT;
            *marks |= here | Marks::CALLS_CALLBACK;
        }
    }
}

/// A timer's callback runs later, any other one at once.
fn callback(proto: &Proto) -> Option<Callback> {
    let takes = |kind| proto.args.iter().any(|arg| arg.kind == kind);
    takes(ArgKind::Func).then(|| if takes(ArgKind::Timer) { Callback::Later } else { Callback::Now })
}
