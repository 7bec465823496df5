//! What the registers hold.
//!
//! A register's value may be there widely (64 bits), narrowly (its low 32 bits),
//! both, or be known without being anywhere: a number, or an address in the
//! frame. Each form is made from another at most once in a block, and only where
//! something asks for it.
//!
//! Between blocks a register is one of two variables, a wide and a narrow one.
//! Law: at the start of a block the variable that is up to date is the wide one
//! where all 64 bits are live there, the narrow one where only the low 32 are.
//! A block with one predecessor that is translated before it takes over what
//! that one knew instead, variables included.

use super::Translator;
use crate::flow::Live;
use brolga_core::insn::RegSet;
use brolga_core::{Operand, Reg, Width};
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{self, Inst, InstBuilder, Type, Value, types};
use cranelift_frontend::{FunctionBuilder, Variable};

/// What is known of a register besides its values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Known {
    #[default]
    Nothing,
    /// It is this number.
    Number(u64),
    /// It is the frame pointer plus this.
    Frame(i32),
    /// It is this 64-bit value plus this.
    Plus(Value, i32),
    /// It is the sum of these two values of this width, zero-extended: what the
    /// chain of sums starts with, and what is added to it.
    Sum(Width, Value, Value),
}

#[derive(Clone, Copy, Debug, Default)]
struct Held {
    wide: Option<Value>,
    narrow: Option<Value>,
    known: Known,
    /// Whether the wide value is known to fit 32 bits.
    short: bool,
    /// Whether the variables are out of date.
    written: bool,
}

/// What is known at a place.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    held: [Held; Reg::COUNT],
    /// Which variables hold what is not held here.
    entry: Live,
    /// Which of the wide ones fit 32 bits.
    short: RegSet,
    /// The register that is to be led past a gap where this is taken over.
    gap: Option<Reg>,
}

/// The registers at the place that is being translated.
pub(super) struct Regs {
    now: Snapshot,
    wide: [Variable; Reg::COUNT],
    narrow: [Variable; Reg::COUNT],
}

impl Regs {
    pub(super) fn new(b: &mut FunctionBuilder<'_>) -> Self {
        Self {
            now: Snapshot {
                held: [Held::default(); Reg::COUNT],
                entry: Live::default(),
                short: RegSet::EMPTY,
                gap: None,
            },
            wide: Reg::ALL.map(|_| b.declare_var(types::I64)),
            narrow: Reg::ALL.map(|_| b.declare_var(types::I32)),
        }
    }

    /// Enters a block at whose start this is live, and fits 32 bits.
    pub(super) fn enter(&mut self, live: Live, short: RegSet) {
        let mut held = [Held::default(); Reg::COUNT];
        held[Reg::FP.index()].known = Known::Frame(0);
        self.now = Snapshot { held, entry: live, short, gap: None };
    }

    /// Goes on where another block left off.
    pub(super) fn resume(&mut self, left: Snapshot) {
        self.now = left;
    }

    pub(super) fn snapshot(&self) -> Box<Snapshot> {
        Box::new(self.now.clone())
    }

    fn held(&self, reg: Reg) -> &Held {
        &self.now.held[reg.index()]
    }

    fn put(&mut self, reg: Reg, held: Held) {
        self.now.held[reg.index()] = held;
    }
}

/// The numbers that were made last.
#[derive(Debug)]
struct Made<const COUNT: usize> {
    numbers: [Option<(Width, i64, Value)>; COUNT],
    next: usize,
}

impl<const COUNT: usize> Default for Made<COUNT> {
    fn default() -> Self {
        Self { numbers: [None; COUNT], next: 0 }
    }
}

impl<const COUNT: usize> Made<COUNT> {
    fn find(&self, width: Width, number: i64) -> Option<Value> {
        let same = |made: &&(Width, i64, Value)| made.0 == width && made.1 == number;
        self.numbers.iter().map_while(Option::as_ref).find(same).map(|made| made.2)
    }

    fn add(&mut self, width: Width, number: i64, value: Value) {
        self.numbers[self.next % COUNT] = Some((width, number, value));
        self.next += 1;
    }
}

/// Numbers that may be used again.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// The block of Cranelift's that is being filled, and what it made. Cranelift
    /// makes a number there, however many uses there are.
    block: Option<ir::Block>,
    made: Made<8>,
    /// What the first block made that nothing but instructions with room for a
    /// number use: Cranelift never makes them.
    immediate: Made<16>,
    /// The last of those.
    last: Option<Inst>,
}

impl Numbers {
    fn of(&mut self, block: Option<ir::Block>) -> &mut Made<8> {
        if self.block != block {
            (self.block, self.made) = (block, Made::default());
        }
        &mut self.made
    }
}

/// The Cranelift type of a width.
pub(super) const fn int(width: Width) -> Type {
    match width {
        Width::W32 => types::I32,
        Width::W64 => types::I64,
    }
}

