//! Loads and stores, by what the address points into.

use crate::domain;
use crate::facts::Conversion;
use crate::outcome::Cause;
use crate::reject::{Verb, Why};
use crate::state::trace::Trace;
use crate::state::value::{MapRef, Number, Ptr, PtrKind, Value};
use crate::step::region::Bytes;
use crate::walk::Walk;
use brolga_core::facts::Region;
use brolga_core::prog_type::{FieldKind, SockKind};
use brolga_core::{MapFlags, Operand, Reg, Size};

/// An access through a register at the instruction's own offset.
#[derive(Clone, Copy)]
pub(crate) struct Access {
    pub(crate) reg: Reg,
    pub(crate) off: i32,
    pub(crate) size: Size,
    pub(crate) atomic: bool,
}

impl Access {
    fn bytes(&self, ptr: &Ptr, verb: Verb) -> Bytes {
        Bytes {
            reg: self.reg,
            off: i64::from(ptr.off) + i64::from(self.off),
            size: self.size.bytes(),
            zero_ok: false,
            writes: verb == Verb::Write,
            by_helper: false,
        }
    }
}

impl Walk<'_> {
    pub(crate) fn load(
        &mut self,
        size: Size,
        signed: bool,
        dst: Reg,
        src: Reg,
        off: i16,
    ) -> Result<(), Cause> {
        self.read(src)?;
        self.writable(dst)?;
        let access = Access { reg: src, off: off.into(), size, atomic: false };
        let value = self.load_value(&access, signed)?;
        self.state.set(dst, value);
        Ok(())
    }

    /// What a load gives, cut or sign-extended to 64 bits.
    pub(crate) fn load_value(&mut self, access: &Access, signed: bool) -> Result<Value, Cause> {
        let ptr = self.memory_pointer(access)?;
        let value = match ptr.kind {
            PtrKind::Stack(_) => self.load_stack(&ptr, access)?,
            PtrKind::Ctx => self.load_ctx(&ptr, access, signed)?,
            PtrKind::MapValue(map) => self.load_map_value(&ptr, map, access)?,
            PtrKind::Packet | PtrKind::PacketMeta => {
                self.in_packet(&ptr, &access.bytes(&ptr, Verb::Read))?;
                Value::UNKNOWN
            }
            PtrKind::Mem { size, .. } | PtrKind::Record(size) => {
                self.in_memory(&ptr.var, size.into(), &access.bytes(&ptr, Verb::Read))?;
                Value::UNKNOWN
            }
            PtrKind::MapKey(map) => {
                let size = map.def(self.aux).key_size.into();
                self.in_memory(&ptr.var, size, &access.bytes(&ptr, Verb::Read))?;
                Value::UNKNOWN
            }
            PtrKind::Map(map) => self.load_map_object(map, &ptr, access)?,
            PtrKind::Socket(kind) => self.load_socket(kind, &ptr, access)?,
            PtrKind::Kernel { .. } => return Err(self.unsupported("a look into a kernel structure")),
            PtrKind::PacketEnd | PtrKind::Func(_) | PtrKind::SocketOfMap => {
                return Err(self.not_memory(access.reg));
            }
        };
        Ok(extend(value, access.size, signed))
    }

    pub(crate) fn store(&mut self, size: Size, dst: Reg, off: i16, src: Operand) -> Result<(), Cause> {
        let value = self.operand(src)?;
        self.read(dst)?;
        let access = Access { reg: dst, off: off.into(), size, atomic: false };
        if let Operand::Reg(reg) = src
            && let Some(named) = self.name_spilled(reg, &access, &value)
        {
            return self.store_value(&access, &named);
        }
        self.store_value(&access, &value)
    }

    /// A number that goes to the stack as a whole is given a name, so that what is
    /// learnt of it later is learnt of its copy too.
    fn name_spilled(&mut self, reg: Reg, access: &Access, value: &Value) -> Option<Value> {
        let off =
            self.state.reg(access.reg).ptr().filter(|p| matches!(p.kind, PtrKind::Stack(_)))?.fixed_off();
        let first = off.is_some_and(|off| (off + i64::from(access.off)) % 8 == 0);
        let fits = value.scalar().is_some_and(|n| n.umax() <= access.size.mask());
        if first && fits { self.name_number(reg).map(Value::Number) } else { None }
    }

    pub(crate) fn store_value(&mut self, access: &Access, value: &Value) -> Result<(), Cause> {
        let ptr = self.memory_pointer(access)?;
        let bytes = access.bytes(&ptr, Verb::Write);
        match ptr.kind {
            PtrKind::Stack(_) => self.store_stack(&ptr, access, value),
            PtrKind::Ctx => self.store_ctx(&ptr, access),
            PtrKind::MapValue(map) => self.in_map_value(&ptr, map, &bytes),
            PtrKind::Packet | PtrKind::PacketMeta => {
                self.packet_writable()?;
                self.in_packet(&ptr, &bytes)
            }
            PtrKind::Mem { rdonly: true, .. } | PtrKind::Socket(_) => {
                Err(self.reject(Why::ReadOnly { reg: access.reg, kind: ptr.type_name() }))
            }
            PtrKind::Mem { size, rdonly: false } | PtrKind::Record(size) => {
                self.in_memory(&ptr.var, size.into(), &bytes)
            }
            PtrKind::MapKey(_) => Err(self.reject(Why::WritesKey(access.reg))),
            PtrKind::Map(map) => Err(self.store_map_object(map, &ptr, access)),
            PtrKind::Kernel { .. } => Err(self.unsupported("a store to a kernel structure")),
            PtrKind::PacketEnd | PtrKind::Func(_) | PtrKind::SocketOfMap => Err(self.not_memory(access.reg)),
        }
    }

    /// The pointer that an access goes through, aligned as it must be.
    fn memory_pointer(&mut self, access: &Access) -> Result<Ptr, Cause> {
        let value = *self.state.reg(access.reg);
        let Value::Pointer(ptr) = value else { return Err(self.not_memory(access.reg)) };
        self.aligned(&ptr, access.off, access.size.bytes(), access.atomic)?;
        if ptr.nullable {
            return Err(self.not_memory(access.reg));
        }
        if !self.facts.same_kind(self.pc, conversion(&ptr)) {
            return Err(self.reject(Why::MixedPointers));
        }
        self.note_region(&ptr, access.off);
        Ok(ptr)
    }

    pub(crate) fn not_memory(&self, reg: Reg) -> Cause {
        self.reject(Why::NotMemory { reg, kind: self.state.reg(reg).type_name() })
    }

    fn load_ctx(&mut self, ptr: &Ptr, access: &Access, signed: bool) -> Result<Value, Cause> {
        self.unmoved(access.reg, ptr)?;
        let kind = self.ctx_field(access, false)?;
        // A part of an address can not be sign-extended to an address.
        if signed && kind.is_pointer() {
            return Err(self.no_field(access));
        }
        Ok(match kind {
            FieldKind::Scalar => Value::UNKNOWN,
            FieldKind::PacketData => Value::pointer(PtrKind::Packet),
            FieldKind::PacketMeta => Value::pointer(PtrKind::PacketMeta),
            FieldKind::PacketEnd => Value::pointer(PtrKind::PacketEnd),
            FieldKind::SockOrNull => self.object(PtrKind::Socket(SockKind::Common), true),
            FieldKind::Socket => Value::pointer(PtrKind::Socket(SockKind::Full)),
            FieldKind::SocketOrNull => self.object(PtrKind::Socket(SockKind::Full), true),
            FieldKind::FlowKeys => return Err(self.unsupported("flow keys")),
        })
    }

    fn store_ctx(&mut self, ptr: &Ptr, access: &Access) -> Result<(), Cause> {
        self.unmoved(access.reg, ptr)?;
        self.ctx_field(access, true).map(|_| ())
    }

    /// The field that is accessed, noted for those who run the program.
    fn ctx_field(&mut self, access: &Access, write: bool) -> Result<FieldKind, Cause> {
        let layout = &self.aux.prog_type.ctx;
        let resolved = layout.access_as(self.aux.attach, access.off.into(), access.size, write);
        let resolved = resolved.ok_or_else(|| self.no_field(access))?;
        self.facts.touches(self.pc, Region::Ctx(resolved));
        Ok(resolved.kind)
    }

    fn no_field(&self, access: &Access) -> Cause {
        self.reject(Why::Context { off: access.off.into(), size: access.size.bytes() })
    }

    fn load_map_value(&mut self, ptr: &Ptr, map: MapRef, access: &Access) -> Result<Value, Cause> {
        let bytes = access.bytes(ptr, Verb::Read);
        self.in_map_value(ptr, map, &bytes)?;
        let constant = self.frozen_bytes(ptr, map, access).map(Value::immediate);
        Ok(constant.unwrap_or(Value::UNKNOWN))
    }

    /// What lies there, in a map whose content will never change.
    fn frozen_bytes(&self, ptr: &Ptr, map: MapRef, access: &Access) -> Option<u64> {
        let def = map.def(self.aux);
        if map.inner || def.max_entries != 1 || !def.flags.contains(MapFlags::RDONLY_PROG) {
            return None;
        }
        let frozen = self.aux.map(map.idx).frozen.as_ref()?;
        let start = usize::try_from(ptr.fixed_off()?.checked_add(access.off.into())?).ok()?;
        let bytes = frozen.get(start..start.checked_add(access.size.bytes() as usize)?)?;
        Some(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }
}

