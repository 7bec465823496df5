//! Atomic operations, acquiring loads and releasing stores.

use crate::outcome::Cause;
use crate::reject::Why;
use crate::state::value::{PtrKind, Value};
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
        let old = self.load_value(&access, false)?;
        // What is stored may be anything that the operation makes of the old
        // value; a pointer among the operands ends as a number.
        self.store_value(&access, &Value::UNKNOWN)?;
        if let Some(reg) = result {
            self.state.set(reg, old);
        }
        Ok(())
    }

    /// Atomics work on the stack, on map values and on plain memory.
    fn atomics_allowed(&self, reg: Reg, load: bool) -> Result<(), Cause> {
        let value = self.state.reg(reg);
        match value.ptr().map(|p| p.kind) {
            Some(PtrKind::Ctx | PtrKind::Packet | PtrKind::PacketMeta) => {
                Err(self.reject(Why::Atomic { reg, kind: value.type_name(), load }))
            }
            Some(
                PtrKind::Stack(_)
                | PtrKind::Map(_)
                | PtrKind::MapValue(_)
                | PtrKind::PacketEnd
                | PtrKind::Mem { .. },
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
