//! Statements: what the generator knows how to write.

use super::CHECKED;
use super::body::{Callback, Linkage, Sub, VALUE_BYTES};
use super::emit::{Emit, Label};
use super::place::TABLES;
use super::regs::{Frame, Holds, SLOTS};
use arbitrary::{Result, Unstructured};
use brolga_core::helper::table::id;
use brolga_core::{AluOp, AtomicOp, Callee, Cond, Imm64, Insn, Operand, Order, Reg, Size, Width};

/// How deep statements nest.
pub(super) const MAX_DEPTH: u32 = 3;

/// Numbers at which arithmetic goes wrong.
const EDGES: [i32; 14] = [0, 1, 2, 3, 7, 8, 31, 32, 63, 255, 0xffff, i32::MAX, i32::MIN, -1];

/// Writes statements of one frame.
pub(super) struct Writer<'a, 'u> {
    pub(super) u: &'a mut Unstructured<'u>,
    pub(super) emit: &'a mut Emit,
    pub(super) subprogs: &'a [Sub],
    /// What helpers run, to be written later.
    pub(super) callbacks: &'a mut Vec<Callback>,
    /// Where the main program leaves early; a subprogram does not, nor where
    /// something must be given back first.
    pub(super) out: Option<Label>,
    pub(super) depth: u32,
    /// Whether a helper may be had to run something.
    pub(super) runs: bool,
    /// Whether nothing may be called: a lock is held.
    pub(super) locked: bool,
    /// How many scopes there were.
    pub(super) scopes: u32,
}

impl<'a, 'u> Writer<'a, 'u> {
    /// At the start of a frame that may call these.
    pub(super) const fn new(
        u: &'a mut Unstructured<'u>,
        emit: &'a mut Emit,
        subprogs: &'a [Sub],
        callbacks: &'a mut Vec<Callback>,
    ) -> Self {
        Self { u, emit, subprogs, callbacks, out: None, depth: 0, runs: true, locked: false, scopes: 0 }
    }
}

pub(super) fn mov(dst: Reg, src: Operand) -> Insn {
    Insn::Alu { op: AluOp::Mov, width: Width::W64, dst, src }
}

pub(super) fn alu_imm(op: AluOp, width: Width, dst: Reg, imm: i32) -> Insn {
    Insn::Alu { op, width, dst, src: Operand::Imm(imm) }
}

pub(super) fn load(size: Size, dst: Reg, src: Reg, off: i16) -> Insn {
    Insn::Load { size, signed: false, dst, src, off }
}

pub(super) const fn slot_off(slot: usize) -> i16 {
    -8 * (slot as i16 + 1)
}

impl Writer<'_, '_> {
    pub(super) fn statements(&mut self, frame: &mut Frame, count: usize) -> Result<()> {
        for _ in 0..count {
            self.statement(frame)?;
        }
        Ok(())
    }

    pub(super) fn statement(&mut self, frame: &mut Frame) -> Result<()> {
        if self.emit.idioms && self.u.ratio(1, 3)? {
            return if self.u.ratio(1, 4)? { self.unchanging(frame) } else { self.idiom(frame) };
        }
        match self.u.int_in_range(0..=35)? {
            0..=4 => self.arithmetic(frame),
            5 => self.unary(frame),
            6 => self.spill(frame),
            7 => self.fill(frame),
            8 => self.stack_bytes(frame),
            9..=10 => self.packet(frame),
            14 => self.value(frame),
            16..=17 if self.depth < MAX_DEPTH => self.branch(frame),
            18 if self.depth < MAX_DEPTH => self.repeat(frame),
            20 => self.stack_at_variable(frame),
            21 => self.stack_atomic(frame),
            22 => self.global(frame),
            25 => self.copy(frame),
            26 => self.constant(frame),
            _ if self.locked => self.value(frame),
            11 => self.packet_at_variable(frame),
            12..=13 => self.lookup(frame),
            15 => self.update_or_delete(frame),
            19 => self.call(frame),
            23 => self.meta(frame),
            24 => self.adjust_head(frame),
            27 => self.processor(frame),
            28.. if self.depth < MAX_DEPTH => self.lent(frame),
            _ => self.constant(frame),
        }
    }

    pub(super) fn edge(&mut self) -> Result<i32> {
        if self.u.ratio(3, 4)? { self.u.choose(&EDGES).copied() } else { self.u.arbitrary() }
    }

    pub(super) fn width(&mut self) -> Result<Width> {
        self.u.choose(&Width::ALL).copied()
    }