/// How an access through a pointer is converted.
const fn conversion(ptr: &Ptr) -> Conversion {
    match ptr.kind {
        PtrKind::Ctx => Conversion::Ctx,
        PtrKind::Socket(kind) => Conversion::Socket(kind),
        PtrKind::Kernel { .. } => Conversion::Object,
        PtrKind::Stack(_)
        | PtrKind::Map(_)
        | PtrKind::MapValue(_)
        | PtrKind::MapKey(_)
        | PtrKind::Func(_)
        | PtrKind::Packet
        | PtrKind::PacketMeta
        | PtrKind::PacketEnd
        | PtrKind::Mem { .. }
        | PtrKind::Record(_)
        | PtrKind::SocketOfMap => Conversion::Plain,
    }
}

/// A loaded value, cut or sign-extended to 64 bits; the name is that of what was
/// stored, where nothing of it is lost.
fn extend(value: Value, size: Size, signed: bool) -> Value {
    let Value::Number(n) = value else { return value };
    if size == Size::B8 {
        return value;
    }
    let (most, made) = if signed {
        (size.mask() >> 1, n.made(|n| domain::sign_extend(brolga_core::Width::W64, size, n)))
    } else {
        (size.mask(), n.made(|n| domain::zero_extend(size, n)))
    };
    let whole = n.range.umax() <= most;
    let trace = if whole { n.trace } else { Trace::NONE };
    let keeps = n.id.is_some() && whole;
    // That it is the same word comes from what it was.
    let origins = if trace.is_some() { n.origins } else { made.origins };
    Value::Number(if keeps { Number { range: made.range, ..n } } else { Number { trace, origins, ..made } })
}
