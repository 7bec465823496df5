//! Small subprograms, put in the place of their calls.
//!
//! Cranelift does the work; here is decided what is small. A subprogram with a
//! frame of its own is always called, so that frames do not add up to more than
//! the verifier counted. What is put in place of a call has no place of its own
//! in the line table.

use crate::error::CompileError;
use crate::translate::SUBPROGS;
use brolga_core::Pc;
use brolga_core::facts::SubprogId;
use cranelift_codegen::Context;
use cranelift_codegen::inline::{Inline, InlineCommand};
use cranelift_codegen::ir::{ExternalName, FuncRef, Function, Inst, InstructionData, Opcode, Value};
use std::borrow::Cow;
use std::mem::replace;

/// The most instructions of Cranelift's that what is put in place may have.
const SMALL: usize = 64;

/// The most that it may add to one subprogram.
const ADDED: usize = 512;

/// Every subprogram as it was translated, by [`SubprogId`]; callees stand here
/// before their callers are asked about.
pub(crate) struct Bodies(Vec<Option<Function>>);

impl Bodies {
    pub(crate) fn new(subprogs: usize) -> Self {
        Self(vec![None; subprogs])
    }

    /// Takes in what was translated, with the small ones among its callees put
    /// in place of their calls.
    pub(crate) fn add(
        &mut self,
        id: SubprogId,
        start: Pc,
        context: &mut Context,
    ) -> Result<(), CompileError> {
        let failed = |error| CompileError::Backend { at: start, why: format!("{error}") };
        context.inline(Small { bodies: &self.0, added: 0 }).map_err(failed)?;
        self.0[id.index()] = Some(replace(&mut context.func, Function::new()));
        Ok(())
    }

    /// Which subprograms are still called, or have their address taken, now that
    /// small ones stand in the place of their calls.
    pub(crate) fn needed(&self) -> Vec<bool> {
        let mut needed = vec![false; self.0.len()];
        let mut work = vec![SubprogId::MAIN.index()];
        while let Some(subprog) = work.pop() {
            if !std::mem::replace(&mut needed[subprog], true)
                && let Some(body) = &self.0[subprog]
            {
                work.extend(references(body));
            }
        }
        needed
    }

    /// Gives out what was taken in.
    pub(crate) fn take(&mut self, id: SubprogId) -> Option<Function> {
        self.0.get_mut(id.index())?.take()
    }
}

/// The subprograms that a body refers to, by index.
fn references(body: &Function) -> impl Iterator<Item = usize> {
    let insts = body.layout.blocks().flat_map(|block| body.layout.block_insts(block));
    insts.filter_map(|inst| {
        let callee = match body.dfg.insts[inst] {
            InstructionData::Call { func_ref, .. } | InstructionData::FuncAddr { func_ref, .. } => func_ref,
            _ => return None,
        };
        let ExternalName::User(name) = body.dfg.ext_funcs[callee].name else { return None };
        let name = body.params.user_named_funcs().get(name)?;
        (name.namespace == SUBPROGS).then_some(name.index as usize)
    })
}

/// Whether a subprogram without a frame looks at its frame pointer, which is to
/// be another one than its caller's.
fn has_frame_pointer(body: &Function) -> bool {
    let insts = body.layout.blocks().flat_map(|block| body.layout.block_insts(block));
    insts.into_iter().any(|inst| body.dfg.insts[inst].opcode() == Opcode::GetStackPointer)
}

/// Chooses what is put in place of its calls.
struct Small<'a> {
    bodies: &'a [Option<Function>],
    added: usize,
}

impl Inline for Small<'_> {
    fn inline(
        &mut self,
        caller: &Function,
        _: Inst,
        _: Opcode,
        callee: FuncRef,
        _: &[Value],
    ) -> InlineCommand<'_> {
        let ExternalName::User(name) = caller.dfg.ext_funcs[callee].name else {
            return InlineCommand::KeepCall;
        };
        let name = caller.params.user_named_funcs().get(name).filter(|name| name.namespace == SUBPROGS);
        let body = name.and_then(|name| self.bodies.get(name.index as usize)?.as_ref());
        let Some(body) = body.filter(|body| body.sized_stack_slots.is_empty()) else {
            return InlineCommand::KeepCall;
        };
        let insns = body.dfg.num_insts();
        if insns > SMALL || self.added + insns > ADDED || has_frame_pointer(body) {
            return InlineCommand::KeepCall;
        }
        self.added += insns;
        InlineCommand::Inline { callee: Cow::Borrowed(body), visit_callee: false }
    }
}
