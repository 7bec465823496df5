//! Arithmetic: on numbers through the domain, on pointers in
//! [`super::pointer`].

use crate::domain;
use crate::outcome::Cause;
use crate::reject::Why;
use crate::state::origins::Origins;
use crate::state::trace::Trace;
use crate::state::value::{Number, PtrKind, Value};
use crate::walk::Walk;
use brolga_core::insn::Order;
use brolga_core::{AluOp, Imm64, Operand, Reg, Size, Width};

impl Walk<'_> {
    pub(crate) fn alu(&mut self, op: AluOp, width: Width, dst: Reg, src: Operand) -> Result<(), Cause> {
        if op == AluOp::Mov {
            return self.mov(width, dst, src);
        }
        let b = self.operand(src)?;
        let a = self.read(dst)?;
        self.immediate_fits(op, width, src)?;
        self.writable(dst)?;
        let value = match (a, b) {
            (Value::Number(x), Value::Number(y)) => {
                self.note_divisor(op, width, &y);
                let x = self.part_signs(op, dst, &x, &y)?;
                Value::Number(arithmetic(op, width, &x, &y))
            }
            (Value::Pointer(_), Value::Pointer(_)) if op == AluOp::Sub => unknown(width),
            (Value::Pointer(_), Value::Pointer(_)) => {
                return Err(self.reject(Why::TwoPointers { dst, op }));
            }
            (Value::Pointer(p), Value::Number(n)) => {
                self.rely_on(&n);
                self.pointer_arithmetic(op, width, dst, &p, &n.range, false)?
            }
            (Value::Number(n), Value::Pointer(p)) => {
                self.rely_on(&n);
                self.pointer_arithmetic(op, width, dst, &p, &n.range, true)?
            }
            (Value::Uninit, _) | (_, Value::Uninit) => return Err(self.bug("operands are readable")),
        };
        self.state.set(dst, value);
        Ok(())
    }

    /// Like the kernel, walks two ways from where a number that is 0 or -1 meets a
    /// constant: what is left of `a` on this one, where it is -1.
    fn part_signs(&mut self, op: AluOp, dst: Reg, a: &Number, b: &Number) -> Result<Number, Cause> {
        if !matches!(op, AluOp::And | AluOp::Or) || b.range.as_const().is_none() {
            return Ok(*a);
        }
        let Some((zero, ones)) = domain::signs(&a.range) else { return Ok(*a) };
        self.rely_on_range(a);
        let mut other = self.state.clone();
        other.set(dst, Value::Number(Number { range: zero, ..*a }));
        self.push(other, self.pc)?;
        Ok(Number { range: ones, ..*a })
    }

    fn immediate_fits(&self, op: AluOp, width: Width, src: Operand) -> Result<(), Cause> {
        let Operand::Imm(imm) = src else { return Ok(()) };
        match op {
            AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod if imm == 0 => {
                Err(self.reject(Why::DivisionByZero))
            }
            AluOp::Lsh | AluOp::Rsh | AluOp::Arsh if !(0..width.bits() as i32).contains(&imm) => {
                Err(self.reject(Why::Shift(imm)))
            }
            AluOp::Div
            | AluOp::Sdiv
            | AluOp::Mod
            | AluOp::Smod
            | AluOp::Lsh
            | AluOp::Rsh
            | AluOp::Arsh
            | AluOp::Add
            | AluOp::Sub
            | AluOp::Mul
            | AluOp::Or
            | AluOp::And
            | AluOp::Xor
            | AluOp::Mov => Ok(()),
        }
    }

    fn note_divisor(&mut self, op: AluOp, width: Width, divisor: &Number) {
        if matches!(op, AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod) {
            let cut = domain::alu(AluOp::Mov, width, &divisor.range, &divisor.range);
            let nonzero = !cut.contains(0);
            if nonzero {
                self.rely_on_range(divisor);
            }
            self.facts.divides(self.pc, nonzero);
        }
    }

    fn mov(&mut self, width: Width, dst: Reg, src: Operand) -> Result<(), Cause> {
        let from = self.operand(src)?;
        self.writable(dst)?;
        let low = |n: &domain::Scalar| domain::alu(AluOp::Mov, Width::W32, n, n);
        let value = match (width, from, src) {
            (Width::W64, Value::Number(_), Operand::Reg(reg)) => {
                self.name_number(reg).map_or(from, Value::Number)
            }
            (Width::W64, _, _) => from,
            (Width::W32, Value::Number(n), Operand::Reg(reg)) if n.range.umax() <= u64::from(u32::MAX) => {
                let named = self.name_number(reg).unwrap_or(n);
                Value::Number(Number { range: low(&named.range), ..named })
            }
            (Width::W32, Value::Number(n), _) => Value::Number(n.made(low)),
            // A privileged program may look at a part of a pointer.
            (Width::W32, Value::Pointer(_) | Value::Uninit, _) => unknown(width),
        };
        self.state.set(dst, value);
        Ok(())
    }

    pub(crate) fn move_signed(&mut self, width: Width, from: Size, dst: Reg, src: Reg) -> Result<(), Cause> {
        let value = self.read(src)?;
        self.writable(dst)?;
        let value = match value {
            Value::Number(n) if n.range.umax() <= from.mask() >> 1 => {
                let named = self.name_number(src).unwrap_or(n);
                Value::Number(Number { range: domain::sign_extend(width, from, &named.range), ..named })
            }
            Value::Number(n) => Value::Number(n.made(|n| domain::sign_extend(width, from, n))),
            Value::Pointer(_) | Value::Uninit => unknown(width),
        };
        self.state.set(dst, value);
        Ok(())
    }

    pub(crate) fn negate(&mut self, width: Width, dst: Reg) -> Result<(), Cause> {
        self.unary(dst, width, |n| domain::neg(width, n))
    }

    pub(crate) fn swap(&mut self, order: Order, size: Size, dst: Reg) -> Result<(), Cause> {
        if (order, size) == (Order::Le, Size::B8) && self.read(dst)?.scalar().is_some() {
            // Nothing changes, the name included.
            return self.writable(dst);
        }
        self.unary(dst, Width::W64, |n| domain::swap(order, size, n))
    }

    fn unary(
        &mut self,
        dst: Reg,
        width: Width,
        transfer: impl Fn(&domain::Scalar) -> domain::Scalar,
    ) -> Result<(), Cause> {
        let value = self.read(dst)?;
        self.writable(dst)?;
        let value = match value {
            Value::Number(n) => Value::Number(n.made(transfer)),
            Value::Pointer(_) | Value::Uninit => unknown(width),
        };
        self.state.set(dst, value);
        Ok(())
    }

    pub(crate) fn load_imm64(&mut self, dst: Reg, imm: Imm64) -> Result<(), Cause> {
        self.writable(dst)?;
        let value = match imm {
            Imm64::Value(value) => Value::immediate(value),
            Imm64::MapFd(_) | Imm64::MapIdx(_) => Value::pointer(PtrKind::Map(self.map_ref(&imm)?)),
            Imm64::MapValue { off, .. } | Imm64::MapIdxValue { off, .. } => {
                let mut p = crate::state::value::Ptr::to(PtrKind::MapValue(self.map_ref(&imm)?));
                p.off = i32::try_from(off).map_err(|_| self.bug("direct offsets were tested"))?;
                Value::Pointer(p)
            }
            Imm64::BtfId { .. } => return Err(self.unsupported("a kernel variable")),
            Imm64::Func(off) => self.callback_address(off)?,
        };
        self.state.set(dst, value);
        Ok(())
    }

    fn map_ref(&self, imm: &Imm64) -> Result<crate::state::value::MapRef, Cause> {
        let idx = self.aux.map_ref(imm).ok_or_else(|| self.bug("map references were resolved"))?;
        Ok(crate::state::value::MapRef { idx, inner: false })
    }
}

