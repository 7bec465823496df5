//! Statements that are lent something, and give it back: a record of a ring
//! buffer, a dynptr, a socket, a lock.

use super::body::VALUE_BYTES;
use super::place::GLOBALS;
use super::regs::{Frame, Holds, SLOTS, Scope};
use super::statement::{Writer, alu_imm, mov, slot_off};
use arbitrary::Result;
use brolga_core::helper::table::id;
use brolga_core::{AluOp, Callee, Cond, Imm64, Insn, Operand, Reg, Size, Width};

/// The map with a lock in each value.
const LOCKED: i32 = 3;
/// The ring buffer.
const RING: i32 = 5;

/// Where a frame's dynptr is: below what the other statements use.
const DYNPTR: i16 = slot_off(SLOTS + 7);

const RINGBUF_OUTPUT: i32 = 130;
const RINGBUF_RESERVE: i32 = 131;
const RINGBUF_SUBMIT: i32 = 132;
const RINGBUF_DISCARD: i32 = 133;
const RESERVE_DYNPTR: i32 = 198;
const SUBMIT_DYNPTR: i32 = 199;
const DISCARD_DYNPTR: i32 = 200;
const DYNPTR_READ: i32 = 201;
const DYNPTR_WRITE: i32 = 202;
const DYNPTR_DATA: i32 = 203;
const SOCKET_LOOKUPS: [i32; 3] = [84, 85, 99];
const SK_RELEASE: i32 = 86;

impl Writer<'_, '_> {
    /// Something that helpers lend, or run.
    pub(super) fn lent(&mut self, frame: &mut Frame) -> Result<()> {
        match self.u.int_in_range(0..=14)? {
            0..=1 => self.record(frame),
            2 => self.ring_dynptr(frame),
            3..=4 => self.local_dynptr(frame),
            5 => self.lock(frame),
            6 => self.socket(frame),
            7 => self.output(frame),
            8..=9 if self.runs => self.loop_helper(frame),
            10 if self.runs => self.each_element(frame),
            11 if self.runs => self.timer(frame),
            12..=13 => self.iterate(frame),
            14 => self.section(frame),
            _ => self.record(frame),
        }
    }

    fn scope(&mut self) -> Scope {
        self.scopes += 1;
        Scope(self.scopes)
    }

    pub(super) fn imm(&mut self, dst: Reg, imm: i32) {
        self.emit.insn(alu_imm(AluOp::Mov, Width::W64, dst, imm));
    }

    pub(super) fn map(&mut self, dst: Reg, map: i32) {
        self.emit.insn(Insn::LoadImm64 { dst, imm: Imm64::MapIdx(map) });
    }

    /// A call of a helper that returns a number.
    pub(super) fn call_helper(&mut self, frame: &mut Frame, helper: i32) {
        self.emit.insn(Insn::Call(Callee::Helper(helper)));
        frame.after_call();
    }

    /// A call of one that returns nothing.
    fn call_void(&mut self, frame: &mut Frame, helper: i32) {
        self.call_helper(frame, helper);
        frame.set(Reg::R0, Holds::Nothing);
    }

    /// A few statements, in which the program does not end.
    pub(super) fn within(&mut self, frame: &mut Frame) -> Result<()> {
        let out = self.out.take();
        self.depth += 1;
        for _ in 0..self.u.int_in_range(0..=3)? {
            match self.u.arbitrary()? {
                true => self.value(frame)?,
                false => self.statement(frame)?,
            }
        }
        self.depth -= 1;
        self.out = out;
        Ok(())
    }

    /// What r0 points to, where it does not point nowhere, in a register that is
    /// kept; then `with` it, and on.
    fn if_there(
        &mut self,
        frame: &mut Frame,
        holds: Holds,
        with: impl FnOnce(&mut Self, &mut Frame, Reg) -> Result<()>,
    ) -> Result<()> {
        let Some(dst) = frame.spare() else { return Ok(()) };
        let skip = self.emit.label();
        // Seldom the test for null is left out: to be rejected.
        if !self.u.ratio(1, 100)? {
            self.emit.jump_if(Cond::Eq, Width::W64, Reg::R0, Operand::Imm(0), skip);
        }
        let before = *frame;
        self.emit.insn(mov(dst, Operand::Reg(Reg::R0)));
        frame.set(Reg::R0, holds);
        frame.set(dst, holds);
        frame.pin(dst, true);
        with(self, frame, dst)?;
        frame.pin(dst, false);
        self.emit.here(skip);
        frame.meet(&before);
        for reg in [Reg::R0, dst] {
            frame.set(reg, Holds::Nothing);
        }
        Ok(())
    }

