//! Instructions with labels, and their layout.

use brolga_core::{Callee, Code, Cond, DecodeError, Imm64, Insn, Operand, Pc, Reg, Width};

/// A place in the code, to be known later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

#[derive(Clone, Copy, Debug)]
enum Item {
    Insn(Insn),
    Jump(Label),
    JumpIf { cond: Cond, width: Width, dst: Reg, src: Operand, to: Label },
    MayGoto(Label),
    Call(Label),
    Address { dst: Reg, of: Label },
    Here(Label),
}

impl Item {
    fn slots(&self) -> u32 {
        match self {
            Self::Insn(insn) => insn.slots(),
            Self::Jump(_) | Self::JumpIf { .. } | Self::MayGoto(_) | Self::Call(_) => 1,
            Self::Address { .. } => 2,
            Self::Here(_) => 0,
        }
    }
}

/// Instructions on their way to a program.
#[derive(Debug, Default)]
pub(super) struct Emit {
    items: Vec<Item>,
    labels: usize,
    /// Whether what is written has idioms too: see [`super::with_idioms`].
    pub(super) idioms: bool,
}

impl Emit {
    pub(super) fn with_idioms() -> Self {
        Self { idioms: true, ..Self::default() }
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels - 1)
    }

    pub(super) fn here(&mut self, label: Label) {
        self.items.push(Item::Here(label));
    }

    pub(super) fn insn(&mut self, insn: Insn) {
        self.items.push(Item::Insn(insn));
    }

    pub(super) fn jump(&mut self, to: Label) {
        self.items.push(Item::Jump(to));
    }

    pub(super) fn jump_if(&mut self, cond: Cond, width: Width, dst: Reg, src: Operand, to: Label) {
        self.items.push(Item::JumpIf { cond, width, dst, src, to });
    }

    pub(super) fn may_goto(&mut self, to: Label) {
        self.items.push(Item::MayGoto(to));
    }

    pub(super) fn call(&mut self, to: Label) {
        self.items.push(Item::Call(to));
    }

    /// The address of a subprogram.
    pub(super) fn address(&mut self, dst: Reg, of: Label) {
        self.items.push(Item::Address { dst, of });
    }

    /// Where each label is.
    fn places(&self) -> Vec<u32> {
        let mut places = vec![0_u32; self.labels];
        let mut at = 0;
        for item in &self.items {
            if let Item::Here(label) = item {
                places[label.0] = at;
            }
            at += item.slots();
        }
        places
    }

    /// Where a label is.
    pub(super) fn place(&self, label: Label) -> Pc {
        Pc(self.places()[label.0])
    }

    /// The program, every label resolved.
    pub(super) fn finish(self) -> Result<Code, DecodeError> {
        let places = self.places();
        let mut at = 0;
        let mut insns = Vec::new();
        for item in &self.items {
            at += item.slots();
            let off = |label: Label| places[label.0] as i32 - at as i32;
            insns.extend(match *item {
                Item::Insn(insn) => Some(insn),
                Item::Jump(to) => Some(Insn::Jump { off: off(to), wide: false }),
                Item::JumpIf { cond, width, dst, src, to } => {
                    Some(Insn::JumpIf { cond, width, dst, src, off: off(to) as i16 })
                }
                Item::MayGoto(to) => Some(Insn::MayGoto { off: off(to) as i16 }),
                Item::Call(to) => Some(Insn::Call(Callee::Subprog(off(to)))),
                Item::Address { dst, of } => {
                    // Counted as if this took one slot.
                    Some(Insn::LoadImm64 { dst, imm: Imm64::Func(off(of) + 1) })
                }
                Item::Here(_) => None,
            });
        }
        Code::from_insns(insns)
    }
}
