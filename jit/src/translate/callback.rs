//! `bpf_loop` as a loop.
//!
//! ```text
//! entry --> head(i) -- i < count --> body: r = callback(i, ctx, 0, 0, 0)
//!   |         ^  |                     |        |
//!   |         |  +-- done(i)           |        +-- r != 0: done(i + 1)
//!   |         +------ i + 1 -----------+
//!   +-- flags != 0: done(-EINVAL); count > MAX_ROUNDS: done((u32)-E2BIG)
//! ```

use super::Translator;
use crate::flow::Role;
use brolga_core::facts::SubprogId;
use brolga_core::insn::RegSet;
use brolga_core::interp::MAX_ROUNDS;
use brolga_core::{Pc, Reg, Width};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};

/// What the helper returns for flags that there are not.
const INVALID: u64 = -22_i64 as u64;
/// What it returns for too many rounds: of 32 bits, as the loop that the kernel
/// puts in the helper's place gives it.
const TOO_BIG: u64 = -7_i32 as u32 as u64;

impl Translator<'_, '_> {
    /// Translates a call of `bpf_loop`.
    pub(super) fn call_loop(&mut self, pc: Pc) {
        let [rounds, func, ctx, flags] = [Reg::R1, Reg::R2, Reg::R3, Reg::R4].map(|reg| self.wide(reg));
        let count = self.b.ins().band_imm_u(rounds, i64::from(u32::MAX));
        let done = self.block_of_one();
        let invalid = self.number(Width::W64, INVALID);
        self.leave_if(flags, done, invalid);
        let most = self.number(Width::W64, MAX_ROUNDS.into());
        let too_many = self.b.ins().icmp(IntCC::UnsignedGreaterThan, count, most);
        let too_big = self.number(Width::W64, TOO_BIG);
        self.leave_if(too_many, done, too_big);
        self.rounds(pc, [count, func, ctx], done);
        self.b.switch_to_block(done);
        let r0 = self.b.block_params(done)[0];
        self.lose(RegSet::CALLER_SAVED);
        self.set_wide(Reg::R0, r0);
    }

    fn rounds(&mut self, pc: Pc, [count, func, ctx]: [Value; 3], done: Block) {
        let (head, body) = (self.block_of_one(), self.b.create_block());
        let zero = self.number(Width::W64, 0);
        self.b.ins().jump(head, &[BlockArg::Value(zero)]);
        self.b.switch_to_block(head);
        let index = self.b.block_params(head)[0];
        let goes_on = self.b.ins().icmp(IntCC::UnsignedLessThan, index, count);
        self.b.ins().brif(goes_on, body, &[], done, &[BlockArg::Value(index)]);
        self.b.seal_block(body);
        self.b.switch_to_block(body);
        let stops = self.call_back(pc, func, &[index, ctx, zero, zero, zero]);
        let one = self.number(Width::W64, 1);
        let next = self.b.ins().iadd(index, one);
        let next = [BlockArg::Value(next)];
        self.b.ins().brif(stops, done, &next, head, &next);
        self.b.seal_block(head);
        self.b.seal_block(done);
    }

    /// Calls the callback: by its name, where the facts say which it is.
    fn call_back(&mut self, pc: Pc, func: Value, arguments: &[Value]) -> Value {
        let known = self.facts(pc).callback.filter(|subprog| self.is_callback(*subprog));
        if let Some(subprog) = known {
            let callee = self.subprog_callee(subprog);
            self.call(callee, arguments)
        } else {
            self.call_at(func, arguments)
        }
    }

    fn is_callback(&self, subprog: SubprogId) -> bool {
        self.shared.program.roles[subprog.index()] == Role::Callback
    }

    fn block_of_one(&mut self) -> Block {
        let block = self.b.create_block();
        self.b.append_block_param(block, types::I64);
        block
    }

    /// On here, or to `done` with a result.
    fn leave_if(&mut self, condition: Value, done: Block, result: Value) {
        let on = self.b.create_block();
        self.b.ins().brif(condition, done, &[BlockArg::Value(result)], on, &[]);
        self.b.seal_block(on);
        self.b.switch_to_block(on);
    }
}
