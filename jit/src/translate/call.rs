//! Calls: helpers, subprograms, tail calls.

use super::Translator;
use super::memory::PLAIN;
use super::regs::Known;
use crate::error::CompileError;
use crate::flow::{Role, helper_arity};
use crate::options::Passes;
use crate::place;
use brolga_core::facts::SubprogId;
use brolga_core::helper::Callback;
use brolga_core::helper::table::id;
use brolga_core::insn::RegSet;
use brolga_core::link::{ArrayValues, Call, RunState};
use brolga_core::{Pc, Reg, Width};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    ExtFuncData, ExternalName, FuncRef, InstBuilder, MemFlagsData, SigRef, UserExternalName, Value, types,
};
use std::collections::BTreeMap;
use std::mem::offset_of;

/// The namespace of subprograms: their index is their [`SubprogId`].
pub(crate) const SUBPROGS: u32 = 0;
/// The namespace of helper bodies and hooks that are called directly: their
/// index is into [`Shared::near`](super::Shared::near).
pub(crate) const HELPERS: u32 = 1;

/// The arguments of a helper body, what it gets besides included.
const HELPER_ARGS: usize = 6;

/// What a function refers to, declared once each.
#[derive(Default)]
pub(super) struct Callees {
    signatures: [Option<SigRef>; HELPER_ARGS + 1],
    /// By address and count of arguments: two bodies that do the same may have
    /// been made one.
    near: BTreeMap<(u64, usize), FuncRef>,
    subprogs: BTreeMap<SubprogId, FuncRef>,
}

impl Translator<'_, '_> {
    pub(super) fn call_helper(&mut self, pc: Pc) -> Result<(), CompileError> {
        let linked = self.linked();
        let what = "a helper call without a body";
        let call = linked.exec().calls.get(&pc).ok_or(CompileError::Facts { at: pc, what })?;
        if call.proto.id == id::TAIL_CALL {
            self.tail_call();
            return Ok(());
        }
        if call.proto.callback == Some(Callback::Loop) {
            self.call_loop(pc);
            return Ok(());
        }
        if call.proto.id == id::MAP_LOOKUP_ELEM
            && let Some(values) = self.array(pc)
        {
            self.lookup(values);
            return Ok(());
        }
        if call.proto.id == id::GET_SMP_PROCESSOR_ID && self.has(Passes::PROCESSOR) {
            let processor = self.processor();
            self.lose(RegSet::CALLER_SAVED);
            self.set_wide(Reg::R0, processor);
            return Ok(());
        }
        let arguments = self.helper_arguments(call);
        let r0 = self.call_address(call.body.func as usize as u64, &arguments);
        self.lose(RegSet::CALLER_SAVED);
        self.set_wide(Reg::R0, r0);
        Ok(())
    }

    /// The array that a lookup is in, where it is always the same one and looked
    /// up in place.
    pub(super) fn array(&self, pc: Pc) -> Option<ArrayValues> {
        let values = self.linked().exec().maps.get(self.facts(pc).map?.index())?.values?;
        let passes = if values.copy.is_some() { Passes::LOOKUP | Passes::PERCPU } else { Passes::LOOKUP };
        self.has(passes).then_some(values)
    }

