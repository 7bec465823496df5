//! Atomic operations, acquiring loads and releasing stores.

use crate::domain::Tnum;
use crate::outcome::Cause;
use crate::reject::Why;
use crate::state::value::{Ptr, PtrKind, Value};
use crate::step::memory::Access;
use crate::walk::Walk;
use brolga_core::{AtomicOp, Reg, Size, Width};

impl Walk<'_> {
    pub(crate) fn atomic(
        &mut self,
        op: AtomicOp,
        width: Width,
        dst: Reg,
        off: i16,
        src: Reg,
    ) -> Result<(), Cause> {
        self.read(src)?;
        self.read(dst)?;
        if op == AtomicOp::Cmpxchg {
            self.read(Reg::R0)?;
        }
        self.atomics_allowed(dst, false)?;
        let result = match op {
            AtomicOp::Cmpxchg => Some(Reg::R0),
            _ if op.fetches() => Some(src),
            _ => None,
        };
        if let Some(reg) = result {
            self.writable(reg)?;
        }
        let access = Access { reg: dst, off: off.into(), size: width.size(), atomic: true };
        if result == Some(dst) {
            return Err(self.address_is_lost(&access));
        }
        let old = self.load_value(&access, false)?;
        self.fixed_on_stack(&access)?;
        // What is stored may be anything that the operation makes of the old
        // value; a pointer among the operands ends as a number.
        self.store_value(&access, &Value::Uninit)?;
        if let Some(reg) = result {
            self.state.set(reg, old);
        }
        Ok(())
    }

    /// The kernel looks at the address when the result has taken its register.
    fn address_is_lost(&self, access: &Access) -> Cause {
        let (insn_off, size) = (access.off, access.size.bytes());
        self.reject(Why::Misaligned { place: "", packet: false, var: Tnum::UNKNOWN, off: 0, insn_off, size })
    }

    /// What an atomic reads of the stack at a place that is not known might be a
    /// part of a pointer.
    fn fixed_on_stack(&self, access: &Access) -> Result<(), Cause> {
        match self.state.reg(access.reg) {
            Value::Pointer(Ptr { kind: PtrKind::Stack(_), var, off, .. }) if var.as_const().is_none() => {
                let off = i64::from(*off) + i64::from(access.off);
                let size = access.size.bytes();
                Err(self.reject(Why::StackVariableHelper { var: var.tnum(), off, size }))
            }
            Value::Pointer(_) | Value::Number(_) | Value::Uninit => Ok(()),
        }
    }

    /// Atomics work on the stack, on map values and on plain memory.
    fn atomics_allowed(&self, reg: Reg, load: bool) -> Result<(), Cause> {
        let value = self.state.reg(reg);
        match value.ptr().map(|p| p.kind) {
            Some(PtrKind::Ctx | PtrKind::Packet | PtrKind::PacketMeta | PtrKind::Socket(_)) => {
                Err(self.reject(Why::Atomic { reg, kind: value.type_name(), load }))
            }
            Some(
                PtrKind::Stack(_)
                | PtrKind::Map(_)
                | PtrKind::MapValue(_)
                | PtrKind::MapKey(_)
                | PtrKind::Func(_)
                | PtrKind::PacketEnd
                | PtrKind::Mem { .. }
                | PtrKind::Record(_)
                | PtrKind::SocketOfMap
                | PtrKind::Kernel { .. },
            )
            | None => Ok(()),
        }
    }

    pub(crate) fn load_acquire(&mut self, size: Size, dst: Reg, src: Reg, off: i16) -> Result<(), Cause> {
        self.read(src)?;
        self.writable(dst)?;
        self.atomics_allowed(src, true)?;
        let access = Access { reg: src, off: off.into(), size, atomic: true };
        let value = self.load_value(&access, false)?;
        self.state.set(dst, value);
        Ok(())
    }

    pub(crate) fn store_release(&mut self, size: Size, dst: Reg, off: i16, src: Reg) -> Result<(), Cause> {
        let value = self.read(src)?;
        self.read(dst)?;
        self.atomics_allowed(dst, false)?;
        let access = Access { reg: dst, off: off.into(), size, atomic: true };
        self.store_value(&access, &value)
    }
}