    /// A number to read; one is made where there is none.
    pub(super) fn number(&mut self, frame: &mut Frame) -> Result<Reg> {
        if frame.numbers().is_empty() {
            self.constant(frame)?;
        }
        self.u.choose(&frame.numbers()).copied()
    }

    /// A number to change.
    pub(super) fn target(&mut self, frame: &mut Frame) -> Result<Reg> {
        if frame.with(Holds::Number).is_empty() {
            self.constant(frame)?;
        }
        self.u.choose(&frame.with(Holds::Number)).copied()
    }

    fn constant(&mut self, frame: &mut Frame) -> Result<()> {
        let dst = *self.u.choose(&frame.free())?;
        if self.u.ratio(1, 4)? {
            let imm = Imm64::Value(self.u.arbitrary()?);
            self.emit.insn(Insn::LoadImm64 { dst, imm });
        } else {
            let (width, imm) = (self.width()?, self.edge()?);
            self.emit.insn(alu_imm(AluOp::Mov, width, dst, imm));
        }
        frame.set(dst, Holds::Number);
        Ok(())
    }

    /// An immediate that the operator may have: no shift past the width, no
    /// division by 0.
    fn immediate(&mut self, op: AluOp, width: Width) -> Result<i32> {
        match op {
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => self.u.int_in_range(0..=width.bits() as i32 - 1),
            AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod => Ok(match self.edge()? {
                0 => 1,
                imm => imm,
            }),
            AluOp::Add | AluOp::Sub | AluOp::Mul | AluOp::Or | AluOp::And | AluOp::Xor | AluOp::Mov => {
                self.edge()
            }
        }
    }

    pub(super) fn arithmetic(&mut self, frame: &mut Frame) -> Result<()> {
        let (op, width) = (*self.u.choose(&AluOp::ALL)?, self.width()?);
        let dst = self.target(frame)?;
        let src = if self.u.arbitrary()? {
            Operand::Reg(self.number(frame)?)
        } else {
            Operand::Imm(self.immediate(op, width)?)
        };
        self.emit.insn(Insn::Alu { op, width, dst, src });
        Ok(())
    }

    fn unary(&mut self, frame: &mut Frame) -> Result<()> {
        let (width, dst) = (self.width()?, self.target(frame)?);
        let insn = match self.u.int_in_range(0..=2)? {
            0 => Insn::Neg { width, dst },
            1 => {
                let order = *self.u.choose(&Order::ALL)?;
                let size = *self.u.choose(&[Size::B2, Size::B4, Size::B8])?;
                Insn::Swap { order, size, dst }
            }
            _ => {
                let sizes: &[Size] = match width {
                    Width::W32 => &[Size::B1, Size::B2],
                    Width::W64 => &[Size::B1, Size::B2, Size::B4],
                };
                let (from, src) = (*self.u.choose(sizes)?, self.number(frame)?);
                Insn::MovSx { width, from, dst, src }
            }
        };
        self.emit.insn(insn);
        Ok(())
    }

    /// A register to a stack slot.
    fn spill(&mut self, frame: &mut Frame) -> Result<()> {
        let held: Vec<Reg> =
            Reg::ALL.into_iter().filter(|r| *r != Reg::FP && frame.of(*r) != Holds::Nothing).collect();
        let Some(src) = held.get(self.u.int_in_range(0..=9)?).copied() else { return Ok(()) };
        let slot = self.u.choose_index(SLOTS)?;
        self.emit.insn(Insn::Store {
            size: Size::B8,
            dst: Reg::FP,
            off: slot_off(slot),
            src: Operand::Reg(src),
        });
        frame.slots[slot] = match frame.of(src) {
            Holds::Counter => Holds::Number,
            holds => holds,
        };
        Ok(())
    }

    /// A stack slot to a register; of a number maybe only a part.
    fn fill(&mut self, frame: &mut Frame) -> Result<()> {
        let slot = self.u.choose_index(SLOTS)?;
        let holds = frame.slots[slot];
        if holds == Holds::Nothing {
            return self.spill(frame);
        }
        let dst = *self.u.choose(&frame.free())?;
        let narrow = holds == Holds::Number && self.u.ratio(1, 3)?;
        let size = if narrow { *self.u.choose(&Size::ALL)? } else { Size::B8 };
        let within = self.u.int_in_range(0..=7)? / size.bytes() as i16 * size.bytes() as i16;
        let signed = size != Size::B8 && self.u.arbitrary()?;
        let off = slot_off(slot) + if narrow { within } else { 0 };
        self.emit.insn(Insn::Load { size, signed, dst, src: Reg::FP, off });
        frame.set(dst, holds);
        Ok(())
    }

