//! The ways that programs bound an index.

use super::emit::Label;
use super::regs::SLOTS;
use super::statement::{Writer, alu_imm, load, mov, slot_off};
use arbitrary::Result;
use brolga_core::{AluOp, Cond, Insn, Operand, Reg, Size, Width};

impl Writer<'_, '_> {
    /// A copy of `index` in `0..=most`, or on to `skip`.
    pub(super) fn bounded(&mut self, copy: Reg, index: Reg, most: i32, skip: Label) -> Result<()> {
        let over = |s: &mut Self, width, reg| s.emit.jump_if(Cond::Gt, width, reg, Operand::Imm(most), skip);
        let moved = mov(copy, Operand::Reg(index));
        match self.u.int_in_range(0..=10)? {
            0 => self.masked(copy, index, most),
            1 => self.shifted(copy, index, most),
            2 => self.signed(copy, index, most, skip)?,
            3 => self.through_the_stack(copy, index, most, skip)?,
            4 => self.narrowed(copy, index, most, skip)?,
            // The test is of the one, the other is used.
            5 => {
                self.emit.insn(moved);
                over(self, Width::W64, index);
            }
            6 => {
                let src = Operand::Reg(index);
                self.emit.insn(Insn::Alu { op: AluOp::Mov, width: Width::W32, dst: copy, src });
                over(self, Width::W32, copy);
            }
            7 => self.compared_from_the_other_side(copy, index, most, skip),
            8 => self.offset(copy, index, most, skip)?,
            _ => {
                self.emit.insn(moved);
                over(self, Width::W64, copy);
            }
        }
        Ok(())
    }

    /// How many low bits a number up to `most` may have.
    const fn bits(most: i32) -> i32 {
        (most as u32 + 1).ilog2() as i32
    }

    fn masked(&mut self, copy: Reg, index: Reg, most: i32) {
        self.emit.insn(mov(copy, Operand::Reg(index)));
        self.emit.insn(alu_imm(AluOp::And, Width::W64, copy, (1 << Self::bits(most)) - 1));
    }

    fn shifted(&mut self, copy: Reg, index: Reg, most: i32) {
        let bits = Self::bits(most);
        if bits == 0 {
            return self.masked(copy, index, most);
        }
        self.emit.insn(mov(copy, Operand::Reg(index)));
        self.emit.insn(alu_imm(AluOp::Rsh, Width::W64, copy, 64 - bits));
    }

    fn signed(&mut self, copy: Reg, index: Reg, most: i32, skip: Label) -> Result<()> {
        let width = self.width()?;
        self.emit.insn(Insn::Alu { op: AluOp::Mov, width, dst: copy, src: Operand::Reg(index) });
        self.emit.jump_if(Cond::Slt, width, copy, Operand::Imm(0), skip);
        self.emit.jump_if(Cond::Sgt, width, copy, Operand::Imm(most), skip);
        Ok(())
    }

    /// Spilled, and a part of it filled again.
    fn through_the_stack(&mut self, copy: Reg, index: Reg, most: i32, skip: Label) -> Result<()> {
        let off = slot_off(SLOTS);
        let (stored, loaded) = (*self.u.choose(&[Size::B4, Size::B8])?, *self.u.choose(&Size::ALL)?);
        let size = if loaded.bytes() > stored.bytes() { stored } else { loaded };
        self.emit.insn(Insn::Store { size: stored, dst: Reg::FP, off, src: Operand::Reg(index) });
        self.emit.insn(load(size, copy, Reg::FP, off));
        self.emit.jump_if(Cond::Gt, Width::W64, copy, Operand::Imm(most), skip);
        Ok(())
    }

    /// The low bits, sign-extended.
    fn narrowed(&mut self, copy: Reg, index: Reg, most: i32, skip: Label) -> Result<()> {
        let (width, from) = (self.width()?, *self.u.choose(&[Size::B1, Size::B2])?);
        self.emit.insn(Insn::MovSx { width, from, dst: copy, src: index });
        self.emit.jump_if(Cond::Gt, Width::W64, copy, Operand::Imm(most), skip);
        Ok(())
    }

    /// `most < copy`, with `most` in the other register of the test.
    fn compared_from_the_other_side(&mut self, copy: Reg, index: Reg, most: i32, skip: Label) {
        let fits = self.emit.label();
        self.emit.insn(mov(copy, Operand::Reg(index)));
        self.emit.jump_if(Cond::Lt, Width::W64, copy, Operand::Imm(most + 1), fits);
        self.emit.jump(skip);
        self.emit.here(fits);
    }

    /// Bounded some way off, and brought back.
    fn offset(&mut self, copy: Reg, index: Reg, most: i32, skip: Label) -> Result<()> {
        let by = self.u.int_in_range(1..=100)?;
        self.emit.insn(mov(copy, Operand::Reg(index)));
        self.emit.jump_if(Cond::Lt, Width::W64, copy, Operand::Imm(by), skip);
        self.emit.jump_if(Cond::Gt, Width::W64, copy, Operand::Imm(most + by), skip);
        self.emit.insn(alu_imm(AluOp::Sub, Width::W64, copy, by));
        Ok(())
    }

    /// Jumps unless a pointer into the packet is at most its end: in every form.
    pub(super) fn jump_unless_within(&mut self, ptr: Reg, end: Reg, skip: Label) -> Result<()> {
        let fits = self.emit.label();
        let mut jump = |cond, a, b, to| self.emit.jump_if(cond, Width::W64, a, Operand::Reg(b), to);
        match self.u.int_in_range(0..=3)? {
            0 => jump(Cond::Lt, end, ptr, skip),
            form @ (1 | 2) => {
                if form == 1 {
                    jump(Cond::Le, ptr, end, fits);
                } else {
                    jump(Cond::Ge, end, ptr, fits);
                }
                self.emit.jump(skip);
                self.emit.here(fits);
            }
            _ => jump(Cond::Gt, ptr, end, skip),
        }
        Ok(())
    }
}
