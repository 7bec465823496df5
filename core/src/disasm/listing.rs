//! A program as text with labels.

use crate::code::Code;
use crate::insn::{Flow, Imm64, Insn, Pc};
use crate::text::Names;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

/// The program as text that a person reads: a label before each target of a
/// jump or call, and jumps and calls to it by that label. Helpers and maps go
/// by these names.
#[must_use]
pub fn listing<'a>(code: &'a Code, names: &'a dyn Names) -> Listing<'a> {
    Listing { code, names, labels: Labels::of(code) }
}

/// A program as text with labels.
pub struct Listing<'a> {
    code: &'a Code,
    names: &'a dyn Names,
    labels: Labels,
}

impl fmt::Debug for Listing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").field("code", self.code).finish_non_exhaustive()
    }
}

impl Display for Listing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.code.iter().try_for_each(|(pc, insn)| {
            if let Some(label) = self.labels.at(pc) {
                writeln!(f, "{label}:")?;
            }
            writeln!(f, "    {}", insn.display(self.names).at(pc, &self.labels))
        })
    }
}

/// A place that has a label, and whether it starts a subprogram.
#[derive(Clone, Copy)]
pub(super) struct Label {
    pc: Pc,
    subprog: bool,
}

impl Display for Label {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kind = if self.subprog { "subprog_" } else { "L" };
        write!(f, "{kind}{}", self.pc)
    }
}

/// The places of a program that have a label, and whether each starts a
/// subprogram.
pub(super) struct Labels(BTreeMap<Pc, bool>);

impl Labels {
    /// The targets of all jumps and calls that are instructions of the program.
    fn of(code: &Code) -> Self {
        let mut labels = BTreeMap::new();
        for (pc, insn) in code.iter() {
            let (off, subprog) = match (insn.flow(), *insn) {
                (Flow::Jump(off) | Flow::Branch(off), _) => (off, false),
                (Flow::Call(off), _) | (_, Insn::LoadImm64 { imm: Imm64::Func(off), .. }) => (off, true),
                (Flow::Next | Flow::Exit, _) => continue,
            };
            if let Some(to) = pc.jump(off).filter(|to| code.at(*to).is_some()) {
                *labels.entry(to).or_default() |= subprog;
            }
        }
        Self(labels)
    }

    pub(super) fn at(&self, pc: Pc) -> Option<Label> {
        self.0.get(&pc).map(|subprog| Label { pc, subprog: *subprog })
    }
}
