//! Which processor a program runs on, and the copies of values that are its own.
//!
//! It is asked once: what it was is kept in a variable, which holds [`UNKNOWN`]
//! before. Where no way can lead past the question, or where all come from it,
//! there is no test for that.

use super::Translator;
use crate::options::Passes;
use brolga_core::Width;
use brolga_core::helper::table::id;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};
use cranelift_frontend::Variable;

/// No processor.
const UNKNOWN: u64 = u64::MAX;

/// What is known of the processor.
#[derive(Default)]
pub(super) struct Processor {
    /// The processor, or [`UNKNOWN`]; nothing where it is asked each time.
    variable: Option<Variable>,
    /// The answer to the last question.
    answer: Option<Value>,
}

impl Translator<'_, '_> {
    /// Declares the processor, where something asks for it.
    pub(super) fn declare_processor(&mut self) {
        let (start, end) = (self.plan.subprog.start, self.plan.subprog.end);
        let mut calls = self.linked().exec().calls.range(start..end);
        let asks = |id, at| match id {
            id::GET_SMP_PROCESSOR_ID => true,
            id::MAP_LOOKUP_ELEM => self.array(at).is_some_and(|values| values.copy.is_some()),
            _ => false,
        };
        if self.has(Passes::PROCESSOR) && calls.any(|(at, call)| asks(call.proto.id, *at)) {
            let variable = self.b.declare_var(types::I64);
            let unknown = self.number(Width::W64, UNKNOWN);
            self.b.def_var(variable, unknown);
            self.processor.variable = Some(variable);
        }
    }

    /// The distance from the first copy of a value to this processor's, where
    /// that from one to the next is `copy`.
    pub(super) fn own_copy(&mut self, copy: u64) -> Value {
        let processor = self.processor();
        self.b.ins().imul_imm_u(processor, copy as i64)
    }

    /// The processor that this runs on.
    pub(super) fn processor(&mut self) -> Value {
        let Some(variable) = self.processor.variable else { return self.ask_processor() };
        let known = self.b.use_var(variable);
        if self.processor.answer == Some(known) {
            return known;
        }
        let answer =
            if self.constant(known).is_some() { self.ask_processor() } else { self.ask_unless(known) };
        self.b.def_var(variable, answer);
        self.processor.answer = Some(answer);
        answer
    }

    fn ask_processor(&mut self) -> Value {
        let hook = self.linked().exec().hooks.processor;
        self.call_address(hook as usize as u64, &[])
    }

    /// The processor, unless it is known already.
    fn ask_unless(&mut self, known: Value) -> Value {
        let (ask, on) = (self.b.create_block(), self.b.create_block());
        self.b.append_block_param(on, types::I64);
        let unknown = self.b.ins().icmp_imm_s(IntCC::Equal, known, UNKNOWN as i64);
        self.b.ins().brif(unknown, ask, &[], on, &[BlockArg::Value(known)]);
        self.b.seal_block(ask);
        self.b.switch_to_block(ask);
        let asked = self.ask_processor();
        self.b.ins().jump(on, &[BlockArg::Value(asked)]);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        self.b.block_params(on)[0]
    }
}
