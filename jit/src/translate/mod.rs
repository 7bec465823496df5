//! From a subprogram to Cranelift's intermediate representation.
//!
//! One pass over the blocks in the order of the program, one arm per
//! instruction. What a register holds is known in [`regs`]; the FunctionBuilder
//! makes it SSA between blocks.

mod alu;
mod atomic;
mod call;
mod callback;
mod control;
mod copy;
mod divide;
mod lazy;
mod memory;
mod multiply;
mod packet;
mod peephole;
mod processor;
mod regs;

use crate::error::CompileError;
use crate::flow::{BlockIdx, Plan, ProgramPlan, Role};
use crate::options::{Options, Passes};
use brolga_core::facts::{InsnFacts, SubprogId};
use brolga_core::insn::RegSet;
use brolga_core::{Callee, Imm64, Insn, Linked, Pc, Reg};
use call::Callees;
use copy::Copied;
use cranelift_codegen::ir::{
    self, AbiParam, Function, Signature, SourceLoc, StackSlot, StackSlotData, StackSlotKind, UserFuncName,
    Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use memory::Stored;
use processor::Processor;
use regs::{Numbers, Regs, Snapshot};
use std::collections::BTreeMap;

pub(crate) use call::{HELPERS, SUBPROGS};

/// What the translation of every subprogram of a program shares.
pub(crate) struct Shared<'a> {
    pub(crate) program: &'a ProgramPlan<'a>,
    pub(crate) options: &'a Options,
    pub(crate) isa: &'a dyn TargetIsa,
    /// The helper bodies and hooks that code calls directly.
    pub(crate) near: Vec<u64>,
}

impl Shared<'_> {
    fn passes(&self) -> Passes {
        self.options.passes
    }

    fn call_conv(&self) -> CallConv {
        self.isa.default_call_conv()
    }

    fn signature(&self, role: Role) -> Signature {
        let parameters = match role {
            Role::Main => 3,
            Role::Subprog { parameters } => parameters.len() + usize::from(self.program.tail_calls),
            Role::Callback => 5,
        };
        self.signature_of(parameters)
    }

    fn signature_of(&self, parameters: usize) -> Signature {
        let mut signature = Signature::new(self.call_conv());
        signature.params.extend(std::iter::repeat_n(AbiParam::new(types::I64), parameters));
        signature.returns.push(AbiParam::new(types::I64));
        signature
    }
}

/// Translates a subprogram into `func`.
pub(crate) fn subprog(
    shared: &mut Shared<'_>,
    id: SubprogId,
    plan: &Plan,
    func: &mut Function,
    scratch: &mut FunctionBuilderContext,
) -> Result<(), CompileError> {
    func.name = UserFuncName::user(SUBPROGS, id.0);
    func.signature = shared.signature(shared.program.roles[id.index()]);
    let frontend = shared.isa.frontend_config();
    let mut translator = Translator::new(shared, id, plan, FunctionBuilder::new(func, scratch));
    translator.entry();
    for block in 0..plan.blocks.len() {
        translator.block(block)?;
    }
    translator.b.finalize(frontend);
    Ok(())
}

/// A subprogram on its way.
struct Translator<'a, 'b> {
    shared: &'a mut Shared<'b>,
    id: SubprogId,
    plan: &'a Plan,
    b: FunctionBuilder<'a>,
    /// The block that the host or a caller enters.
    entry: ir::Block,
    /// Made when something first leads there: not at all where all that would go
    /// on to it return instead, or never do.
    blocks: Vec<Option<ir::Block>>,
    /// The index of the block to be translated next.
    next: usize,
    /// Whether that one goes on in the block that is being filled, for nothing
    /// else leads there.
    joined: bool,
    /// How many edges to each block are yet to come.
    edges: Vec<u32>,
    /// What a block's only predecessor left in the registers.
    left: Vec<Option<Box<Snapshot>>>,
    regs: Regs,
    numbers: Numbers,
    /// How many ways have led out of a loop, where that is counted.
    exits: usize,
    /// Where the branch that is being translated leaves a loop, if what is live is
    /// put into values of its own on that way.
    separates: Option<BlockIdx>,
    /// The part of the stack that is memory, unless there is none.
    frame: Option<StackSlot>,
    /// What the last store of this block put into the frame, where nothing can
    /// have changed it since.
    stored: Option<Stored>,
    /// The word that was copied last.
    copied: Option<Copied>,
    /// The variables of the slots that are values.
    slots: BTreeMap<usize, Variable>,
    /// The run; nothing where no tail call needs it or in a callback.
    run: Option<Value>,
    /// How much is left of the frame's loop budget, counted down.
    budget: Option<Variable>,
    /// The processor that this runs on.
    processor: Processor,
    callees: Callees,
}

