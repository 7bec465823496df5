//! Conditional jumps: which ways there are, and what each way says of the
//! registers compared.

use crate::domain::{self, Scalar};
use crate::outcome::Cause;
use crate::state::State;
use crate::state::origins::Origins;
use crate::state::value::{Id, Number, Ptr, PtrKind, Value};
use crate::step::packet;
use crate::walk::{Step, Walk};
use brolga_core::prog_type::SockKind;
use brolga_core::{Cond, Operand, Pc, Reg, Width};

/// How many `may_goto` a path passes before numbers that change between rounds
/// are widened to anything, so that the rounds become alike.
const ROUNDS_WALKED: u32 = 32;

/// A comparison as it stands in the program.
#[derive(Clone, Copy)]
pub(crate) struct Compare {
    pub(crate) cond: Cond,
    pub(crate) width: Width,
    pub(crate) dst: Reg,
    pub(crate) src: Operand,
}

impl Walk<'_> {
    pub(crate) fn jump_if(
        &mut self,
        cond: Cond,
        width: Width,
        dst: Reg,
        src: Operand,
        off: i32,
    ) -> Result<Step, Cause> {
        let b = self.operand(src)?;
        let a = self.read(dst)?;
        let target = self.target(off)?;
        let compare = Compare { cond, width, dst, src };
        if let Some(taken) = decide(&compare, &a, &b) {
            self.rely(a.origins() | b.origins());
            return Ok(self.one_way(taken, target));
        }
        let taken = self.way(&compare, &a, &b, true);
        let fallen = self.way(&compare, &a, &b, false);
        match (taken, fallen) {
            (Some(taken), Some(fallen)) => {
                self.facts.goes(self.pc, true);
                self.facts.goes(self.pc, false);
                self.push(taken, target)?;
                self.state = fallen;
                Ok(Step::On)
            }
            (Some(taken), None) => {
                self.rely_on_shared(&a, &b);
                self.state = taken;
                Ok(self.one_way(true, target))
            }
            (None, Some(fallen)) => {
                self.rely_on_shared(&a, &b);
                self.state = fallen;
                Ok(self.one_way(false, target))
            }
            (None, None) => Err(self.bug("one way of a jump is possible")),
        }
    }

    /// What is known of two numbers and of all that share a name with them rules
    /// a way out.
    fn rely_on_shared(&mut self, a: &Value, b: &Value) {
        let name = |value: &Value| match value {
            Value::Number(n) => n.id,
            Value::Pointer(_) | Value::Uninit => Id::NONE,
        };
        let (x, y) = (name(a), name(b));
        let shares = |v: &&Value| name(v).is_some() && (name(v) == x || name(v) == y);
        let shared = self.state.values().filter(shares).fold(Origins::NONE, |all, v| all | v.origins());
        self.rely(a.origins() | b.origins() | shared);
    }

    fn one_way(&mut self, taken: bool, target: Pc) -> Step {
        self.facts.goes(self.pc, taken);
        if taken { Step::To(target) } else { Step::On }
    }

    /// The state where the jump goes that way; nothing where it can not.
    fn way(&self, compare: &Compare, a: &Value, b: &Value, taken: bool) -> Option<State> {
        let mut state = self.state.clone();
        match (a, b) {
            (Value::Number(x), Value::Number(y)) => {
                let (x2, y2) = domain::refine(compare.cond, compare.width, taken, &x.range, &y.range)?;
                let from = x.origins | y.origins;
                refine_number(&mut state, compare.dst, x, x2, from)?;
                if let Operand::Reg(src) = compare.src {
                    refine_number(&mut state, src, y, y2, from)?;
                }
            }
            (Value::Pointer(p), Value::Number(_)) if is_null_test(compare) && p.nullable => {
                self.settle_null(&mut state, p.id, taken == (compare.cond == Cond::Eq));
            }
            (Value::Pointer(p), Value::Pointer(q)) if compare.width == Width::W64 => {
                packet::learn(&mut state, compare, taken, p, q);
                self.learn_equal(&mut state, compare.cond, taken, p, q);
            }
            (Value::Pointer(_) | Value::Number(_), Value::Pointer(_))
            | (Value::Pointer(_), Value::Number(_))
            | (Value::Uninit, _)
            | (_, Value::Uninit) => {}
        }
        Some(state)
    }

    /// Settles for every pointer of this name whether it is null. A reference
    /// that was acquired with it is none where it is null.
    fn settle_null(&self, state: &mut State, id: Id, null: bool) {
        if null {
            state.held.release(id);
        }
        let settled = |value: &Value| value.ptr().is_some_and(|p| p.nullable && p.id == id);
        state.change(settled, |value| {
            if let Value::Pointer(p) = value {
                *value = if null { Value::immediate(0) } else { self.found(p) };
            }
        });
    }

    /// A nullable pointer that turned out not to be null. Which object it is to
    /// is still of interest where that holds a lock.
    fn found(&self, p: &Ptr) -> Value {
        let (kind, id) = match p.kind {
            PtrKind::MapValue(map) if self.names_values(map) => (p.kind, p.id),
            PtrKind::SocketOfMap => (PtrKind::Socket(SockKind::Full), Id::NONE),
            kind => (kind, Id::NONE),
        };
        Value::Pointer(Ptr { kind, nullable: false, id, ..*p })
    }

    /// Equal to a pointer that is not null: not null.
    fn learn_equal(&self, state: &mut State, cond: Cond, taken: bool, p: &Ptr, q: &Ptr) {
        let equal = matches!((cond, taken), (Cond::Eq, true) | (Cond::Ne, false));
        match (equal, p.nullable, q.nullable) {
            (true, true, false) if is_never_null(q) => self.settle_null(state, p.id, false),
            (true, false, true) if is_never_null(p) => self.settle_null(state, q.id, false),
            (true | false, true | false, true | false) => {}
        }
    }

    /// `may_goto`: both ways are walked. What runs before its budget is spent is
    /// a loop that ends by itself.
    pub(crate) fn may_goto(&mut self, off: i32) -> Result<Step, Cause> {
        let target = self.target(off)?;
        self.facts.goes(self.pc, true);
        self.facts.goes(self.pc, false);
        let mut round = self.state.clone();
        round.may_gotos += 1;
        if round.may_gotos > ROUNDS_WALKED
            && let Some(earlier) = self.seen.earlier_round(self.pc, self.state.may_gotos)
        {
            widen(&mut round, earlier);
        }
        // The kernel walks out of the loop first.
        self.push(round, self.pc.plus(1))?;
        Ok(Step::To(target))
    }
}