    /// A narrow store of a number or an immediate over a slot that held a
    /// number.
    fn stack_bytes(&mut self, frame: &mut Frame) -> Result<()> {
        let slot = self.u.choose_index(SLOTS)?;
        if frame.slots[slot] != Holds::Number {
            let imm = self.edge()?;
            let src = Operand::Imm(imm);
            self.emit.insn(Insn::Store { size: Size::B8, dst: Reg::FP, off: slot_off(slot), src });
            frame.slots[slot] = Holds::Number;
            return Ok(());
        }
        let size = *self.u.choose(&Size::ALL)?;
        let within = self.u.int_in_range(0..=7)? / size.bytes() as i16 * size.bytes() as i16;
        let src = Operand::Reg(self.number(frame)?);
        self.emit.insn(Insn::Store { size, dst: Reg::FP, off: slot_off(slot) + within, src });
        Ok(())
    }

    /// An access of `bytes` bytes behind a pointer: load, store or atomic.
    pub(super) fn access(&mut self, frame: &mut Frame, base: Reg, bytes: u32, atomics: bool) -> Result<()> {
        let size = *self.u.choose(&Size::ALL)?;
        let step = size.bytes() as i16;
        let off = self.u.int_in_range(0..=(bytes / size.bytes()) as i16 - 1)? * step;
        match self.u.int_in_range(0..=4)? {
            0 | 1 => {
                let free: Vec<Reg> = frame.free().into_iter().filter(|r| *r != base).collect();
                let dst = *self.u.choose(&free)?;
                let signed = size != Size::B8 && self.u.arbitrary()?;
                self.emit.insn(Insn::Load { size, signed, dst, src: base, off });
                frame.set(dst, Holds::Number);
            }
            2 => {
                let src = Operand::Imm(self.edge()?);
                self.emit.insn(Insn::Store { size, dst: base, off, src });
            }
            3 if atomics => return self.atomic(frame, base, bytes),
            _ => {
                let src = Operand::Reg(self.number(frame)?);
                if src != Operand::Reg(base) {
                    self.emit.insn(Insn::Store { size, dst: base, off, src });
                }
            }
        }
        Ok(())
    }

    fn atomic(&mut self, frame: &mut Frame, base: Reg, bytes: u32) -> Result<()> {
        let (op, width) = (*self.u.choose(&AtomicOp::ALL)?, self.width()?);
        let size = width.size().bytes();
        let off = (self.u.int_in_range(0..=bytes / size - 1)? * size) as i16;
        let src = self.target(frame)?;
        if src == base || (op == AtomicOp::Cmpxchg && !matches!(frame.of(Reg::R0), Holds::Number)) {
            return Ok(());
        }
        self.emit.insn(Insn::Atomic { op, width, dst: base, off, src });
        Ok(())
    }

    fn packet(&mut self, frame: &mut Frame) -> Result<()> {
        match frame.with(Holds::Packet).first().copied() {
            Some(packet) => self.access(frame, packet, CHECKED, false),
            None => self.arithmetic(frame),
        }
    }

    /// A load at a bounded but unknown offset of the packet, after a second
    /// test against its end.
    fn packet_at_variable(&mut self, frame: &mut Frame) -> Result<()> {
        let (Some(packet), Some(ctx)) =
            (frame.with(Holds::Packet).first().copied(), frame.with(Holds::Ctx).first().copied())
        else {
            return self.arithmetic(frame);
        };
        let index = self.number(frame)?;
        let scratch = [Reg::R1, Reg::R2, Reg::R3];
        if scratch.iter().any(|r| !frame.free().contains(r)) {
            return Ok(());
        }
        let skip = self.emit.label();
        let most = *self.u.choose(&[0, 1, 7, 31, 63, 255])?;
        self.bounded(Reg::R1, index, most, skip)?;
        self.emit.insn(alu_imm(AluOp::Mov, Width::W64, Reg::R3, 0));
        self.emit.insn(load(Size::B4, Reg::R2, ctx, 4));
        self.add_pointer(Reg::R1, packet);
        let size = *self.u.choose(&Size::ALL)?;
        // Seldom one byte too few is tested for: to be rejected.
        let tested = size.bytes() as i32 - i32::from(self.u.ratio(1, 100)?);
        self.emit.insn(mov(Reg::R3, Operand::Reg(Reg::R1)));
        self.emit.insn(alu_imm(AluOp::Add, Width::W64, Reg::R3, tested));
        self.jump_unless_within(Reg::R3, Reg::R2, skip)?;
        self.emit.insn(load(size, Reg::R1, Reg::R1, 0));
        let keep = self.target_slot(frame)?;
        self.emit.insn(Insn::Store { size: Size::B8, dst: Reg::FP, off: keep, src: Operand::Reg(Reg::R1) });
        self.emit.here(skip);
        for reg in scratch {
            frame.set(reg, Holds::Nothing);
        }
        Ok(())
    }

