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
        self.state = self.way(&compare, &a, &b, false);
        let loses =
            || compare.may_lose(&a, &b) || [&taken, &self.state].iter().any(|way| compare.lost(&a, &b, way));
        if self.is_in_summary() && loses() {
            self.knows_every_round()?;
        }
        if !self.options.impossible_ways {
            let goes = |way: &State| !compare.is_impossible(&a, &b, way);
            let (goes_there, goes_on) = (goes(&taken), goes(&self.state));
            if !(goes_there && goes_on) {
                self.rely(a.origins() | b.origins());
                return Ok(self.only_way(goes_there.then_some(taken), goes_on, target));
            }
        }
        self.facts.goes(self.pc, true);
        self.facts.goes(self.pc, false);
        self.push(taken, target)?;
        Ok(Step::On)
    }

    /// Goes the way that some run may go; none, where the numbers contradicted each
    /// other before.
    fn only_way(&mut self, taken: Option<State>, goes_on: bool, target: Pc) -> Step {
        match taken {
            Some(state) => {
                self.state = state;
                self.one_way(true, target)
            }
            None if goes_on => self.one_way(false, target),
            None => Step::End,
        }
    }

    fn one_way(&mut self, taken: bool, target: Pc) -> Step {
        self.facts.goes(self.pc, taken);
        if taken { Step::To(target) } else { Step::On }
    }

    /// The state where the jump goes that way, as far as the kernel knows: no run
    /// need go it.
    fn way(&self, compare: &Compare, a: &Value, b: &Value, taken: bool) -> State {
        let mut state = self.state.clone();
        match (a, b) {
            (Value::Number(x), Value::Number(y)) => refine(&mut state, compare, x, y, taken),
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
        state
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
        self.knows_every_round()?;
        let mut round = self.state.clone();
        round.may_gotos += 1;
        self.seen.widen_next(self.pc, self.parent(), &mut round);
        if round.may_gotos > ROUNDS_WALKED {
            self.seen.widen_round(self.pc, self.state.may_gotos, &mut round);
        }
        // The kernel walks out of the loop first.
        self.push(round, self.pc.plus(1))?;
        Ok(Step::To(target))
    }
}

impl Compare {
    /// Whether a number is compared with itself: then there may be a way that no run
    /// goes, on which less may be known of a number the more was.
    fn may_lose(&self, a: &Value, b: &Value) -> bool {
        let (Value::Number(x), Value::Number(y)) = (a, b) else { return false };
        self.src == Operand::Reg(self.dst) || (x.id.is_some() && x.id == y.id)
    }

    /// Whether less is known of a number on a way than before.
    fn lost(&self, a: &Value, b: &Value, way: &State) -> bool {
        self.any(a, b, way, |was, now| !now.within(was))
    }

    /// Whether a number is on a way what it was not before: what a way says of a
    /// number keeps each that goes it.
    fn is_impossible(&self, a: &Value, b: &Value, way: &State) -> bool {
        self.any(a, b, way, |was, now| now.excludes(was) || now.is_contradiction())
    }

    /// Whether something is so of a number compared, before and on a way.
    fn any(&self, a: &Value, b: &Value, way: &State, is_so: impl Fn(&Scalar, &Scalar) -> bool) -> bool {
        let any = |reg: Reg, was: &Value| match (was.scalar(), way.reg(reg).scalar()) {
            (Some(was), Some(now)) => is_so(was, now),
            (Some(_) | None, _) => false,
        };
        let Operand::Reg(src) = self.src else { return any(self.dst, a) };
        any(self.dst, a) || any(src, b)
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

/// Puts what the way says of two numbers into their registers, and then into
/// every other that is made of the same unknown word: the right side's first.
fn refine(state: &mut State, compare: &Compare, x: &Number, y: &Number, taken: bool) {
    let Compare { cond, width, dst, src } = *compare;
    let from = x.origins | y.origins;
    match src {
        Operand::Reg(src) if src == dst => {
            put(state, dst, domain::refine_same(cond, width, taken, &x.range), from);
        }
        Operand::Reg(src) => {
            let (x2, y2) = domain::refine(cond, width, taken, &x.range, &y.range);
            put(state, dst, x2, from);
            put(state, src, y2, from);
            put_into_linked(state, src);
        }
        Operand::Imm(_) => put(state, dst, domain::refine(cond, width, taken, &x.range, &y.range).0, from),
    }
    put_into_linked(state, dst);
}

fn put(state: &mut State, reg: Reg, range: Scalar, from: Origins) {
    if let Value::Number(n) = &mut state.top_mut().regs[reg.index()] {
        n.range = range;
        n.origins |= from;
    }
}

/// Makes what is known of a register's number known of all that are made of the
/// same unknown word. Like the kernel, what was known of these is forgotten.
fn put_into_linked(state: &mut State, reg: Reg) {
    let Value::Number(known) = *state.reg(reg) else { return };
    if known.id.is_some() {
        state.change_numbers(known.id, |other| learn(other, &known));
    }
}

fn learn(other: &mut Number, known: &Number) {
    let (near, far) = (other.moved, known.moved);
    if near.is_some() && far.is_some() && near != far {
        // What is added in 32 bits is no distance in 64.
        return;
    }
    if other.delta == known.delta {
        (other.range, other.moved) = (known.range, known.moved);
    } else {
        let by = i64::from(other.delta) - i64::from(known.delta);
        let width = near.or(far).unwrap_or(Width::W64);
        other.range = domain::moved(width, &known.range, by as u64);
    }
    // That they are made of one word is known of both.
    other.origins |= known.origins;
}
