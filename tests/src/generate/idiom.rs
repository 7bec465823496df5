//! What compilers make of rotations, products, copies and sums: the shapes that a
//! compiler of ours looks for, and such as are almost one. Numbers of a map that
//! never changes, too.

use super::CHECKED;
use super::body::VALUE_BYTES;
use super::place::GLOBALS;
use super::regs::{Frame, Holds};
use super::statement::{Writer, alu_imm, load, mov};
use arbitrary::Result;
use brolga_core::helper::table::id;
use brolga_core::{AluOp, Callee, Cond, Imm64, Insn, Operand, Reg, Size, Width};

/// The map of one value that is frozen, and that no program writes.
const CONSTANTS: i32 = 7;

/// The operations that join the two parts of a rotated number.
const JOINS: [AluOp; 3] = [AluOp::Or, AluOp::Xor, AluOp::Add];

impl Writer<'_, '_> {
    pub(super) fn idiom(&mut self, frame: &mut Frame) -> Result<()> {
        match self.u.int_in_range(0..=9)? {
            0 => self.rotation(frame),
            1..=2 => self.rotated_product(frame),
            3 => self.extension(frame),
            4 => self.product(frame),
            5..=7 => self.words_copied(frame),
            _ => self.sum_of_loads(frame),
        }
    }

    /// Another register to overwrite.
    fn other(&mut self, frame: &mut Frame, than: &[Reg]) -> Result<Option<Reg>> {
        let free: Vec<Reg> = frame.free().into_iter().filter(|r| !than.contains(r)).collect();
        let other = if free.is_empty() { None } else { Some(*self.u.choose(&free)?) };
        other.iter().for_each(|reg| frame.set(*reg, Holds::Number));
        Ok(other)
    }

    fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Reg) {
        self.emit.insn(Insn::Alu { op, width, dst, src: Operand::Reg(src) });
    }

    /// A distance to rotate by, and what is left of the width; now and then one off.
    fn split(&mut self, width: Width) -> Result<(i32, i32)> {
        let bits = width.bits() as i32;
        let left = self.u.int_in_range(1..=bits - 1)?;
        let off = if self.u.ratio(1, 5)? { self.u.int_in_range(-1..=1)? } else { 0 };
        Ok((left, (bits - left + off).clamp(0, bits - 1)))
    }

    /// `a << n | a >> (bits - n)`.
    fn rotation(&mut self, frame: &mut Frame) -> Result<()> {
        let (a, width) = (self.target(frame)?, self.width()?);
        let Some(b) = self.other(frame, &[a])? else { return Ok(()) };
        let (left, right) = self.split(width)?;
        let ops = if self.u.arbitrary()? { [AluOp::Lsh, AluOp::Rsh] } else { [AluOp::Rsh, AluOp::Lsh] };
        self.alu(AluOp::Mov, width, b, a);
        for (op, reg) in ops.into_iter().zip([a, b]) {
            let by = if op == AluOp::Lsh { left } else { right };
            self.emit.insn(alu_imm(op, width, reg, by));
        }
        let join = *self.u.choose(&JOINS)?;
        self.alu(join, width, a, b);
        Ok(())
    }

    /// `a * n >> right | a * (n << left)`.
    fn rotated_product(&mut self, frame: &mut Frame) -> Result<()> {
        let (a, width) = (self.target(frame)?, self.width()?);
        let Some(b) = self.other(frame, &[a])? else { return Ok(()) };
        let Some(c) = self.other(frame, &[a, b])? else { return Ok(()) };
        let (left, right) = self.split(width)?;
        let number = self.u.int_in_range(3..=0xffff)?;
        let more = width.zero_extend((number as u64) << left) ^ u64::from(self.u.ratio(1, 3)?);
        self.alu(AluOp::Mov, width, b, a);
        self.emit.insn(alu_imm(AluOp::Mul, width, a, number));
        self.emit.insn(Insn::LoadImm64 { dst: c, imm: Imm64::Value(more) });
        self.alu(AluOp::Mul, width, b, c);
        self.emit.insn(alu_imm(AluOp::Rsh, width, a, right));
        let (join, swapped) = (*self.u.choose(&JOINS)?, self.u.arbitrary()?);
        let (dst, src) = if swapped { (b, a) } else { (a, b) };
        self.alu(join, width, dst, src);
        Ok(())
    }

    /// The low 32 bits, by shifts or by a mask.
    fn extension(&mut self, frame: &mut Frame) -> Result<()> {
        let a = self.target(frame)?;
        if self.u.ratio(1, 3)? {
            let Some(mask) = self.other(frame, &[a])? else { return Ok(()) };
            self.emit.insn(Insn::LoadImm64 { dst: mask, imm: Imm64::Value(0xffff_ffff) });
            self.alu(AluOp::And, Width::W64, a, mask);
            return Ok(());
        }
        let back = *self.u.choose(&[AluOp::Rsh, AluOp::Arsh])?;
        for op in [AluOp::Lsh, back] {
            let by = if self.u.ratio(1, 10)? { 31 } else { 32 };
            self.emit.insn(alu_imm(op, Width::W64, a, by));
        }
        Ok(())
    }

    /// By a number of two or three bits, or one less than a power of two.
    fn product(&mut self, frame: &mut Frame) -> Result<()> {
        let (dst, width) = (self.target(frame)?, self.width()?);
        let (high, low) = (self.u.int_in_range(0..=31)?, self.u.int_in_range(0..=4)?);
        let power = 1_i32.wrapping_shl(high);
        let imm = match self.u.int_in_range(0..=2)? {
            0 => power.wrapping_sub(1),
            1 => power.wrapping_add(1 << low),
            _ => power.wrapping_add(1).wrapping_shl(low as u32),
        };
        self.emit.insn(alu_imm(AluOp::Mul, width, dst, imm));
        Ok(())
    }

    /// Memory that may be written as words, and its size.
    fn words(&mut self, frame: &Frame) -> Result<Option<(Reg, u32)>> {
        let mut places = frame.memory();
        places.retain(|(reg, bytes)| *bytes >= 24 && frame.of(*reg) != Holds::Key);
        places.extend(frame.with(Holds::Packet).into_iter().map(|reg| (reg, CHECKED)));
        if places.is_empty() { Ok(None) } else { self.u.choose(&places).copied().map(Some) }
    }

    /// Two or three words, one after the other, to where they may overlap; in
    /// between, now and then, something else.
    fn words_copied(&mut self, frame: &mut Frame) -> Result<()> {
        let Some((base, bytes)) = self.words(frame)? else { return self.arithmetic(frame) };
        let Some(a) = self.other(frame, &[base])? else { return Ok(()) };
        let count = self.u.int_in_range(2..=3)?;
        let most = (bytes / 8) as i16 - count;
        let (from, to) = (self.u.int_in_range(0..=most)? * 8, self.u.int_in_range(0..=most)? * 8);
        for word in 0..count {
            self.emit.insn(load(Size::B8, a, base, from + 8 * word));
            self.between(base, a)?;
            self.emit.insn(Insn::Store {
                size: Size::B8,
                dst: base,
                off: to + 8 * word,
                src: Operand::Reg(a),
            });
            self.between(base, a)?;
        }
        Ok(())
    }

    fn between(&mut self, base: Reg, a: Reg) -> Result<()> {
        let off = self.u.int_in_range(0..=5)? * 4;
        match self.u.int_in_range(0..=11)? {
            0 => self.emit.insn(Insn::Store { size: Size::B4, dst: base, off, src: Operand::Imm(-1) }),
            1 => self.emit.insn(alu_imm(AluOp::Add, Width::W64, a, 1)),
            2 => self.emit.insn(load(Size::B4, a, base, off)),
            _ => {}
        }
        Ok(())
    }

    /// What was loaded, added to a number that is kept.
    pub(super) fn sum_of_loads(&mut self, frame: &mut Frame) -> Result<()> {
        let Some((base, bytes)) = self.words(frame)? else { return self.arithmetic(frame) };
        let kept = frame.with(Holds::Number).into_iter().find(|r| Reg::SAVED.contains(r));
        let sum = kept.map_or_else(|| self.target(frame), Ok)?;
        let Some(a) = self.other(frame, &[base, sum])? else { return Ok(()) };
        let width = self.width()?;
        for _ in 0..self.u.int_in_range(2..=4)? {
            let size = *self.u.choose(&Size::ALL)?;
            let off = self.u.int_in_range(0..=(bytes / size.bytes()) as i16 - 1)? * size.bytes() as i16;
            let signed = size != Size::B8 && self.u.arbitrary()?;
            self.emit.insn(Insn::Load { size, signed, dst: a, src: base, off });
            let (dst, src) = if self.u.ratio(1, 8)? { (a, sum) } else { (sum, a) };
            let width = if self.u.ratio(1, 4)? { self.width()? } else { width };
            let op = if self.u.ratio(1, 8)? { AluOp::Sub } else { AluOp::Add };
            self.alu(op, width, dst, src);
        }
        Ok(())
    }

    /// A number that lies in the map that never changes, at a place that is known
    /// or not.
    pub(super) fn unchanging(&mut self, frame: &mut Frame) -> Result<()> {
        if !self.locked && self.args_free(frame) && self.u.ratio(1, 4)? {
            return self.unchanging_by_lookup(frame);
        }
        let Some(at) = self.other(frame, &[])? else { return Ok(()) };
        let start = self.u.int_in_range(0..=VALUE_BYTES / 2)?;
        let imm = Imm64::MapIdxValue { idx: CONSTANTS, off: start };
        self.emit.insn(Insn::LoadImm64 { dst: at, imm });
        frame.set(at, Holds::Nothing);
        self.number_of_it(frame, at, start)
    }

    fn unchanging_by_lookup(&mut self, frame: &mut Frame) -> Result<()> {
        self.map_and_key(frame, CONSTANTS)?;
        self.emit.insn(Insn::Call(Callee::Helper(id::MAP_LOOKUP_ELEM)));
        frame.after_call();
        let skip = self.emit.label();
        self.emit.jump_if(Cond::Eq, Width::W64, Reg::R0, Operand::Imm(0), skip);
        self.emit.insn(mov(Reg::R1, Operand::Reg(Reg::R0)));
        frame.set(Reg::R0, Holds::Nothing);
        self.number_of_it(frame, Reg::R1, 0)?;
        self.emit.insn(mov(Reg::R0, Operand::Reg(Reg::R1)));
        self.emit.here(skip);
        frame.set(Reg::R0, Holds::Number);
        frame.set(Reg::R1, Holds::Nothing);
        Ok(())
    }

    /// What a register points to, in its place: `start` bytes into the value.
    fn number_of_it(&mut self, frame: &mut Frame, at: Reg, start: u32) -> Result<()> {
        let size = *self.u.choose(&Size::ALL)?;
        let signed = size != Size::B8 && self.u.arbitrary()?;
        let left = VALUE_BYTES - start - size.bytes();
        // Seldom it is written, or another value of one instruction's: the first is
        // to be rejected.
        match self.u.int_in_range(0..=99)? {
            0 => self.emit.insn(Insn::Store { size, dst: at, off: 0, src: Operand::Imm(1) }),
            1..=20 => self.either(frame, at)?,
            _ => {}
        }
        let off = self.u.int_in_range(0..=left)? as i16;
        self.emit.insn(Insn::Load { size, signed, dst: at, src: at, off });
        frame.set(at, Holds::Number);
        Ok(())
    }

    /// Now and then a value that does change instead, from its middle.
    fn either(&mut self, frame: &mut Frame, at: Reg) -> Result<()> {
        let Some(number) = frame.numbers().into_iter().find(|r| *r != at) else { return Ok(()) };
        let skip = self.emit.label();
        self.emit.jump_if(Cond::Set, Width::W64, number, Operand::Imm(1), skip);
        let idx = if self.u.arbitrary()? { GLOBALS } else { CONSTANTS };
        self.emit.insn(Insn::LoadImm64 { dst: at, imm: Imm64::MapIdxValue { idx, off: 0 } });
        self.emit.here(skip);
        Ok(())
    }
}
