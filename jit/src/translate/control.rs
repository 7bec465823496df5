//! Jumps, branches and the ends of blocks.

use super::Translator;
use crate::flow::{Block, BlockIdx, Ending};
use crate::options::Passes;
use brolga_core::interp::MAY_GOTO_BUDGET;
use brolga_core::{Cond, Insn, Operand, Reg, Width};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, TrapCode, Value, types};

/// What code that the proof calls unreachable stops with.
const UNREACHABLE: TrapCode = TrapCode::unwrap_user(1);

/// From how many blocks on a subprogram is large, and after how many ways out of
/// loops what is live is then put into values of its own.
const MANY_BLOCKS: usize = 128;
const EXITS: usize = 16;

impl Translator<'_, '_> {
    pub(super) fn ending(&mut self, block: &Block) {
        match block.ending {
            Ending::Goto(to) => self.goto(to),
            Ending::Branch { taken, next } => self.branch(block, taken, next),
            Ending::Return => {
                self.leave_subprog();
            }
            Ending::Trap => {
                self.b.ins().trap(UNREACHABLE);
            }
        }
    }

    pub(super) fn goto(&mut self, to: BlockIdx) {
        if self.is_joined(to) {
            self.edges[to.index()] -= 1;
            self.joined = true;
            return;
        }
        self.jump(to);
        self.arrived(to);
    }

    /// Ends what is being filled by going on to a block.
    fn jump(&mut self, to: BlockIdx) {
        if self.only_returns(to) {
            return self.leave_subprog();
        }
        self.leave(to);
        let block = self.ir_block(to);
        self.b.ins().jump(block, &[]);
    }

    /// Whether a block that this one goes on to needs none of its own.
    fn is_joined(&self, to: BlockIdx) -> bool {
        to.index() == self.next && self.may_join(to)
    }

    fn may_join(&self, to: BlockIdx) -> bool {
        self.has(Passes::THREAD) && self.plan.blocks[to.index()].edges == 1
    }

    fn leave_subprog(&mut self) {
        let r0 = self.wide(Reg::R0);
        self.b.ins().return_(&[r0]);
    }

    /// Whether all that a block does is to return, for several others.
    fn only_returns(&self, block: BlockIdx) -> bool {
        let plan = &self.plan.blocks[block.index()];
        let only = plan.ending == Ending::Return && plan.start == plan.last;
        only && plan.edges > 1 && self.has(Passes::RETURN)
    }

    fn branch(&mut self, block: &Block, taken: BlockIdx, next: BlockIdx) {
        let insn = self.linked().exec().code.at(block.last);
        let Some(&Insn::JumpIf { cond, width, dst, src, .. }) = insn else {
            // The other instruction that branches is `may_goto`.
            return self.may_goto(taken, next);
        };
        if let Some(goes) = self.decided(cond, width, dst, src) {
            let (to, never) = if goes { (taken, next) } else { (next, taken) };
            self.goto(to);
            return self.arrived(never);
        }
        // What Cranelift is told first it lays out last.
        let swaps = self.has(Passes::LAYOUT) && self.is_aside(block, next) && !self.is_aside(block, taken);
        let (cond, first, then) =
            if swaps { (inverse(cond), next, taken) } else { (Some(cond), taken, next) };
        let condition = self.condition(cond, width, dst, src);
        self.separates = self.separates(block, [first, then]);
        // What one way needs made here, the other finds made.
        let (to, or) = if self.takes_over(first) {
            let or = self.way(block, then);
            (self.way(block, first), or)
        } else {
            (self.way(block, first), self.way(block, then))
        };
        self.b.ins().brif(condition, to, &[], or, &[]);
        self.arrive(first, to);
        self.arrive(then, or);
    }

    /// Whether a way leads out of the loop, or the subprogram.
    fn is_aside(&self, from: &Block, to: BlockIdx) -> bool {
        self.plan.blocks[to.index()].depth < from.depth || self.only_returns(to)
    }

    /// Where a branch to a block leads: to one of its own, where that one does
    /// nothing but return, or is outside a loop and reached from elsewhere too.
    /// What is needed there is then made there, and not before the branch, where
    /// the other way would pay for it.
    fn way(&mut self, from: &Block, to: BlockIdx) -> ir::Block {
        if self.has_own_way(from, to) {
            let block = self.b.create_block();
            if !self.has(Passes::LAYOUT) {
                self.b.set_cold_block(block);
            }
            return block;
        }
        self.leave(to);
        self.ir_block(to)
    }