impl Translator<'_, '_> {
    /// All 64 bits of a register.
    pub(super) fn wide(&mut self, reg: Reg) -> Value {
        self.fetch(reg);
        let held = *self.regs.held(reg);
        let (value, short) = match held {
            Held { wide: Some(wide), .. } => return wide,
            Held { known: Known::Number(n), .. } => (self.number(Width::W64, n), false),
            Held { known: Known::Frame(off), .. } => (self.frame_address(off), false),
            Held { narrow: Some(narrow), .. } => (self.b.ins().uextend(types::I64, narrow), true),
            Held { known: Known::Plus(value, off), .. } => (self.plus_made(value, off), false),
            Held { known: Known::Sum(Width::W64, a, b), .. } => (self.b.ins().iadd(a, b), false),
            Held { known: Known::Sum(Width::W32, ..), .. } => {
                let narrow = self.narrow(reg);
                (self.b.ins().uextend(types::I64, narrow), true)
            }
            // `fetch` leaves none such.
            Held { known: Known::Nothing, .. } => (self.number(Width::W64, 0), true),
        };
        let held = *self.regs.held(reg);
        self.regs.put(reg, Held { wide: Some(value), short, ..held });
        value
    }

    /// A value and a constant, added.
    fn plus_made(&mut self, value: Value, off: i32) -> Value {
        if !self.in_loop() {
            return self.b.ins().iadd_imm_s(value, i64::from(off));
        }
        // Cranelift takes sums apart where it finds them in addresses, and both the
        // value and the sum are then kept; a difference it leaves. Outside of loops
        // it would be in the way: it is made in place, and regalloc2 takes time by
        // the square of a chain of such over many blocks.
        let number = self.number(Width::W64, i64::from(off).wrapping_neg() as u64);
        self.b.ins().isub(value, number)
    }

    fn in_loop(&self) -> bool {
        let block = self.next.checked_sub(1).map(|block| &self.plan.blocks[block]);
        block.is_some_and(|block| block.depth > 0)
    }

    /// The low 32 bits of a register.
    pub(super) fn narrow(&mut self, reg: Reg) -> Value {
        self.fetch(reg);
        let held = *self.regs.held(reg);
        let value = match held {
            Held { narrow: Some(narrow), .. } => return narrow,
            Held { known: Known::Number(n), .. } => self.number(Width::W32, n),
            Held { known: Known::Sum(Width::W32, a, b), wide: None, .. } => self.b.ins().iadd(a, b),
            Held { .. } => {
                let wide = self.wide(reg);
                self.truncated(wide)
            }
        };
        let held = *self.regs.held(reg);
        self.regs.put(reg, Held { narrow: Some(value), ..held });
        value
    }

    /// The part of a register that an operation of this width looks at.
    pub(super) fn part(&mut self, width: Width, reg: Reg) -> Value {
        match width {
            Width::W32 => self.narrow(reg),
            Width::W64 => self.wide(reg),
        }
    }

    pub(super) fn operand(&mut self, width: Width, operand: Operand) -> Value {
        match operand {
            Operand::Reg(reg) => self.part(width, reg),
            Operand::Imm(imm) => self.number(width, imm as u64),
        }
    }

    /// Sees to it that something is held of a register.
    fn fetch(&mut self, reg: Reg) {
        let held = *self.regs.held(reg);
        if held.wide.is_some() || held.narrow.is_some() || held.known != Known::Nothing {
            return;
        }
        let (mut wide, mut narrow, mut known) = (None, None, Known::Nothing);
        let short = self.regs.now.short.contains(reg);
        if self.regs.now.entry.wide().contains(reg) {
            wide = Some(self.b.use_var(self.regs.wide[reg.index()]));
        } else if self.regs.now.entry.narrow().contains(reg) {
            narrow = Some(self.b.use_var(self.regs.narrow[reg.index()]));
        } else {
            // Nothing in the program depends on it.
            known = Known::Number(0);
        }
        self.regs.put(reg, Held { wide, narrow, known, short, ..held });
    }

    /// What is known of a register.
    pub(super) fn known(&self, reg: Reg) -> Known {
        self.regs.held(reg).known
    }

    /// The number that an operand is, where it is known.
    pub(super) fn known_number(&self, operand: Operand) -> Option<u64> {
        match operand {
            Operand::Imm(imm) => Some(imm as u64),
            Operand::Reg(reg) => match self.known(reg) {
                Known::Number(n) => Some(n),
                Known::Nothing | Known::Frame(_) | Known::Plus(..) | Known::Sum(..) => None,
            },
        }
    }

    /// What a register is the sum of, where that was not yet made.
    pub(super) fn pending(&self, reg: Reg) -> Known {
        match self.regs.held(reg) {
            Held { wide: None, narrow: None, known, .. } => *known,
            Held { .. } => Known::Nothing,
        }
    }

    pub(super) fn set_wide(&mut self, reg: Reg, value: Value) {
        self.regs.put(reg, Held { wide: Some(value), written: true, ..Held::default() });
    }

    pub(super) fn set_narrow(&mut self, reg: Reg, value: Value) {
        self.regs.put(reg, Held { narrow: Some(value), written: true, ..Held::default() });
    }

