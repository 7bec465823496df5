//! Words that are copied one after the other.
//!
//! A load of eight bytes and a store of what was loaded, and right behind them the
//! same with the next eight bytes, become a load and a store of sixteen. The second
//! load then comes before the first store: only where both are at the same base and
//! offsets that do not overlap, so that it is the same whatever the base is.

use super::Translator;
use super::memory::{Address, PLAIN};
use crate::options::Passes;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{Inst, InstBuilder, InstructionData, Opcode, Value, ValueDef, types};

/// A load and a store of what it loaded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    load: Inst,
    store: Inst,
    from: Address,
    to: Address,
}

impl Translator<'_, '_> {
    /// Stores eight bytes, with the eight before them where both are copied.
    pub(super) fn store_word(&mut self, value: Value, to: Address) {
        let before = self.copied.take();
        let loaded = self.loaded(value).filter(|_| self.has(Passes::COPY));
        if let (Some(before), Some((load, from))) = (before, loaded)
            && self.only_touched_by(before.load, &[before.store, load])
            && self.follows(before.from, from)
            && self.follows(before.to, to)
            && self.is_apart(before.to, from)
        {
            return self.copy_both(before, load);
        }
        let store = self.b.ins().store(PLAIN, value, to.base, to.off);
        self.copied = loaded.map(|(load, from)| Copied { load, store, from, to });
    }

    /// Whether, since a load in this block, memory was touched by these only.
    fn only_touched_by(&self, load: Inst, these: &[Inst]) -> bool {
        let func = &self.b.func;
        let mut these = these.iter().copied();
        let mut at = func.layout.next_inst(load);
        while let Some(inst) = at {
            let opcode = func.dfg.insts[inst].opcode();
            let touches = opcode.can_load() || opcode.can_store() || opcode.is_call();
            if (touches || opcode.other_side_effects()) && these.next() != Some(inst) {
                return false;
            }
            at = func.layout.next_inst(inst);
        }
        these.next().is_none() && func.layout.inst_block(load) == self.b.current_block()
    }

    /// The load of eight bytes that made a value, and where it is from.
    fn loaded(&self, value: Value) -> Option<(Inst, Address)> {
        let dfg = &self.b.func.dfg;
        let ValueDef::Result(inst, _) = dfg.value_def(dfg.resolve_aliases(value)) else { return None };
        let InstructionData::Load { opcode: Opcode::Load, arg, offset, .. } = dfg.insts[inst] else {
            return None;
        };
        let whole = dfg.value_type(value) == types::I64;
        whole.then_some((inst, Address { base: arg, off: offset.into() }))
    }

    /// Whether an address is eight bytes behind another.
    fn follows(&self, first: Address, second: Address) -> bool {
        self.is_same(first.base, second.base) && first.off.checked_add(8) == Some(second.off)
    }

    fn is_apart(&self, a: Address, b: Address) -> bool {
        self.is_same(a.base, b.base) && a.off.abs_diff(b.off) >= 8
    }

    /// Whether two values are one, or sums of the same.
    fn is_same(&self, a: Value, b: Value) -> bool {
        let sum = |value| match self.made_by(value)? {
            InstructionData::Binary { opcode: Opcode::Iadd, args } => Some(args),
            _ => None,
        };
        a == b || (sum(a).is_some() && sum(a) == sum(b))
    }

    fn copy_both(&mut self, Copied { load, store, from, to, .. }: Copied, next: Inst) {
        let mut cursor = FuncCursor::new(self.b.func).at_inst(load);
        let both = cursor.ins().load(types::I64X2, PLAIN, from.base, from.off);
        let func = &mut *self.b.func;
        func.replace(load).extractlane(both, 0);
        func.replace(next).extractlane(both, 1);
        func.layout.remove_inst(store);
        self.b.ins().store(PLAIN, both, to.base, to.off);
    }
}