    /// Gives something back by these helpers, but seldom never, or twice: to be
    /// rejected.
    fn give_back(&mut self, frame: &mut Frame, by: i32, give: impl Fn(&mut Self)) -> Result<()> {
        let times = match self.u.int_in_range(0..=79)? {
            78 => 0,
            79 => 2,
            _ => 1,
        };
        for _ in 0..times {
            give(self);
            self.call_void(frame, by);
        }
        Ok(())
    }

    /// A record of the ring buffer.
    fn record(&mut self, frame: &mut Frame) -> Result<()> {
        if frame.spare().is_none() || !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let (scope, bytes) = (self.scope(), *self.u.choose(&[8_u8, 16, 24])?);
        self.map(Reg::R1, RING);
        self.imm(Reg::R2, bytes.into());
        self.imm(Reg::R3, 0);
        self.call_helper(frame, RINGBUF_RESERVE);
        self.if_there(frame, Holds::Memory(bytes, scope), |this, frame, record| {
            this.within(frame)?;
            let by = *this.u.choose(&[RINGBUF_SUBMIT, RINGBUF_DISCARD])?;
            let flags = this.u.int_in_range(0..=2)?;
            this.give_back(frame, by, |this| {
                this.emit.insn(mov(Reg::R1, Operand::Reg(record)));
                this.imm(Reg::R2, flags);
            })?;
            // Seldom it is used after that: to be rejected.
            if !this.u.ratio(1, 60)? {
                frame.end(scope);
            }
            Ok(())
        })
    }

    /// A record made of a slot.
    fn output(&mut self, frame: &mut Frame) -> Result<()> {
        if !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let slot = self.number_slot(frame)?;
        self.map(Reg::R1, RING);
        self.slot_address(Reg::R2, slot_off(slot));
        let bytes = self.u.int_in_range(0..=8)?;
        self.imm(Reg::R3, bytes);
        self.imm(Reg::R4, 0);
        self.call_helper(frame, RINGBUF_OUTPUT);
        Ok(())
    }

    /// A dynptr over a record, to be given back also where there is none.
    fn ring_dynptr(&mut self, frame: &mut Frame) -> Result<()> {
        if frame.dynptr || !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let scope = self.scope();
        self.map(Reg::R1, RING);
        let bytes = *self.u.choose(&[8, 16, 32, 64])?;
        self.imm(Reg::R2, bytes);
        self.imm(Reg::R3, 0);
        self.slot_address(Reg::R4, DYNPTR);
        self.call_helper(frame, RESERVE_DYNPTR);
        let out = self.out.take();
        self.with_dynptr(frame, scope)?;
        self.out = out;
        let by = *self.u.choose(&[SUBMIT_DYNPTR, DISCARD_DYNPTR])?;
        self.give_back(frame, by, |this| {
            this.slot_address(Reg::R1, DYNPTR);
            this.imm(Reg::R2, 0);
        })?;
        frame.end(scope);
        Ok(())
    }

    /// A dynptr over a map's value.
    fn local_dynptr(&mut self, frame: &mut Frame) -> Result<()> {
        if frame.dynptr || !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let scope = self.scope();
        match frame.with(Holds::Value).first().copied() {
            Some(value) => self.emit.insn(mov(Reg::R1, Operand::Reg(value))),
            None => {
                let imm = Imm64::MapIdxValue { idx: GLOBALS, off: 0 };
                self.emit.insn(Insn::LoadImm64 { dst: Reg::R1, imm });
            }
        }
        // Seldom the value's end is passed: to be rejected.
        let over = i32::from(self.u.ratio(1, 100)?);
        let bytes = *self.u.choose(&[8, 16, VALUE_BYTES as i32 + over])?;
        self.imm(Reg::R2, bytes);
        self.imm(Reg::R3, 0);
        self.slot_address(Reg::R4, DYNPTR);
        self.call_helper(frame, id::DYNPTR_FROM_MEM);
        self.with_dynptr(frame, scope)?;
        // A part of one that is no more is lost where another takes its place.
        if !self.u.ratio(1, 100)? {
            frame.end(scope);
        }
        Ok(())
    }

