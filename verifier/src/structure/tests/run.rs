//! Random runs of programs, which tell what was live: what is read was live
//! since it was last written.
//!
//! A run takes each conditional jump one way or the other as it likes. It ends
//! where the walk would reject the program, and after so many steps.

use super::generate::{KEY, Rng};
use super::*;
use brolga_core::insn::Operand;
use brolga_core::{AluOp, AtomicOp, Callee, Insn, Reg, Size, Width};
use std::ops::Range;

/// What a register or slot holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Value {
    Number(i64),
    /// The map with keys of [`KEY`] bytes.
    Map,
    /// A pointer into the stack of the frame with this number.
    Stack(usize, i64),
}

const ZERO: Value = Value::Number(0);

struct Frame {
    regs: [Value; Reg::COUNT],
    slots: [Value; 64],
    /// The places that the frame was at so far, the one it is at last.
    places: Vec<Pc>,
    /// How many of these came before and with the last write of each register.
    written: [usize; Reg::COUNT],
    /// How many of these came before and with the last whole write of each slot.
    filled: [usize; 64],
    /// Where the caller goes on.
    back: Pc,
}

/// Asserts, over one run, that what is read was said to be live.
pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) structure: &'a Structure,
    pub(super) rng: &'a mut Rng,
    frames: Vec<Frame>,
}

/// The run ends, for whatever reason.
struct End;

impl<'a> Run<'a> {
    pub(super) fn new(program: &'a Program, structure: &'a Structure, rng: &'a mut Rng) -> Self {
        Self { program, structure, rng, frames: Vec::new() }
    }

    pub(super) fn go(mut self, steps: usize) {
        self.frames.push(self.frame([ZERO; 5], Pc::START));
        let mut pc = Pc::START;
        for _ in 0..steps {
            self.top().places.push(pc);
            match self.step(pc) {
                Ok(next) => pc = next,
                Err(End) => return,
            }
        }
    }

    fn frame(&self, args: [Value; 5], back: Pc) -> Frame {
        let mut regs = [ZERO; Reg::COUNT];
        regs[1..6].copy_from_slice(&args);
        regs[Reg::FP.index()] = Value::Stack(self.frames.len(), 0);
        let (written, filled) = ([0; Reg::COUNT], [0; 64]);
        Frame { regs, slots: [ZERO; 64], places: Vec::new(), written, filled, back }
    }

    fn top(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("a frame")
    }

    /// Reads a register: it was live at each place since it was written, in the
    /// callers too where it is an argument as it was passed.
    fn read(&mut self, reg: Reg) -> Value {
        for frame in self.frames.iter().rev() {
            let written = frame.written[reg.index()];
            for pc in &frame.places[written..] {
                assert!(self.structure.live_in(*pc).contains(reg), "{reg} is live at {pc}");
            }
            if written > 0 || !Reg::ARGS.contains(&reg) {
                break;
            }
        }
        self.top().regs[reg.index()]
    }

    fn write(&mut self, reg: Reg, value: Value) {
        let frame = self.top();
        frame.regs[reg.index()] = value;
        frame.written[reg.index()] = frame.places.len();
    }

    /// Reads the slots of these bytes of a frame: they were live at each place
    /// since they were filled.
    fn touch(&mut self, frame: usize, bytes: Range<i64>) -> Result<Value, End> {
        if bytes.start < -512 || bytes.end > 0 {
            return Err(End);
        }
        let mut held = ZERO;
        let frame = &self.frames[frame];
        for slot in (-bytes.end / 8) as usize..((-bytes.start + 7) / 8) as usize {
            for pc in &frame.places[frame.filled[slot]..] {
                let live = self.structure.stack_live_in(*pc);
                assert!(live.contains(slot), "slot {slot} is live at {pc}: {live:?}");
            }
            held = frame.slots[slot];
        }
        let whole = bytes.end - bytes.start == 8 && bytes.end % 8 == 0;
        Ok(if whole { held } else { ZERO })
    }

    fn fill(&mut self, number: usize, bytes: Range<i64>, value: Value) -> Result<(), End> {
        let to_caller = number + 1 < self.frames.len();
        if bytes.start < -512 || bytes.end > 0 || to_caller && matches!(value, Value::Stack(..)) {
            return Err(End);
        }
        let frame = &mut self.frames[number];
        for slot in (-bytes.end / 8) as usize..((-bytes.start + 7) / 8) as usize {
            let first = -8 * (slot as i64 + 1);
            let whole = bytes.start <= first && first + 8 <= bytes.end;
            frame.slots[slot] = if whole { value } else { ZERO };
            if whole {
                frame.filled[slot] = frame.places.len();
            }
        }
        Ok(())
    }

    fn operand(&mut self, operand: Operand) -> Value {
        match operand {
            Operand::Reg(reg) => self.read(reg),
            Operand::Imm(number) => Value::Number(number.into()),
        }
    }

    /// The frame and the bytes that an access touches.
    fn place(&mut self, base: Reg, off: i16, size: Size) -> Result<(usize, Range<i64>), End> {
        let (frame, at) = self.pointer(base)?;
        let start = at + i64::from(off);
        Ok((frame, start..start + i64::from(size.bytes())))
    }

