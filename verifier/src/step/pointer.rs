//! Arithmetic on pointers: only `+` and `-` of numbers, 64 bits wide, on the
//! kinds that have an inside, and never so far that an offset could wrap.

use crate::domain::{self, Scalar};
use crate::outcome::Cause;
use crate::reject::Why;
use crate::state::value::{Past, Ptr, PtrKind, Value};
use crate::step::alu::moved as trace;
use crate::walk::Walk;
use brolga_core::{AluOp, Reg, Width};

/// No offset may reach this, in bytes, either way: the kernel's
/// `BPF_MAX_VAR_OFF`.
pub(crate) const MAX_OFF: i64 = 1 << 29;

impl Walk<'_> {
    /// `ptr op number`, or `number op ptr` where `swapped`.
    pub(crate) fn pointer_arithmetic(
        &mut self,
        op: AluOp,
        width: Width,
        dst: Reg,
        ptr: &Ptr,
        number: &Scalar,
        swapped: bool,
    ) -> Result<Value, Cause> {
        if contradicts_itself(number) {
            return Ok(Value::UNKNOWN);
        }
        if width == Width::W32 {
            return match op {
                AluOp::Sub => Ok(Value::anyway(domain::zero_extend(width.size(), &Scalar::UNKNOWN))),
                _ => Err(self.reject(Why::NarrowPointerArithmetic(dst))),
            };
        }
        self.may_move(dst, ptr, op, number)?;
        self.sane(ptr.type_name(), 0, number)?;
        self.sane(ptr.type_name(), ptr.off, &ptr.var)?;
        let moved = match op {
            AluOp::Add => self.plus(ptr, number),
            AluOp::Sub if swapped => return Err(self.reject(Why::ScalarMinusPointer(dst))),
            AluOp::Sub if matches!(ptr.kind, PtrKind::Stack(_)) => {
                return Err(self.reject(Why::StackMinus(dst)));
            }
            AluOp::Sub => self.minus(ptr, number),
            AluOp::And | AluOp::Or | AluOp::Xor => return Err(self.reject(Why::PointerBits { dst, op })),
            AluOp::Mul
            | AluOp::Div
            | AluOp::Sdiv
            | AluOp::Lsh
            | AluOp::Rsh
            | AluOp::Mod
            | AluOp::Smod
            | AluOp::Mov
            | AluOp::Arsh => return Err(self.reject(Why::PointerOperator { dst, op })),
        };
        self.sane(ptr.type_name(), moved.off, &moved.var)?;
        Ok(Value::Pointer(Ptr { trace: trace(op, ptr.trace, number, width), ..moved }))
    }

    /// Whether pointers of the kind may be moved at all.
    fn may_move(&self, dst: Reg, ptr: &Ptr, op: AluOp, number: &Scalar) -> Result<(), Cause> {
        let kind = ptr.type_name();
        let refuse = |nullable| Err(self.reject(Why::PointerArithmetic { dst, kind, nullable }));
        if ptr.nullable {
            return refuse(true);
        }
        match ptr.kind {
            PtrKind::Ctx
            | PtrKind::Stack(_)
            | PtrKind::MapValue(_)
            | PtrKind::MapKey(_)
            | PtrKind::Func(_)
            | PtrKind::Packet
            | PtrKind::PacketMeta
            | PtrKind::Mem { .. }
            | PtrKind::Record(_) => Ok(()),
            PtrKind::Kernel { .. } => Err(self.unsupported("arithmetic on a kernel structure")),
            PtrKind::Map(_) if op == AluOp::Add && number.as_const() == Some(0) => Ok(()),
            PtrKind::Map(_) | PtrKind::PacketEnd | PtrKind::Socket(_) | PtrKind::SocketOfMap => refuse(false),
        }
    }

    /// That an offset is far from where it could wrap.
    fn sane(&self, kind: &'static str, off: i32, var: &Scalar) -> Result<(), Cause> {
        let far = |v: i64| v >= MAX_OFF || v <= -MAX_OFF;
        let why = match var.as_const() {
            Some(value) if far(value as i64) => Why::FarConstant { kind, value: value as i64 },
            _ if far(off.into()) => Why::FarOffset { kind, off },
            _ if var.smin() == i64::MIN => Why::UnboundedMin(kind),
            _ if far(var.smin()) => Why::FarValue { kind, value: var.smin() },
            _ => return Ok(()),
        };
        Err(self.reject(why))
    }

    fn plus(&mut self, ptr: &Ptr, number: &Scalar) -> Ptr {
        if let Some(off) = fixed(ptr, number, 1) {
            return Ptr { off, past: past_at(ptr, off), ..*ptr };
        }
        let mut moved = Ptr { var: domain::offset(AluOp::Add, &ptr.var, number), ..*ptr };
        if ptr.is_packet() {
            // Another place: what was known of the bytes from the old one says
            // nothing of it.
            moved.id = self.new_id();
            (moved.range, moved.past) = (0, Past::Unknown);
        }
        moved
    }

    fn minus(&mut self, ptr: &Ptr, number: &Scalar) -> Ptr {
        if let Some(off) = fixed(ptr, number, -1) {
            return Ptr { off, past: past_at(ptr, off), ..*ptr };
        }
        let mut moved = Ptr { var: domain::offset(AluOp::Sub, &ptr.var, number), ..*ptr };
        if ptr.is_packet() {
            moved.id = self.new_id();
            // The bytes from the old place are there from an earlier one too.
            moved.range = if number.smin() < 0 { 0 } else { ptr.range };
            moved.past = Past::Unknown;
        }
        moved
    }
}

/// Whether the kernel takes a number for one of a way that no run goes: it then
/// forgets that a pointer was moved by it.
fn contradicts_itself(number: &Scalar) -> bool {
    let many = number.smin() != number.smax() || number.umin() != number.umax();
    let crossed = number.smin() > number.smax() || number.umin() > number.umax();
    crossed || (number.as_const().is_some() && many)
}

/// What is known of the packet's end at another offset: what is past the end
/// there still is further on. (Linux 6.18 believes it of what was moved back
/// too.)
fn past_at(ptr: &Ptr, off: i32) -> Past {
    if off >= ptr.off { ptr.past } else { Past::Unknown }
}

/// The fixed offset after a constant was added `sign` times, where it fits.
fn fixed(ptr: &Ptr, number: &Scalar, sign: i64) -> Option<i32> {
    let by = (number.as_const()? as i64).checked_mul(sign)?;
    i32::try_from(i64::from(ptr.off).checked_add(by)?).ok()
}