    fn with_dynptr(&mut self, frame: &mut Frame, scope: Scope) -> Result<()> {
        frame.dynptr = true;
        self.depth += 1;
        for _ in 0..self.u.int_in_range(0..=3)? {
            match self.u.int_in_range(0..=5)? {
                0..=1 => self.dynptr_data(frame, scope)?,
                2 => self.dynptr_copy(frame, DYNPTR_READ)?,
                3 => self.dynptr_copy(frame, DYNPTR_WRITE)?,
                _ => self.statement(frame)?,
            }
        }
        self.depth -= 1;
        frame.dynptr = false;
        Ok(())
    }

    /// An offset into a dynptr, which need not lie in it.
    fn dynptr_offset(&mut self, dst: Reg) -> Result<()> {
        let off = self.u.int_in_range(0..=12)? * 2;
        self.imm(dst, off);
        Ok(())
    }

    /// A part of a dynptr as memory.
    fn dynptr_data(&mut self, frame: &mut Frame, scope: Scope) -> Result<()> {
        if frame.spare().is_none() || !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let bytes = *self.u.choose(&[8_u8, 16])?;
        self.slot_address(Reg::R1, DYNPTR);
        self.dynptr_offset(Reg::R2)?;
        self.imm(Reg::R3, bytes.into());
        self.call_helper(frame, DYNPTR_DATA);
        self.if_there(frame, Holds::Part(bytes, scope), |this, frame, _| {
            let count = this.u.int_in_range(1..=3)?;
            (0..count).try_for_each(|_| this.value(frame))
        })
    }

    /// Bytes of a dynptr to a slot, or from there.
    fn dynptr_copy(&mut self, frame: &mut Frame, helper: i32) -> Result<()> {
        if !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        let slot = slot_off(self.number_slot(frame)?);
        let bytes = self.u.int_in_range(0..=8)?;
        if helper == DYNPTR_READ {
            self.slot_address(Reg::R1, slot);
            self.imm(Reg::R2, bytes);
            self.slot_address(Reg::R3, DYNPTR);
            self.dynptr_offset(Reg::R4)?;
        } else {
            self.slot_address(Reg::R1, DYNPTR);
            self.dynptr_offset(Reg::R2)?;
            self.slot_address(Reg::R3, slot);
            self.imm(Reg::R4, bytes);
        }
        self.imm(Reg::R5, 0);
        self.call_helper(frame, helper);
        Ok(())
    }

    /// A value's lock, held over statements that call nothing.
    fn lock(&mut self, frame: &mut Frame) -> Result<()> {
        if frame.spare().is_none() || !self.args_free(frame) {
            return self.arithmetic(frame);
        }
        self.map_and_key(frame, LOCKED)?;
        self.call_helper(frame, id::MAP_LOOKUP_ELEM);
        self.if_there(frame, Holds::Value, |this, frame, value| {
            let lock = |this: &mut Self| {
                this.emit.insn(mov(Reg::R1, Operand::Reg(value)));
                this.emit.insn(alu_imm(AluOp::Add, Width::W64, Reg::R1, VALUE_BYTES as i32));
            };
            lock(this);
            this.call_void(frame, id::SPIN_LOCK);
            this.locked = true;
            this.within(frame)?;
            this.locked = false;
            this.give_back(frame, id::SPIN_UNLOCK, lock)
        })
    }

    /// A socket that is looked up, of which there is none.
    fn socket(&mut self, frame: &mut Frame) -> Result<()> {
        let ctx = frame.with(Holds::Ctx).first().copied();
        let Some(ctx) = ctx.filter(|_| frame.spare().is_some() && self.args_free(frame)) else {
            return self.arithmetic(frame);
        };
        let scope = self.scope();
        let tuple = slot_off(SLOTS + 3);
        for off in [tuple, tuple + 8] {
            self.emit.insn(Insn::Store { size: Size::B8, dst: Reg::FP, off, src: Operand::Imm(0) });
        }
        self.emit.insn(mov(Reg::R1, Operand::Reg(ctx)));
        self.slot_address(Reg::R2, tuple);
        self.imm(Reg::R3, 12);
        let namespace = self.u.int_in_range(-1..=0)?;
        self.imm(Reg::R4, namespace);
        self.imm(Reg::R5, 0);
        let lookup = *self.u.choose(&SOCKET_LOOKUPS)?;
        self.call_helper(frame, lookup);
        self.if_there(frame, Holds::Socket(scope), |this, frame, socket| {
            this.within(frame)?;
            this.give_back(frame, SK_RELEASE, |this| {
                this.emit.insn(mov(Reg::R1, Operand::Reg(socket)));
            })?;
            frame.end(scope);
            Ok(())
        })
    }
}
