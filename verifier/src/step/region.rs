//! Whether an access lies inside what a pointer points into, kind by kind.

use crate::domain::{Scalar, Tnum};
use crate::outcome::Cause;
use crate::reject::{Verb, Why};
use crate::state::value::{MapRef, Ptr, PtrKind};
use crate::step::pointer::MAX_OFF;
use crate::walk::Walk;
use brolga_core::facts::Region;
use brolga_core::prog_type::SockKind;
use brolga_core::{LoadFlags, MapFlags, Reg};

/// The bytes that an access wants: `size` of them at `off` from where the
/// pointer's variable part ends (its fixed part is in `off`).
#[derive(Clone, Copy)]
pub(crate) struct Bytes {
    pub(crate) reg: Reg,
    pub(crate) off: i64,
    pub(crate) size: u32,
    /// Whether no bytes at all are fine.
    pub(crate) zero_ok: bool,
    /// Whether they are written, by whomever.
    pub(crate) writes: bool,
    /// Whether a helper accesses them.
    pub(crate) by_helper: bool,
}

impl Walk<'_> {
    /// Bytes of a map value.
    pub(crate) fn in_map_value(&self, ptr: &Ptr, map: MapRef, bytes: &Bytes) -> Result<(), Cause> {
        let def = map.def(self.aux);
        let forbids = if bytes.writes { MapFlags::RDONLY_PROG } else { MapFlags::WRONLY_PROG };
        if def.flags.contains(forbids) {
            let verb = if bytes.writes { Verb::Write } else { Verb::Read };
            let (off, size) = (bytes.off, bytes.size);
            return Err(self.reject(Why::MapForbids { verb, value_size: def.value_size, off, size }));
        }
        self.in_memory(&ptr.var, def.value_size.into(), bytes)?;
        self.plain_bytes(ptr, &def.special, bytes)
    }

    /// Bytes of memory of this size, at a bounded variable offset.
    pub(crate) fn in_memory(&self, var: &Scalar, size: u64, bytes: &Bytes) -> Result<(), Cause> {
        let reg = bytes.reg;
        let negative = var.smin().checked_add(bytes.off).is_none_or(|least| least < 0);
        if var.smin() < 0 && negative {
            return Err(self.reject(Why::NegativeIndex(reg)));
        }
        if !fits(var.smin().saturating_add(bytes.off), bytes, size) {
            return Err(self.reject(Why::MinOutside(reg)));
        }
        if var.umax() >= MAX_OFF as u64 {
            return Err(self.reject(Why::UnboundedIndex(reg)));
        }
        if !fits(var.umax() as i64 + bytes.off, bytes, size) {
            return Err(self.reject(Why::MaxOutside(reg)));
        }
        Ok(())
    }

    /// Bytes of the packet.
    pub(crate) fn in_packet(&self, ptr: &Ptr, bytes: &Bytes) -> Result<(), Cause> {
        if ptr.var.smin() < 0 {
            return Err(self.reject(Why::NegativeIndex(bytes.reg)));
        }
        if !fits(bytes.off, bytes, ptr.range.into()) {
            return Err(self.reject(Why::OutsidePacket(bytes.reg)));
        }
        Ok(())
    }

    /// That the program may write to the packet.
    pub(crate) fn packet_writable(&self) -> Result<(), Cause> {
        if self.aux.prog_type.packet.writes() { Ok(()) } else { Err(self.reject(Why::WritesPacket)) }
    }

    /// That a pointer which may not be moved was not.
    pub(crate) fn unmoved(&self, reg: Reg, ptr: &Ptr) -> Result<(), Cause> {
        let (kind, off) = (ptr.type_name(), ptr.off);
        if off < 0 {
            return Err(self.reject(Why::NegativeOffset { reg, kind, off }));
        }
        if off != 0 {
            return Err(self.reject(Why::ModifiedPointer { reg, kind, off }));
        }
        if ptr.var.as_const() != Some(0) {
            return Err(self.reject(Why::VariableOffset { kind, var: ptr.var.tnum() }));
        }
        Ok(())
    }

    /// That an access is at a multiple of its size, where it must be: always on
    /// the stack and for atomics, else where the load flags say so.
    pub(crate) fn aligned(&mut self, ptr: &Ptr, insn_off: i32, size: u32, atomic: bool) -> Result<(), Cause> {
        let flags = self.aux.flags;
        let strict = flags.contains(LoadFlags::STRICT_ALIGNMENT) && !flags.contains(LoadFlags::ANY_ALIGNMENT);
        let (place, always) = match ptr.kind {
            PtrKind::Stack(_) => ("stack ", true),
            PtrKind::Ctx => ("context ", false),
            PtrKind::MapValue(_) => ("value ", false),
            PtrKind::MapKey(_) => ("key ", false),
            PtrKind::Packet | PtrKind::PacketMeta => ("packet ", false),
            PtrKind::Socket(SockKind::Common) => ("sock_common ", false),
            PtrKind::Socket(SockKind::Full) => ("sock ", false),
            PtrKind::Socket(SockKind::Tcp) => ("tcp_sock ", false),
            PtrKind::Socket(SockKind::Xdp) => ("xdp_sock ", false),
            PtrKind::Map(_)
            | PtrKind::PacketEnd
            | PtrKind::Func(_)
            | PtrKind::Mem { .. }
            | PtrKind::Record(_)
            | PtrKind::SocketOfMap
            | PtrKind::Kernel { .. } => ("", false),
        };
        if !(strict || always || atomic) || size == 1 {
            return Ok(());
        }
        // The kernel's NET_IP_ALIGN: packets start 2 past a multiple of 4.
        let packet = ptr.is_packet();
        let fixed = i64::from(ptr.off) + i64::from(insn_off) + if packet { 2 } else { 0 };
        if ptr.var.tnum().add(Tnum::constant(fixed as u64)).is_aligned(size.into()) {
            return if atomic { self.lies_aligned(ptr, size) } else { Ok(()) };
        }
        let (var, off) = (ptr.var.tnum(), ptr.off);
        Err(self.reject(Why::Misaligned { place, packet, var, off, insn_off, size }))
    }

    /// What an access through this pointer touches, for those who run the
    /// program; a context access is noted where it is resolved.
    pub(crate) fn note_region(&mut self, ptr: &Ptr, insn_off: i32) {
        let own = self.state.frames.len() as u8 - 1;
        let region = match ptr.kind {
            PtrKind::Ctx => return,
            PtrKind::Stack(frame) => {
                let fixed = ptr.fixed_off().filter(|_| frame == own).map(|off| off as i32 + insn_off);
                Region::Stack { fixed }
            }
            PtrKind::MapValue(map) if !map.inner => Region::MapValue(map.idx),
            PtrKind::Packet | PtrKind::PacketMeta => Region::Packet,
            PtrKind::Map(_) | PtrKind::Socket(_) | PtrKind::SocketOfMap | PtrKind::Kernel { .. } => {
                Region::Kernel
            }
            PtrKind::MapValue(_)
            | PtrKind::MapKey(_)
            | PtrKind::Func(_)
            | PtrKind::PacketEnd
            | PtrKind::Mem { .. }
            | PtrKind::Record(_) => Region::Other,
        };
        self.facts.touches(self.pc, region);
    }
}

/// Whether `size` bytes at `off` lie within `most`.
fn fits(off: i64, bytes: &Bytes, most: u64) -> bool {
    let size_ok = bytes.size > 0 || bytes.zero_ok;
    let end = off.checked_add(bytes.size.into());
    off >= 0 && size_ok && end.is_some_and(|end| end as u64 <= most)
}