    /// A slot that holds a number before, so that it does whichever way is
    /// taken.
    pub(super) fn target_slot(&mut self, frame: &Frame) -> Result<i16> {
        let slots: Vec<usize> = (0..SLOTS).filter(|s| frame.slots[*s] == Holds::Number).collect();
        // The last slot but one below the others is the generator's own.
        Ok(if slots.is_empty() { slot_off(SLOTS) } else { slot_off(*self.u.choose(&slots)?) })
    }

    pub(super) fn add_pointer(&mut self, number: Reg, pointer: Reg) {
        let src = Operand::Reg(pointer);
        self.emit.insn(Insn::Alu { op: AluOp::Add, width: Width::W64, dst: number, src });
    }

    /// r1 is the map, r2 a key on the stack.
    pub(super) fn map_and_key(&mut self, frame: &mut Frame, map: i32) -> Result<()> {
        let key = slot_off(SLOTS + 1);
        let number = self.number(frame)?;
        let src = if self.u.arbitrary()? {
            Operand::Imm(self.u.int_in_range(0..=5)?)
        } else {
            Operand::Reg(number)
        };
        self.emit.insn(Insn::Store { size: Size::B4, dst: Reg::FP, off: key, src });
        if self.emit.idioms && self.u.ratio(1, 6)? {
            self.change_key(frame, key)?;
        }
        self.emit.insn(Insn::LoadImm64 { dst: Reg::R1, imm: Imm64::MapIdx(map) });
        self.slot_address(Reg::R2, key);
        Ok(())
    }

    /// A map value to a saved register, where there is one.
    fn lookup(&mut self, frame: &mut Frame) -> Result<()> {
        let kept: Vec<Reg> = Reg::SAVED.into_iter().filter(|r| frame.free().contains(r)).collect();
        if kept.is_empty() || !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let dst = *self.u.choose(&kept)?;
        let map = *self.u.choose(&TABLES)?;
        self.map_and_key(frame, map)?;
        self.emit.insn(Insn::Call(Callee::Helper(id::MAP_LOOKUP_ELEM)));
        frame.after_call();
        let skip = self.emit.label();
        // Seldom the test for null is left out: to be rejected.
        if !self.u.ratio(1, 100)? {
            self.emit.jump_if(Cond::Eq, Width::W64, Reg::R0, Operand::Imm(0), skip);
        }
        let before = *frame;
        self.emit.insn(mov(dst, Operand::Reg(Reg::R0)));
        frame.set(Reg::R0, Holds::Value);
        frame.set(dst, Holds::Value);
        self.depth += 1;
        let count = self.u.int_in_range(1..=4)?;
        for _ in 0..count {
            if self.u.ratio(2, 3)? {
                self.value(frame)?;
            } else {
                self.statement(frame)?;
            }
        }
        self.depth -= 1;
        self.join(frame, &before, dst, skip)
    }

    /// Where the path with a map value meets the one without.
    fn join(&mut self, frame: &mut Frame, before: &Frame, dst: Reg, skip: Label) -> Result<()> {
        self.emit.here(skip);
        frame.meet(before);
        for reg in [Reg::R0, dst] {
            frame.set(reg, Holds::Nothing);
        }
        Ok(())
    }

    pub(super) fn args_free(&self, frame: &Frame) -> bool {
        let free = frame.free();
        (0..=5).all(|i| free.contains(&Reg::ALL[i]))
    }

    /// An access of a map value or other memory, at a fixed or a bounded unknown
    /// offset.
    pub(super) fn value(&mut self, frame: &mut Frame) -> Result<()> {
        let values = frame.memory();
        if values.is_empty() {
            return self.caller_slot(frame);
        }
        let (base, bytes) = *self.u.choose(&values)?;
        if frame.of(base) == Holds::Key {
            return self.key(frame, base);
        }
        if self.u.ratio(2, 3)? {
            let atomics = !matches!(frame.of(base), Holds::Part(..));
            return self.access(frame, base, bytes, atomics);
        }
        let index = self.number(frame)?;
        let spare = |r: &Reg| *r != base && frame.of(*r) != Holds::Value;
        let Some(copy) = frame.free().into_iter().find(spare) else { return Ok(()) };
        let size = *self.u.choose(&Size::ALL)?;
        let most = bytes.saturating_sub(size.bytes());
        // Seldom the bound is one too large: to be rejected.
        let bound = most as i32 + i32::from(self.u.ratio(1, 100)?);
        let skip = self.emit.label();
        self.bounded(copy, index, bound, skip)?;
        self.add_pointer(copy, base);
        self.emit.insn(load(size, copy, copy, 0));
        self.emit.here(skip);
        frame.set(copy, Holds::Number);
        Ok(())
    }