    /// The frame and the offset that a register points to.
    fn pointer(&mut self, reg: Reg) -> Result<(usize, i64), End> {
        match self.read(reg) {
            Value::Stack(frame, at) if (-600..600).contains(&at) => Ok((frame, at)),
            Value::Stack(..) | Value::Number(_) | Value::Map => Err(End),
        }
    }

    fn step(&mut self, pc: Pc) -> Result<Pc, End> {
        let insn = *self.program.code.at(pc).expect("an instruction");
        let mut next = self.program.code.next(pc);
        match insn {
            Insn::Alu { op, width, dst, src } => {
                let source = self.operand(src);
                let old = if op == AluOp::Mov { ZERO } else { self.read(dst) };
                self.write(dst, alu(op, width, old, source)?);
            }
            Insn::LoadImm64 { dst, .. } => self.write(dst, Value::Map),
            Insn::Load { size, dst, src, off, .. } => {
                let (frame, bytes) = self.place(src, off, size)?;
                let value = self.touch(frame, bytes)?;
                self.write(dst, value);
            }
            Insn::Store { size, dst, off, src } => {
                let value = self.operand(src);
                let (frame, bytes) = self.place(dst, off, size)?;
                self.fill(frame, bytes, value)?;
            }
            Insn::Atomic { op, width, dst, off, src } => self.atomic(op, width, dst, off, src)?,
            Insn::JumpIf { dst, .. } => {
                self.read(dst);
                if self.rng.below(2) == 0 {
                    next = insn.flow().target(pc).expect("a target");
                }
            }
            Insn::Jump { .. } => next = insn.flow().target(pc).expect("a target"),
            Insn::Call(callee) => next = self.call(pc, callee, next)?,
            Insn::Exit => next = self.exit()?,
            Insn::Neg { .. }
            | Insn::MovSx { .. }
            | Insn::Swap { .. }
            | Insn::AddrSpaceCast { .. }
            | Insn::LoadAcquire { .. }
            | Insn::StoreRelease { .. }
            | Insn::LoadPacket { .. }
            | Insn::MayGoto { .. } => unreachable!("not generated"),
        }
        Ok(next)
    }

    fn atomic(&mut self, op: AtomicOp, width: Width, dst: Reg, off: i16, src: Reg) -> Result<(), End> {
        let source = self.read(src);
        if op == AtomicOp::Cmpxchg {
            self.read(Reg::R0);
        }
        let (frame, bytes) = self.place(dst, off, width.size())?;
        let old = self.touch(frame, bytes.clone())?;
        if op != AtomicOp::Cmpxchg || self.rng.below(2) == 0 {
            self.fill(frame, bytes, source)?;
        }
        match op {
            AtomicOp::Cmpxchg => self.write(Reg::R0, old),
            _ if op.fetches() => self.write(src, old),
            _ => {}
        }
        Ok(())
    }

    fn call(&mut self, pc: Pc, callee: Callee, next: Pc) -> Result<Pc, End> {
        let forget = |run: &mut Self| Reg::ARGS.into_iter().for_each(|reg| run.write(reg, ZERO));
        match callee {
            Callee::Helper(1) => {
                let map = self.read(Reg::R1);
                let (frame, at) = self.pointer(Reg::R2)?;
                let bytes = if map == Value::Map { KEY.into() } else { 1 + self.rng.below(32) as i64 };
                self.touch(frame, at..at + bytes)?;
                self.write(Reg::R0, ZERO);
                forget(self);
                Ok(next)
            }
            Callee::Helper(_) => {
                self.read(Reg::R1);
                let (frame, at) = self.pointer(Reg::R3)?;
                let Value::Number(bytes) = self.read(Reg::R4) else { return Err(End) };
                self.fill(frame, at..at + bytes, ZERO)?;
                self.write(Reg::R0, ZERO);
                forget(self);
                Ok(next)
            }
            Callee::Subprog(off) if self.frames.len() < MAX_FRAMES => {
                // Which of them are read is for the callee to show: here that
                // they are passed on counts for nothing.
                let args = Reg::ARGS.map(|reg| self.top().regs[reg.index()]);
                let frame = self.frame(args, next);
                self.frames.push(frame);
                Ok(pc.jump(off).expect("a callee"))
            }
            Callee::Subprog(_) | Callee::Kfunc { .. } => Err(End),
        }
    }

    fn exit(&mut self) -> Result<Pc, End> {
        let value = self.read(Reg::R0);
        let frame = self.frames.pop().ok_or(End)?;
        if self.frames.is_empty() || matches!(value, Value::Stack(..)) {
            return Err(End);
        }
        self.write(Reg::R0, value);
        Reg::ARGS.into_iter().for_each(|reg| self.write(reg, ZERO));
        Ok(frame.back)
    }
}

fn alu(op: AluOp, width: Width, a: Value, b: Value) -> Result<Value, End> {
    match (op, width, a, b) {
        (AluOp::Mov, Width::W64, _, b) => Ok(b),
        (AluOp::Add, Width::W64, Value::Number(n), Value::Stack(frame, at))
        | (AluOp::Add, Width::W64, Value::Stack(frame, at), Value::Number(n)) => {
            Ok(Value::Stack(frame, at.wrapping_add(n)))
        }
        (AluOp::Add, Width::W64, Value::Number(a), Value::Number(b)) => Ok(Value::Number(a.wrapping_add(b))),
        _ => Err(End),
    }
}