impl<'a, 'b> Translator<'a, 'b> {
    fn new(shared: &'a mut Shared<'b>, id: SubprogId, plan: &'a Plan, mut b: FunctionBuilder<'a>) -> Self {
        let frame = plan.stack.is_memory.then(|| {
            // One that is only looked at is still another than the caller's.
            let size = frame_size(plan.subprog.stack).max(16);
            b.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, size, 4))
        });
        let entry = b.create_block();
        Self {
            id,
            plan,
            entry,
            blocks: vec![None; plan.blocks.len()],
            next: 0,
            joined: false,
            edges: plan.blocks.iter().map(|block| block.edges).collect(),
            left: plan.blocks.iter().map(|_| None).collect(),
            regs: Regs::new(&mut b),
            numbers: Numbers::default(),
            exits: 0,
            separates: None,
            frame,
            stored: None,
            copied: None,
            slots: BTreeMap::new(),
            run: None,
            budget: None,
            processor: Processor::default(),
            callees: Callees::default(),
            shared,
            b,
        }
    }

    fn linked(&self) -> &'b Linked {
        self.shared.program.linked
    }

    fn facts(&self, pc: Pc) -> &'b InsnFacts {
        self.linked().facts().at(pc)
    }

    fn has(&self, pass: Passes) -> bool {
        self.shared.passes().contains(pass)
    }

    /// The block that the host or a caller enters: parameters become registers,
    /// the frame is made.
    fn entry(&mut self) {
        let entry = self.entry;
        self.b.append_block_params_for_function_params(entry);
        self.b.switch_to_block(entry);
        self.b.ensure_inserted_block();
        self.b.seal_block(entry);
        let (registers, run) = self.parameters();
        let params = self.b.block_params(entry).to_vec();
        self.run = run.then(|| params[params.len() - 1]);
        self.regs.enter(self.plan.blocks[0].live, RegSet::EMPTY);
        for (reg, value) in registers.iter().zip(params) {
            self.set_wide(reg, value);
        }
        if self.plan.subprog.reads_uninit_stack {
            self.zero_frame();
        }
        self.declare_budget();
        self.declare_processor();
        self.goto(BlockIdx::ENTRY);
    }

    /// The registers that are parameters, and whether the last parameter is the
    /// run.
    fn parameters(&self) -> (RegSet, bool) {
        match self.shared.program.roles[self.id.index()] {
            Role::Main => (RegSet::args(2), true),
            Role::Subprog { parameters } => (parameters, self.shared.program.tail_calls),
            Role::Callback => (RegSet::ARGS, false),
        }
    }

    /// The block of Cranelift's that one of the plan becomes, unless it is joined
    /// to another.
    fn ir_block(&mut self, block: BlockIdx) -> ir::Block {
        *self.blocks[block.index()].get_or_insert_with(|| self.b.create_block())
    }

    /// Translates a block, unless nothing leads there.
    fn block(&mut self, index: usize) -> Result<(), CompileError> {
        let plan = &self.plan.blocks[index];
        self.next = index + 1;
        if !std::mem::take(&mut self.joined) {
            if self.edges[index] == 0 && self.blocks[index].is_none() {
                plan.ending.successors().for_each(|to| self.arrived(to));
                return Ok(());
            }
            self.stored = None;
            let block = self.ir_block(BlockIdx::new(index));
            self.b.switch_to_block(block);
            match self.left[index].take() {
                Some(left) => {
                    self.regs.resume(*left);
                    self.gap();
                }
                None => self.regs.enter(plan.live, plan.short),
            }
        }
        // To keep them takes a little time.
        let shows = !self.shared.options.listing.is_empty();
        for (pc, insn) in plan.insns(&self.linked().exec().code) {
            if shows {
                self.b.set_srcloc(SourceLoc::new(pc.0));
            }
            self.insn(pc, insn)?;
        }
        self.ending(plan);
        Ok(())
    }

    fn insn(&mut self, pc: Pc, insn: &Insn) -> Result<(), CompileError> {
        match *insn {
            Insn::Alu { op, width, dst, src } => self.alu(pc, op, width, dst, src),
            Insn::Neg { width, dst } => self.neg(width, dst),
            Insn::MovSx { width, from, dst, src } => self.mov_sx(width, from, dst, src),
            Insn::Swap { order, size, dst } => self.swap(order, size, dst),
            Insn::LoadImm64 { dst, imm } => self.load_imm(pc, dst, imm)?,
            Insn::Load { size, signed, dst, src, off } => self.load(pc, size, signed, dst, (src, off))?,
            Insn::Store { size, dst, off, src } => self.store(pc, size, (dst, off), src)?,
            Insn::Atomic { op, width, dst, off, src } => self.atomic(pc, op, width, (dst, off), src)?,
            Insn::LoadAcquire { size, dst, src, off } => self.load_acquire(pc, size, dst, (src, off))?,
            Insn::StoreRelease { size, dst, off, src } => self.store_release(pc, size, (dst, off), src)?,
            Insn::LoadPacket { size, at, imm } => self.load_packet(size, at, imm),
            Insn::Call(Callee::Helper(_) | Callee::Kfunc { .. }) => self.call_helper(pc)?,
            Insn::Call(Callee::Subprog(off)) => self.call_subprog(pc, off)?,
            // The block's ending translates these.
            Insn::Jump { .. } | Insn::JumpIf { .. } | Insn::MayGoto { .. } | Insn::Exit => {}
            Insn::AddrSpaceCast { .. } => {
                return Err(CompileError::Unsupported { at: pc, what: "an address space cast" });
            }
        }
        Ok(())
    }

    fn load_imm(&mut self, pc: Pc, dst: Reg, imm: Imm64) -> Result<(), CompileError> {
        match imm {
            Imm64::Value(value) => self.set_number(dst, value),
            Imm64::Func(off) => self.load_func(pc, dst, off)?,
            Imm64::MapFd(_) | Imm64::MapValue { .. } | Imm64::MapIdx(_) | Imm64::MapIdxValue { .. } => {
                return Err(CompileError::Unsupported { at: pc, what: "an unresolved map reference" });
            }
            Imm64::BtfId { .. } => {
                return Err(CompileError::Unsupported { at: pc, what: "a kernel variable" });
            }
        }
        Ok(())
    }
}

/// The size of a frame whose end is as aligned as its start: to 16 bytes.
const fn frame_size(stack: u32) -> u32 {
    stack.next_multiple_of(16)
}