    /// A load of a map's key.
    fn key(&mut self, frame: &mut Frame, base: Reg) -> Result<()> {
        let dst = *self.u.choose(&frame.free())?;
        let size = *self.u.choose(&[Size::B1, Size::B2, Size::B4])?;
        self.emit.insn(load(size, dst, base, 0));
        frame.set(dst, Holds::Number);
        Ok(())
    }

    fn update_or_delete(&mut self, frame: &mut Frame) -> Result<()> {
        if !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let words = VALUE_BYTES as usize / 8;
        for word in 0..words {
            let (off, src) = (slot_off(SLOTS + 2 + word), Operand::Imm(self.edge()?));
            self.emit.insn(Insn::Store { size: Size::B8, dst: Reg::FP, off, src });
        }
        let map = *self.u.choose(&TABLES)?;
        self.map_and_key(frame, map)?;
        if self.u.ratio(1, 4)? {
            self.emit.insn(Insn::Call(Callee::Helper(id::MAP_DELETE_ELEM)));
        } else {
            self.slot_address(Reg::R3, slot_off(SLOTS + 1 + words));
            self.emit.insn(alu_imm(AluOp::Mov, Width::W64, Reg::R4, self.u.int_in_range(0..=3)?));
            self.emit.insn(Insn::Call(Callee::Helper(id::MAP_UPDATE_ELEM)));
        }
        frame.after_call();
        Ok(())
    }

    /// The address of a place on the stack.
    pub(super) fn slot_address(&mut self, dst: Reg, off: i16) {
        self.emit.insn(mov(dst, Operand::Reg(Reg::FP)));
        self.emit.insn(alu_imm(AluOp::Add, Width::W64, dst, off.into()));
    }

    fn condition(&mut self, frame: &mut Frame) -> Result<(Cond, Width, Reg, Operand)> {
        let (cond, width) = (*self.u.choose(&Cond::ALL)?, self.width()?);
        let dst = self.number(frame)?;
        let src =
            if self.u.ratio(1, 3)? { Operand::Reg(self.number(frame)?) } else { Operand::Imm(self.edge()?) };
        Ok((cond, width, dst, src))
    }

    fn branch(&mut self, frame: &mut Frame) -> Result<()> {
        let (cond, width, dst, src) = self.condition(frame)?;
        let (other, end) = (self.emit.label(), self.emit.label());
        self.emit.jump_if(cond, width, dst, src, other);
        let mut taken = *frame;
        self.depth += 1;
        let count = self.u.int_in_range(0..=3)?;
        self.statements(frame, count)?;
        if self.u.arbitrary()? {
            self.emit.jump(end);
            self.emit.here(other);
            let count = self.u.int_in_range(1..=3)?;
            self.statements(&mut taken, count)?;
        } else {
            self.emit.here(other);
        }
        self.depth -= 1;
        self.emit.here(end);
        frame.meet(&taken);
        Ok(())
    }

    fn call(&mut self, frame: &mut Frame) -> Result<()> {
        if self.subprogs.is_empty() || !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let sub = *self.u.choose(self.subprogs)?;
        self.call_to(frame, sub)
    }

    /// A call of a subprogram with two numbers and the address of a slot.
    pub(super) fn call_to(&mut self, frame: &mut Frame, sub: Sub) -> Result<()> {
        let (a, b) = (self.number(frame)?, self.number(frame)?);
        if a == Reg::R2 || b == Reg::R1 {
            self.emit.insn(mov(Reg::R1, Operand::Imm(1)));
            self.emit.insn(mov(Reg::R2, Operand::Imm(-1)));
        } else {
            self.emit.insn(mov(Reg::R1, Operand::Reg(a)));
            self.emit.insn(mov(Reg::R2, Operand::Reg(b)));
        }
        let slot = self.number_slot(frame)?;
        if sub.linkage == (Linkage::Global { nonnull: false }) && self.u.ratio(1, 4)? {
            self.emit.insn(mov(Reg::R3, Operand::Imm(0)));
        } else {
            self.slot_address(Reg::R3, slot_off(slot));
        }
        self.emit.call(sub.label);
        frame.after_call();
        Ok(())
    }
}