/// Whether it is a comparison of all 64 bits with a plain 0.
fn is_null_test(compare: &Compare) -> bool {
    compare.width == Width::W64
        && compare.src == Operand::Imm(0)
        && matches!(compare.cond, Cond::Eq | Cond::Ne)
}

/// The way the jump always goes, where that is known.
fn decide(compare: &Compare, a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) => {
            domain::decide(compare.cond, compare.width, &x.range, &y.range)
        }
        (Value::Pointer(p), Value::Number(n)) | (Value::Number(n), Value::Pointer(p)) => {
            let tested = compare.width == Width::W64 && n.range.as_const() == Some(0) && is_never_null(p);
            match compare.cond {
                Cond::Eq if tested => Some(false),
                Cond::Ne if tested => Some(true),
                Cond::Eq
                | Cond::Ne
                | Cond::Gt
                | Cond::Ge
                | Cond::Lt
                | Cond::Le
                | Cond::Set
                | Cond::Sgt
                | Cond::Sge
                | Cond::Slt
                | Cond::Sle => None,
            }
        }
        (Value::Pointer(p), Value::Pointer(q)) if compare.width == Width::W64 => {
            packet::decide(compare.cond, p, q)
        }
        (Value::Pointer(_), Value::Pointer(_)) | (Value::Uninit, _) | (_, Value::Uninit) => None,
    }
}

/// Whether a pointer of this kind is known not to be 0 wherever it points: the
/// kinds of which the kernel says so.
fn is_never_null(p: &Ptr) -> bool {
    let solid = match p.kind {
        PtrKind::MapValue(_)
        | PtrKind::MapKey(_)
        | PtrKind::Map(_)
        | PtrKind::Mem { .. }
        | PtrKind::Record(_) => true,
        PtrKind::Socket(kind) => kind != SockKind::Xdp,
        // What a reference keeps is there.
        PtrKind::Kernel { trusted, .. } => trusted || p.owner.is_some(),
        PtrKind::Ctx
        | PtrKind::Func(_)
        | PtrKind::Stack(_)
        | PtrKind::Packet
        | PtrKind::PacketMeta
        | PtrKind::PacketEnd
        | PtrKind::SocketOfMap => false,
    };
    solid && !p.nullable
}

/// Puts what is now known of a number into its register, and into every other
/// that is made of the same unknown word.
fn refine_number(state: &mut State, reg: Reg, was: &Number, range: Scalar, from: Origins) -> Option<()> {
    let now = Number { range, ..*was };
    if let Value::Number(n) = &mut state.top_mut().regs[reg.index()] {
        // Where a register is compared with itself, both sides hold of it.
        n.range = n.range.meet(&range)?;
        n.origins |= from;
    }
    if !now.id.is_some() {
        return Some(());
    }
    state.try_change_numbers(now.id, |other| {
        let by = i64::from(other.delta) - i64::from(now.delta);
        let moved = if by == 0 {
            range
        } else {
            domain::alu(brolga_core::AluOp::Add, Width::W64, &range, &Scalar::constant(by as u64))
        };
        // Both hold: what the other was known to be, and what this one says.
        other.range = other.range.meet(&moved)?;
        other.origins |= from;
        Some(())
    })
}

/// Makes every number that is not as it was in an earlier round anything.
pub(crate) fn widen(round: &mut State, earlier: &State) {
    if round.frames.len() != earlier.frames.len() {
        return;
    }
    let widen_value = |now: &mut Value, was: &Value| {
        if let (Value::Number(n), Value::Number(w)) = (&*now, was)
            && n.range != w.range
        {
            *now = Value::UNKNOWN;
        }
    };
    for (index, old) in earlier.frames.iter().enumerate() {
        let frame = &mut round.frames[index];
        frame.regs.iter_mut().zip(&old.regs).for_each(|(now, was)| widen_value(now, was));
        for (index, old) in old.stack.slots().enumerate() {
            if frame.stack.slot(index).whole().is_some() && old.whole().is_some() {
                widen_value(&mut frame.stack.slot_mut(index).value, &old.value);
            }
        }
    }
}
