//! Jumps, branches and the ends of blocks.

use super::Translator;
use crate::flow::{Block, BlockIdx, Ending};
use brolga_core::interp::MAY_GOTO_BUDGET;
use brolga_core::{Cond, Insn, Operand, Reg, Width};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, TrapCode, Value, types};

/// What code that the proof calls unreachable stops with.
const UNREACHABLE: TrapCode = TrapCode::unwrap_user(1);

impl Translator<'_, '_> {
    pub(super) fn ending(&mut self, block: &Block) {
        match block.ending {
            Ending::Goto(to) => self.goto(to),
            Ending::Branch { taken, next } => self.branch(block, taken, next),
            Ending::Return => {
                let r0 = self.wide(Reg::R0);
                self.b.ins().return_(&[r0]);
            }
            Ending::Trap => {
                self.b.ins().trap(UNREACHABLE);
            }
        }
    }

    pub(super) fn goto(&mut self, to: BlockIdx) {
        self.leave(to);
        self.b.ins().jump(self.blocks[to.index()], &[]);
        self.arrive(to);
    }

    fn branch(&mut self, block: &Block, taken: BlockIdx, next: BlockIdx) {
        let insn = self.linked().exec().code.at(block.last);
        let Some(&Insn::JumpIf { cond, width, dst, src, .. }) = insn else {
            // The other instruction that branches is `may_goto`.
            return self.may_goto(taken, next);
        };
        let condition = self.condition(cond, width, dst, src);
        self.leave(taken);
        self.leave(next);
        let (to, or) = (self.blocks[taken.index()], self.blocks[next.index()]);
        self.b.ins().brif(condition, to, &[], or, &[]);
        self.arrive(taken);
        self.arrive(next);
    }

    /// Makes ready what a successor will ask for: a block yet to come whose only
    /// predecessor this is takes everything over, any other asks the variables.
    fn leave(&mut self, to: BlockIdx) {
        let plan = &self.plan.blocks[to.index()];
        if plan.edges == 1 && to.index() >= self.next {
            self.left[to.index()] = Some(self.regs.snapshot());
        } else {
            self.settle(plan.live);
        }
    }

    /// Counts an edge; the last one completes what is known of a block.
    fn arrive(&mut self, to: BlockIdx) {
        let edges = &mut self.edges[to.index()];
        *edges -= 1;
        if *edges == 0 {
            self.b.seal_block(self.blocks[to.index()]);
        }
    }

    fn condition(&mut self, cond: Cond, width: Width, dst: Reg, src: Operand) -> Value {
        let a = self.part(width, dst);
        let b = self.operand(width, src);
        match comparison(cond) {
            Some(code) => self.b.ins().icmp(code, a, b),
            None => self.b.ins().band(a, b),
        }
    }

    /// Declares the frame's loop budget, where a `may_goto` spends of it.
    pub(super) fn declare_budget(&mut self) {
        let code = &self.linked().exec().code;
        let may_goto = |block: &Block| matches!(code.at(block.last), Some(Insn::MayGoto { .. }));
        if self.plan.blocks.iter().any(may_goto) {
            let budget = self.b.declare_var(types::I64);
            let full = self.number(Width::W64, MAY_GOTO_BUDGET.into());
            self.b.def_var(budget, full);
            self.budget = Some(budget);
        }
    }

    /// Goes on while there is budget left, and spends of it; once it is spent
    /// it stays so.
    fn may_goto(&mut self, taken: BlockIdx, next: BlockIdx) {
        let budget = self.budget.expect("declared at the entry, where there is a may_goto");
        self.leave(taken);
        self.leave(next);
        let left = self.b.use_var(budget);
        let on = self.b.create_block();
        self.b.ins().brif(left, on, &[], self.blocks[taken.index()], &[]);
        self.arrive(taken);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        let after = self.b.ins().iadd_imm_s(left, -1);
        self.b.def_var(budget, after);
        self.b.ins().jump(self.blocks[next.index()], &[]);
        self.arrive(next);
    }
}

/// The comparison that a condition is; [`Cond::Set`] is none.
const fn comparison(cond: Cond) -> Option<IntCC> {
    Some(match cond {
        Cond::Eq => IntCC::Equal,
        Cond::Ne => IntCC::NotEqual,
        Cond::Gt => IntCC::UnsignedGreaterThan,
        Cond::Ge => IntCC::UnsignedGreaterThanOrEqual,
        Cond::Lt => IntCC::UnsignedLessThan,
        Cond::Le => IntCC::UnsignedLessThanOrEqual,
        Cond::Set => return None,
        Cond::Sgt => IntCC::SignedGreaterThan,
        Cond::Sge => IntCC::SignedGreaterThanOrEqual,
        Cond::Slt => IntCC::SignedLessThan,
        Cond::Sle => IntCC::SignedLessThanOrEqual,
    })
}