    /// The address of the value whose index lies at r2, or 0.
    fn lookup(&mut self, values: ArrayValues) {
        let ArrayValues { start, stride, count, copy } = values;
        if let Some(index) = self.known_key().filter(|index| *index < count) {
            let value = start.wrapping_add(u64::from(index).wrapping_mul(stride));
            let Some(copy) = copy else {
                self.lose(RegSet::CALLER_SAVED);
                return self.set_number(Reg::R0, value);
            };
            let own = self.own_copy(copy);
            let value = self.number(Width::W64, value);
            let value = self.b.ins().iadd(value, own);
            self.lose(RegSet::CALLER_SAVED);
            return self.set_wide(Reg::R0, value);
        }
        let index = self.key();
        let own = copy.map(|copy| self.own_copy(copy));
        let off = self.b.ins().imul_imm_u(index, stride as i64);
        let off = own.map_or(off, |own| self.b.ins().iadd(off, own));
        let start = self.number(Width::W64, start);
        let value = self.b.ins().iadd(start, off);
        let within = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, index, i64::from(count));
        let none = self.number(Width::W64, 0);
        let r0 = self.b.ins().select(within, value, none);
        self.lose(RegSet::CALLER_SAVED);
        self.set_wide(Reg::R0, r0);
    }

    /// What was stored last at r2, where that is known.
    fn stored_key(&self) -> Option<Value> {
        let Known::Frame(off) = self.known(Reg::R2) else { return None };
        self.stored.filter(|stored| stored.off == off).map(|stored| stored.value)
    }

    /// The key, where it is the same in every run.
    fn known_key(&self) -> Option<u32> {
        let key = self.constant(self.stored_key().filter(|_| self.has(Passes::FOLD))?)?;
        Some(key as u32)
    }

    /// The 32-bit key at r2, which is what was stored there last, where that is
    /// known.
    fn key(&mut self) -> Value {
        if let Some(stored) = self.stored_key() {
            return self.b.ins().uextend(types::I64, stored);
        }
        let at = self.wide(Reg::R2);
        self.b.ins().uload32(PLAIN, at, 0)
    }

    fn helper_arguments(&mut self, call: &Call) -> Vec<Value> {
        let arity = helper_arity(call.proto.id, call.proto.arity());
        let mut arguments: Vec<Value> = Reg::ARGS[..arity].iter().map(|reg| self.wide(*reg)).collect();
        if let Some(env) = call.body.env {
            let unused = self.number(Width::W64, 0);
            arguments.resize(HELPER_ARGS - 1, unused);
            arguments.push(self.number(Width::W64, env));
        }
        arguments
    }

    /// Calls a function of the host, in C's convention: directly where it is
    /// near enough, else by its full address.
    pub(super) fn call_address(&mut self, address: u64, arguments: &[Value]) -> Value {
        if self.has(Passes::NEAR) && place::is_near(self.shared.isa, address) {
            let callee = self.near_callee(address, arguments.len());
            self.call(callee, arguments)
        } else {
            let callee = self.number(Width::W64, address);
            self.call_at(callee, arguments)
        }
    }

    /// Calls a function by its name. As whatever else is called it may write to
    /// the frame, where it was given a pointer to it.
    pub(super) fn call(&mut self, callee: FuncRef, arguments: &[Value]) -> Value {
        self.stored = None;
        let inst = self.b.ins().call(callee, arguments);
        self.b.inst_results(inst)[0]
    }

    /// Calls a function by its address.
    pub(super) fn call_at(&mut self, callee: Value, arguments: &[Value]) -> Value {
        self.stored = None;
        let signature = self.signature(arguments.len());
        let inst = self.b.ins().call_indirect(signature, callee, arguments);
        self.b.inst_results(inst)[0]
    }

    fn signature(&mut self, arguments: usize) -> SigRef {
        let (shared, b) = (&*self.shared, &mut self.b);
        let signature = &mut self.callees.signatures[arguments];
        *signature.get_or_insert_with(|| b.import_signature(shared.signature_of(arguments)))
    }

    fn near_callee(&mut self, address: u64, arguments: usize) -> FuncRef {
        if let Some(callee) = self.callees.near.get(&(address, arguments)) {
            return *callee;
        }
        let near = &mut self.shared.near;
        let index = near.iter().position(|a| *a == address).unwrap_or_else(|| {
            near.push(address);
            near.len() - 1
        });
        let signature = self.signature(arguments);
        let callee = self.import(UserExternalName::new(HELPERS, index as u32), signature, true);
        self.callees.near.insert((address, arguments), callee);
        callee
    }

    fn import(&mut self, name: UserExternalName, signature: SigRef, colocated: bool) -> FuncRef {
        let name = ExternalName::User(self.b.func.declare_imported_user_function(name));
        self.b.import_function(ExtFuncData { name, signature, colocated, patchable: false })
    }

    pub(super) fn call_subprog(&mut self, pc: Pc, off: i32) -> Result<(), CompileError> {
        let subprog = self.subprog_at(pc, off)?;
        let parameters = self.shared.program.parameters(subprog);
        let mut arguments: Vec<Value> = parameters.iter().map(|reg| self.wide(reg)).collect();
        let callee = self.subprog_callee(subprog);
        if self.shared.program.roles[subprog.index()] != Role::Callback && self.shared.program.tail_calls {
            arguments.push(self.run());
        }
        let r0 = self.call(callee, &arguments);
        self.lose(RegSet::CALLER_SAVED);
        self.set_wide(Reg::R0, r0);
        Ok(())
    }

    fn subprog_at(&self, pc: Pc, off: i32) -> Result<SubprogId, CompileError> {
        let what = "a call of what is no subprogram";
        self.shared.program.callee(pc, off).ok_or(CompileError::Facts { at: pc, what })
    }

    pub(super) fn subprog_callee(&mut self, subprog: SubprogId) -> FuncRef {
        if let Some(callee) = self.callees.subprogs.get(&subprog) {
            return *callee;
        }
        let callee = self.import_subprog(subprog, true);
        self.callees.subprogs.insert(subprog, callee);
        callee
    }

    fn import_subprog(&mut self, subprog: SubprogId, colocated: bool) -> FuncRef {
        let signature = self.shared.signature(self.shared.program.roles[subprog.index()]);
        let signature = self.b.import_signature(signature);
        self.import(UserExternalName::new(SUBPROGS, subprog.0), signature, colocated)
    }

    /// The address of a callback. Its full address is put into the code, so
    /// that there is one kind of relocation less.
    pub(super) fn load_func(&mut self, pc: Pc, dst: Reg, off: i32) -> Result<(), CompileError> {
        let subprog = self.subprog_at(pc, off)?;
        if !self.shared.program.is_reached(subprog) {
            // No one ever calls it; all that is seen of it is that it is not 0.
            self.set_number(dst, u64::MAX);
            return Ok(());
        }
        let callback = self.import_subprog(subprog, false);
        let address = self.b.ins().func_addr(types::I64, callback);
        self.set_wide(dst, address);
        Ok(())
    }

    /// The run, or null where there is none.
    fn run(&mut self) -> Value {
        match self.run {
            Some(run) => run,
            None => self.number(Width::W64, 0),
        }
    }

    /// A tail call that succeeds ends the subprogram: of the main program the
    /// caller goes on with the target, of another the result is the target's.
    fn tail_call(&mut self) {
        let hooks = self.linked().exec().hooks;
        let [ctx, map, index] = [Reg::R1, Reg::R2, Reg::R3].map(|reg| self.wide(reg));
        let run = self.run();
        let target = self.call_address(hooks.tail_call as usize as u64, &[run, map, index]);
        let (leaves, goes_on) = (self.b.create_block(), self.b.create_block());
        self.b.ins().brif(target, leaves, &[], goes_on, &[]);
        self.b.seal_block(leaves);
        self.b.seal_block(goes_on);
        self.b.switch_to_block(leaves);
        let r0 = if self.id == SubprogId::MAIN {
            let next = offset_of!(RunState, next) as i32;
            self.b.ins().store(MemFlagsData::trusted(), target, run, next);
            self.number(Width::W64, 0)
        } else {
            self.call_address(hooks.tail_run as usize as u64, &[run, target, ctx])
        };
        self.b.ins().return_(&[r0]);
        self.b.switch_to_block(goes_on);
        self.lose(RegSet::CALLER_SAVED);
    }
}