    pub(super) fn set_part(&mut self, width: Width, reg: Reg, value: Value) {
        match width {
            Width::W32 => self.set_narrow(reg, value),
            Width::W64 => self.set_wide(reg, value),
        }
    }

    pub(super) fn set_known(&mut self, reg: Reg, known: Known) {
        self.regs.put(reg, Held { known, written: true, ..Held::default() });
    }

    pub(super) fn set_number(&mut self, reg: Reg, number: u64) {
        self.set_known(reg, Known::Number(number));
    }

    /// Zero-extends the low 32 bits of a register into another; where they are
    /// all there is, that is a copy.
    pub(super) fn extend(&mut self, dst: Reg, src: Reg) {
        self.fetch(src);
        let held = *self.regs.held(src);
        if held.short && held.wide.is_some() {
            return self.regs.put(dst, Held { written: true, ..held });
        }
        let low = self.narrow(src);
        self.set_narrow(dst, low);
    }

    pub(super) fn set_short(&mut self, reg: Reg, value: Value) {
        self.regs.put(reg, Held { wide: Some(value), short: true, written: true, ..Held::default() });
    }

    pub(super) fn copy(&mut self, dst: Reg, src: Reg) {
        self.fetch(src);
        let held = *self.regs.held(src);
        self.regs.put(dst, Held { written: true, ..held });
    }

    /// Forgets registers whose values are lost.
    pub(super) fn lose(&mut self, set: RegSet) {
        set.iter().for_each(|reg| self.set_number(reg, 0));
    }

    pub(super) fn number(&mut self, width: Width, number: u64) -> Value {
        let number = match width {
            Width::W32 => i64::from(number as u32),
            Width::W64 => number as i64,
        };
        let made = self.numbers.of(self.b.current_block());
        made.find(width, number).unwrap_or_else(|| {
            let value = self.b.ins().iconst(int(width), number);
            made.add(width, number, value);
            value
        })
    }

    /// A number of 0 to 4095, for an instruction that has room for it on every machine.
    /// It is made once in a subprogram.
    pub(super) fn immediate(&mut self, width: Width, number: i64) -> Value {
        if let Some(made) = self.numbers.immediate.find(width, number) {
            return made;
        }
        let cursor = FuncCursor::new(self.b.func);
        let mut cursor = match self.numbers.last {
            Some(last) => cursor.after_inst(last),
            None => cursor.at_first_insertion_point(self.entry),
        };
        let value = cursor.ins().iconst(int(width), number);
        self.numbers.last = self.b.func.dfg.value_def(value).inst();
        self.numbers.immediate.add(width, number, value);
        value
    }

    /// An operand of an operation that has room for small numbers.
    pub(super) fn small_operand(&mut self, width: Width, operand: Operand) -> Value {
        match operand {
            Operand::Imm(imm @ 0..4096) => self.immediate(width, imm.into()),
            Operand::Imm(_) | Operand::Reg(_) => self.operand(width, operand),
        }
    }

    /// Puts what changed in the last block of a loop into values of their own, sums
    /// with nothing that are made behind the loop; now and then in a large
    /// subprogram.
    ///
    /// A register that changes in each of many loops one after the other would
    /// otherwise be one bundle of live ranges to regalloc2, which sorts all of it
    /// again for each loop that it adds.
    pub(super) fn separate(&mut self, live: Live) {
        for reg in live.wide().iter() {
            let held = *self.regs.held(reg);
            if let Held { wide: Some(value), known: Known::Nothing, written: true, .. } = held {
                self.set_known(reg, Known::Plus(value, 0));
                self.regs.now.gap = Some(reg);
            }
        }
    }

    /// Leads a register that was separated through a branch on itself to one place,
    /// as it was and as what it is now.
    ///
    /// What it was then lives on one of both ways only, and has a gap where the other
    /// lies. For each block that a value lives into, regalloc2 looks through the
    /// parameters of all blocks from where it was when it last was behind a gap.
    pub(super) fn gap(&mut self) {
        let Some(reg) = self.regs.now.gap.take() else { return };
        let Known::Plus(was, 0) = self.regs.held(reg).known else { return };
        let (now, behind) = (self.wide(reg), self.b.create_block());
        let value = self.b.append_block_param(behind, types::I64);
        // Of two ways to the same block the first is laid out first.
        self.b.ins().brif(was, behind, &[now.into()], behind, &[was.into()]);
        self.b.seal_block(behind);
        self.b.switch_to_block(behind);
        self.set_known(reg, Known::Plus(value, 0));
    }

    /// Brings the variables up to date that blocks at whose starts this is live
    /// will read.
    pub(super) fn settle(&mut self, live: Live) {
        for reg in live.wide().iter() {
            if !self.regs.held(reg).written {
                continue;
            }
            let value = self.wide(reg);
            self.b.def_var(self.regs.wide[reg.index()], value);
        }
        for reg in live.narrow().iter() {
            let was_wide = self.regs.now.entry.wide().contains(reg);
            if was_wide || self.regs.held(reg).written {
                let value = self.narrow(reg);
                self.b.def_var(self.regs.narrow[reg.index()], value);
            }
        }
    }
}