    fn has_own_way(&self, from: &Block, to: BlockIdx) -> bool {
        let plan = &self.plan.blocks[to.index()];
        let leaves_loop = plan.depth < from.depth && plan.edges > 1 && self.has(Passes::LAYOUT);
        leaves_loop || self.only_returns(to)
    }

    /// Makes ready what a successor will ask for: a block yet to come whose only
    /// predecessor this is takes everything over, any other asks the variables.
    fn leave(&mut self, to: BlockIdx) {
        let live = self.plan.blocks[to.index()].live;
        let before = self.separates.take_if(|loop_end| *loop_end == to).map(|_| self.regs.snapshot());
        if before.is_some() {
            self.separate(live);
        }
        if self.takes_over(to) {
            self.left[to.index()] = Some(self.regs.snapshot());
        } else {
            self.gap();
            self.settle(live);
        }
        if let Some(before) = before {
            self.regs.resume(*before);
        }
    }

    /// Which of two ways on, if any, leads out of a loop to where what is live is to
    /// be put into values of its own.
    fn separates(&mut self, from: &Block, ways: [BlockIdx; 2]) -> Option<BlockIdx> {
        if self.plan.blocks.len() < MANY_BLOCKS || !self.has(Passes::LAZY) {
            return None;
        }
        let leaves = |to: &BlockIdx| self.plan.blocks[to.index()].depth < from.depth;
        let to = ways.into_iter().find(leaves)?;
        self.exits += 1;
        let is_apart = self.takes_over(to) || self.has_own_way(from, to);
        (is_apart && self.exits.is_multiple_of(EXITS)).then_some(to)
    }

    fn takes_over(&self, to: BlockIdx) -> bool {
        self.plan.blocks[to.index()].edges == 1 && to.index() >= self.next
    }

    /// Completes an edge to a block, which leads to `way`.
    fn arrive(&mut self, to: BlockIdx, way: ir::Block) {
        if self.blocks[to.index()] != Some(way) {
            let before = self.regs.snapshot();
            self.b.seal_block(way);
            self.b.switch_to_block(way);
            self.jump(to);
            self.regs.resume(*before);
        }
        self.arrived(to);
    }

    /// An edge to a block is complete, or is none.
    pub(super) fn arrived(&mut self, to: BlockIdx) {
        self.edges[to.index()] -= 1;
        if let Some(block) = self.blocks[to.index()]
            && self.edges[to.index()] == 0
        {
            self.b.seal_block(block);
        }
    }

    /// Whether a jump is taken, where that is known.
    fn decided(&self, cond: Cond, width: Width, dst: Reg, src: Operand) -> Option<bool> {
        let a = self.known_number(Operand::Reg(dst)).filter(|_| self.has(Passes::FOLD))?;
        Some(cond.eval(width, a, self.known_number(src)?))
    }

    /// A condition; without one, that no bit of both is set.
    fn condition(&mut self, cond: Option<Cond>, width: Width, dst: Reg, src: Operand) -> Value {
        let a = self.part(width, dst);
        if let Some(code) = cond.and_then(comparison) {
            let b = self.small_operand(width, src);
            return self.b.ins().icmp(code, a, b);
        }
        let b = self.operand(width, src);
        let both = self.b.ins().band(a, b);
        if cond.is_some() { both } else { self.b.ins().icmp_imm_u(IntCC::Equal, both, 0) }
    }

    /// Declares the frame's loop budget, where a `may_goto` spends of it.
    pub(super) fn declare_budget(&mut self) {
        let code = &self.linked().exec().code;
        if self.plan.blocks.iter().any(|block| block.spends(code)) {
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
        let (on, out) = (self.b.create_block(), self.ir_block(taken));
        self.b.ins().brif(left, on, &[], out, &[]);
        self.arrive(taken, out);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
        let after = self.b.ins().iadd_imm_s(left, -1);
        self.b.def_var(budget, after);
        let next_block = self.ir_block(next);
        self.b.ins().jump(next_block, &[]);
        self.arrive(next, next_block);
    }
}

/// What is true where a condition is not; nothing of [`Cond::Set`].
const fn inverse(cond: Cond) -> Option<Cond> {
    Some(match cond {
        Cond::Eq => Cond::Ne,
        Cond::Ne => Cond::Eq,
        Cond::Gt => Cond::Le,
        Cond::Ge => Cond::Lt,
        Cond::Lt => Cond::Ge,
        Cond::Le => Cond::Gt,
        Cond::Set => return None,
        Cond::Sgt => Cond::Sle,
        Cond::Sge => Cond::Slt,
        Cond::Slt => Cond::Sge,
        Cond::Sle => Cond::Sgt,
    })
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