/// Any number of a width.
fn unknown(width: Width) -> Value {
    Value::anyway(domain::zero_extend(width.size(), &domain::Scalar::UNKNOWN))
}

/// An operator on numbers; adding a constant keeps the name.
fn arithmetic(op: AluOp, width: Width, a: &Number, b: &Number) -> Number {
    let range = domain::alu(op, width, &a.range, &b.range);
    let trace = moved(op, a.trace, &b.range, width);
    let delta = added(op, width, a, b);
    // What a trace or a name says comes from the operands also where the range is any.
    let says_more = trace.is_some() || delta.is_some();
    let origins = if says_more { a.origins | b.origins } else { origins(op, width, a, b, &range) };
    let made = Number { origins, trace, ..Number::of(range) };
    match delta {
        Some(delta) => Number { id: a.id, delta, moved: Some(width), ..made },
        None => made,
    }
}

/// How a word that has this trace stands to a loop's round after the operation.
pub(crate) fn moved(op: AluOp, trace: Trace, by: &domain::Scalar, width: Width) -> Trace {
    let Some(by) = by.as_const() else { return Trace::NONE };
    match op {
        AluOp::Add => trace.plus(by as i64, width),
        AluOp::Sub => trace.plus((by as i64).saturating_neg(), width),
        AluOp::Mul
        | AluOp::Div
        | AluOp::Sdiv
        | AluOp::Mod
        | AluOp::Smod
        | AluOp::Or
        | AluOp::And
        | AluOp::Xor
        | AluOp::Lsh
        | AluOp::Rsh
        | AluOp::Arsh
        | AluOp::Mov => Trace::NONE,
    }
}

/// What the result comes from: of what is masked or shifted down, nothing may be
/// left.
fn origins(op: AluOp, width: Width, a: &Number, b: &Number, range: &domain::Scalar) -> Origins {
    if range.is_unknown() {
        return Origins::NONE;
    }
    let cuts = matches!(op, AluOp::And | AluOp::Rsh) && !a.origins.is_none();
    if cuts && domain::alu(op, width, &domain::Scalar::UNKNOWN, &b.range) == *range {
        return b.origins;
    }
    a.origins | b.origins
}

/// How far from the word that `a` is named after the result is: like the kernel,
/// once only, and in 32 bits only where that is all of it.
fn added(op: AluOp, width: Width, a: &Number, b: &Number) -> Option<i32> {
    if !a.id.is_some() || a.moved.is_some() {
        return None;
    }
    let by = match width {
        Width::W32 if a.range.umax() > u64::from(u32::MAX) => return None,
        Width::W32 => b.range.as_const32()? as i32,
        Width::W64 => i32::try_from(b.range.as_const()? as i64).ok()?,
    };
    match op {
        AluOp::Add => Some(by),
        AluOp::Sub => by.checked_neg(),
        AluOp::Mul | AluOp::Or | AluOp::And | AluOp::Xor | AluOp::Mov => None,
        AluOp::Lsh | AluOp::Rsh | AluOp::Arsh => None,
        AluOp::Div | AluOp::Sdiv | AluOp::Mod | AluOp::Smod => None,
    }
}
