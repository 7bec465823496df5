//! Whether what the registers hold fits a helper's prototype.

use crate::domain::Scalar;
use crate::outcome::Cause;
use crate::reject::{Held, Verb, Why};
use crate::state::stack::{Byte, place};
use crate::state::value::{Id, MapRef, Ptr, PtrKind, Value};
use crate::step::callback;
use crate::step::pointer::MAX_OFF;
use crate::step::region::Bytes;
use crate::step::stack::Touched;
use crate::walk::Walk;
use brolga_core::Reg;
use brolga_core::facts::SubprogId;
use brolga_core::helper::{Arg, ArgFlags, ArgKind, Proto};
use brolga_core::prog_type::SockKind;

/// What may be memory for a helper, in the kernel's names.
const MEMORY: &str = "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_";

/// What a call was given.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The map argument.
    pub(crate) map: Option<MapRef>,
    /// The key, where it is known.
    pub(crate) key: Option<u64>,
    /// The subprogram that the helper takes.
    pub(crate) func: Option<SubprogId>,
    /// The stack that the helper fills.
    pub(crate) filled: Vec<Touched>,
    /// The most bytes that the last size argument may say.
    pub(crate) max_size: Option<u64>,
    /// The reference that an argument holds.
    pub(crate) reference: Id,
    /// The argument that is released.
    pub(crate) releases: Option<Reg>,
    /// How many bytes the result has.
    pub(crate) alloc_size: Option<u64>,
    /// The map in whose value a timer argument lies.
    pub(crate) timer_of: Option<MapRef>,
    /// The dynptr argument's name.
    pub(crate) dynptr: Id,
}

/// Memory for a helper.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) reg: Reg,
    pub(crate) size: u32,
    pub(crate) writes: bool,
    pub(crate) zero_ok: bool,
    /// Whether the helper fills it all, so that it need not be initialised.
    pub(crate) fills: bool,
}

impl Walk<'_> {
    pub(crate) fn arguments(&mut self, proto: &Proto) -> Result<Given, Cause> {
        let mut given = Given::default();
        for index in 0..proto.arity() {
            self.argument(proto, index, &mut given)?;
        }
        Ok(given)
    }

    fn argument(&mut self, proto: &Proto, index: usize, given: &mut Given) -> Result<(), Cause> {
        let (arg, reg) = (proto.args[index], Reg::ARGS[index]);
        let value = self.read(reg)?;
        if arg.kind == ArgKind::Anything {
            return Ok(());
        }
        self.rely(value.origins());
        let packets = self.aux.prog_type.packet.to_helper(proto);
        if value.ptr().is_some_and(Ptr::is_packet) && !packets {
            return Err(self.reject(Why::HelperPacket));
        }
        if arg.nullable() && value.as_const() == Some(0) {
            return self.note_reference(reg, &arg, given);
        }
        self.type_fits(reg, &value, &arg)?;
        self.note_reference(reg, &arg, given)?;
        match arg.kind {
            ArgKind::Unused | ArgKind::Anything | ArgKind::Ctx | ArgKind::Stack => Ok(()),
            ArgKind::Func => {
                given.func = callback::subprog_of(&value);
                Ok(())
            }
            ArgKind::ConstMapPtr => self.map_argument(&value, given),
            ArgKind::SockCommon | ArgKind::Socket | ArgKind::BtfSockCommon | ArgKind::RingbufMem => Ok(()),
            ArgKind::BtfId => self.structure(reg, &arg),
            ArgKind::SpinLock => self.spin_lock(reg, proto.id),
            ArgKind::Timer => self.timer(reg, given),
            ArgKind::Dynptr => self.dynptr(index, &arg, proto.acquires, given),
            ArgKind::ConstAllocSizeOrZero => {
                given.alloc_size = value.as_const();
                given.alloc_size.map(|_| ()).ok_or_else(|| self.held(Held::SizeNotConstant(reg)))
            }
            ArgKind::MapKey => self.map_key(reg, given),
            ArgKind::MapValue => self.map_value(reg, &arg, given),
            ArgKind::Mem if arg.fixed_size > 0 => self.fixed_memory(reg, &arg, given),
            // Its size is looked at with the next argument.
            ArgKind::Mem => Ok(()),
            ArgKind::ConstSize => self.sized_memory(proto, index, false, given),
            ArgKind::ConstSizeOrZero => self.sized_memory(proto, index, true, given),
            ArgKind::ConstStr => self.constant_string(reg),
            ArgKind::PercpuBtfId | ArgKind::KptrXchgDest => {
                Err(self.unsupported(format!("argument {} of {}", index + 1, proto.name)))
            }
        }
    }

    /// That a register holds the type of thing that an argument is.
    fn type_fits(&self, reg: Reg, value: &Value, arg: &Arg) -> Result<(), Cause> {
        let ptr = value.ptr();
        let solid = ptr.is_some_and(|p| !p.nullable || arg.nullable());
        let (fits, expected) = match arg.kind {
            ArgKind::ConstMapPtr => (solid && map_of(value).is_some(), "map_ptr"),
            ArgKind::Ctx => (ptr.is_some_and(|p| p.kind == PtrKind::Ctx), "ctx"),
            ArgKind::Func => (callback::subprog_of(value).is_some(), "func"),
            ArgKind::Stack => (ptr.is_some_and(|p| matches!(p.kind, PtrKind::Stack(_))), "fp"),
            ArgKind::MapKey | ArgKind::MapValue | ArgKind::Mem => {
                (solid && ptr.is_some_and(is_memory), MEMORY)
            }
            ArgKind::ConstSize | ArgKind::ConstSizeOrZero | ArgKind::ConstAllocSizeOrZero => {
                (value.scalar().is_some(), "scalar")
            }
            ArgKind::SpinLock => (solid && ptr.is_some_and(is_map_value), "map_value, ptr_"),
            ArgKind::Timer | ArgKind::ConstStr => (solid && ptr.is_some_and(is_map_value), "map_value"),
            ArgKind::Dynptr => (ptr.is_some_and(|p| matches!(p.kind, PtrKind::Stack(_))), "fp, dynptr_ptr"),
            ArgKind::RingbufMem => {
                (solid && ptr.is_some_and(|p| matches!(p.kind, PtrKind::Record(_))), "ringbuf_mem")
            }
            ArgKind::SockCommon => {
                (solid && ptr.is_some_and(is_socket), "sock_common, sock, tcp_sock, xdp_sock")
            }
            ArgKind::Socket => {
                (solid && ptr.is_some_and(|p| p.kind == PtrKind::Socket(SockKind::Full)), "sock")
            }
            ArgKind::BtfSockCommon => {
                let fits = ptr.is_some_and(|p| is_socket(p) || is_structure(p));
                (solid && fits, "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_")
            }
            ArgKind::BtfId => (solid && ptr.is_some_and(is_structure), "ptr_, trusted_ptr_, rcu_ptr_"),
            ArgKind::Unused | ArgKind::Anything | ArgKind::PercpuBtfId | ArgKind::KptrXchgDest => {
                return Ok(());
            }
        };
        if !fits {
            return Err(self.reject(Why::Argument { reg, found: value.type_name(), expected }));
        }
        match (arg.kind, ptr) {
            (ArgKind::Dynptr, _) => Ok(()),
            (_, Some(p)) if arg.flags.contains(ArgFlags::RELEASE) => self.releases_start(reg, p),
            (ArgKind::Ctx | ArgKind::ConstMapPtr | ArgKind::Func, Some(p)) => self.unmoved(reg, p),
            (_, Some(p)) if is_socket(p) || is_structure(p) => self.unmoved(reg, p),
            _ => Ok(()),
        }
    }

    /// A map; where a timer came before it, the map that it lies in.
    fn map_argument(&self, value: &Value, given: &mut Given) -> Result<(), Cause> {
        given.map = map_of(value);
        if given.timer_of.is_some() && given.timer_of != given.map {
            return Err(self.held(Held::TimerOfOtherMap));
        }
        Ok(())
    }

    /// That a kernel structure is the one that is wanted.
    fn structure(&self, reg: Reg, arg: &Arg) -> Result<(), Cause> {
        let found = self.state.reg(reg).ptr().and_then(Ptr::structure);
        match (found, arg.btf) {
            (Some(found), Some(expected)) if found != expected => {
                Err(self.held(Held::OtherStructure { reg, found, expected }))
            }
            (Some(_), _) => Ok(()),
            (None, _) => Err(self.unsupported("a pointer to a kernel structure that is none")),
        }
    }

    fn map_key(&mut self, reg: Reg, given: &mut Given) -> Result<(), Cause> {
        let map = given.map.ok_or_else(|| self.bug("a key follows its map"))?;
        let size = map.def(self.aux).key_size;
        self.helper_memory(&Wanted { reg, size, writes: false, zero_ok: false, fills: false }, given)?;
        given.key = self.constant_key(reg, size);
        Ok(())
    }

    fn map_value(&mut self, reg: Reg, arg: &Arg, given: &mut Given) -> Result<(), Cause> {
        let map = given.map.ok_or_else(|| self.bug("a value follows its map"))?;
        let size = map.def(self.aux).value_size;
        let (writes, fills) = writes(arg);
        self.helper_memory(&Wanted { reg, size, writes, zero_ok: false, fills }, given)
    }

    fn fixed_memory(&mut self, reg: Reg, arg: &Arg, given: &mut Given) -> Result<(), Cause> {
        let (writes, fills) = writes(arg);
        let size = arg.fixed_size;
        self.helper_memory(&Wanted { reg, size, writes, zero_ok: false, fills }, given)?;
        if arg.flags.contains(ArgFlags::ALIGNED)
            && let Some(ptr) = self.state.reg(reg).ptr().copied()
        {
            self.aligned(&ptr, 0, size, true)?;
        }
        Ok(())
    }

    fn sized_memory(
        &mut self,
        proto: &Proto,
        index: usize,
        zero_ok: bool,
        given: &mut Given,
    ) -> Result<(), Cause> {
        let Some(before) = index.checked_sub(1) else { return Err(self.bug("a size follows its memory")) };
        let (size_reg, reg) = (Reg::ARGS[index], Reg::ARGS[before]);
        let Some(size) = self.state.reg(size_reg).scalar().copied() else {
            return Err(self.bug("a size is a number"));
        };
        given.max_size = Some(size.umax());
        self.size_bounded(size_reg, &size, zero_ok)?;
        let (writes, fills) = writes(&proto.args[before]);
        let fills = fills && size.as_const().is_some();
        self.never_null(reg, &size)?;
        self.helper_memory(&Wanted { reg, size: size.umax() as u32, writes, zero_ok, fills }, given)
    }

    /// That memory of some bytes is there: where the kernel lets a helper that
    /// takes null have a pointer that may be null with a size that is not 0, the
    /// helper reads at null.
    fn never_null(&self, reg: Reg, size: &Scalar) -> Result<(), Cause> {
        let value = self.state.reg(reg);
        if size.umax() > 0 && value.ptr().is_some_and(|p| p.nullable) {
            return Err(self.reject(Why::Argument { reg, found: value.type_name(), expected: MEMORY }));
        }
        Ok(())
    }

    fn size_bounded(&self, reg: Reg, size: &Scalar, zero_ok: bool) -> Result<(), Cause> {
        if size.smin() < 0 {
            return Err(self.reject(Why::NegativeSize(reg)));
        }
        if size.umin() == 0 && !zero_ok {
            return Err(self.reject(Why::ZeroSize { reg, min: size.umin(), max: size.umax() }));
        }
        if size.umax() >= MAX_OFF as u64 {
            return Err(self.reject(Why::UnboundedSize(reg)));
        }
        Ok(())
    }

    /// That a helper may be given these bytes.
    pub(crate) fn helper_memory(&mut self, wanted: &Wanted, given: &mut Given) -> Result<(), Cause> {
        let value = *self.state.reg(wanted.reg);
        let Value::Pointer(ptr) = value else {
            // No bytes may be anywhere, null included.
            if wanted.zero_ok && wanted.size == 0 && value.as_const() == Some(0) {
                return Ok(());
            }
            return Err(self.reject(Why::Argument {
                reg: wanted.reg,
                found: value.type_name(),
                expected: "fp",
            }));
        };
        let (reg, size, zero_ok, writes) = (wanted.reg, wanted.size, wanted.zero_ok, wanted.writes);
        let bytes = Bytes { reg, off: ptr.off.into(), size, zero_ok, writes, by_helper: true };
        match ptr.kind {
            PtrKind::Packet | PtrKind::PacketMeta => {
                if writes {
                    self.packet_writable()?;
                }
                self.in_packet(&ptr, &bytes)
            }
            PtrKind::MapValue(map) => self.in_map_value(&ptr, map, &bytes),
            PtrKind::Mem { rdonly: true, .. } if writes => {
                Err(self.reject(Why::ReadOnly { reg, kind: ptr.type_name() }))
            }
            PtrKind::Mem { size, .. } | PtrKind::Record(size) => {
                self.in_memory(&ptr.var, size.into(), &bytes)
            }
            PtrKind::Stack(_) => self.helper_stack(&ptr, wanted, given),
            PtrKind::MapKey(_) if writes => Err(self.reject(Why::CannotWrite { reg, kind: ptr.type_name() })),
            PtrKind::MapKey(map) => {
                let most = map.def(self.aux).key_size.into();
                self.in_memory(&ptr.var, most, &bytes)
            }
            PtrKind::Ctx
            | PtrKind::Func(_)
            | PtrKind::Map(_)
            | PtrKind::PacketEnd
            | PtrKind::Socket(_)
            | PtrKind::SocketOfMap
            | PtrKind::Kernel { .. } => {
                Err(self.reject(Why::Argument { reg, found: ptr.type_name(), expected: "fp" }))
            }
        }
    }

    fn helper_stack(&mut self, ptr: &Ptr, wanted: &Wanted, given: &mut Given) -> Result<(), Cause> {
        if wanted.size == 0 && !wanted.zero_ok {
            return Err(self.reject(Why::ZeroSizedStack));
        }
        let verb = if wanted.writes { Verb::Write } else { Verb::Read };
        let touched = self.stack_bytes(wanted.reg, ptr, 0, wanted.size, verb)?;
        self.helper_spares_dynptrs((ptr, wanted.reg), wanted.size, wanted.fills, &touched)?;
        if wanted.fills && touched.exact {
            given.filled.push(touched);
            return Ok(());
        }
        self.note_uninit(&touched);
        if wanted.writes {
            // The helper may write any of it, or leave it.
            if !touched.exact {
                self.spares_pointers(&touched)?;
            }
            self.smear(&touched, false);
        }
        Ok(())
    }

    /// A key of four bytes on the stack, where it is known: only ever stored as
    /// four bytes, or zeroed.
    fn constant_key(&mut self, reg: Reg, size: u32) -> Option<u64> {
        let ptr = self.state.reg(reg).ptr()?;
        let PtrKind::Stack(frame) = ptr.kind else { return None };
        let off = i32::try_from(ptr.fixed_off()?).ok()?;
        if size != 4 || off % 4 != 0 {
            return None;
        }
        let (index, first) = place(off);
        let slot = *self.state.frames[usize::from(frame)].stack.slot(index);
        let bytes = first..first + size as usize;
        // Of a wider spill the kernel looks at the upper half only.
        let zero =
            slot.bytes[bytes.clone()].iter().all(|b| *b == Byte::Zero) || (first > 0 && slot.is_zero(bytes));
        let whole = first == 0 && slot.spilled() == size as usize;
        let key = if zero { Some(0) } else { slot.value.as_const().filter(|_| whole) };
        if key.is_some() {
            self.rely(slot.value.origins());
        }
        key
    }
}

/// Whether a helper writes an argument's memory, and whether it fills it.
const fn writes(arg: &Arg) -> (bool, bool) {
    let fills = arg.flags.contains(ArgFlags::UNINIT);
    (fills || arg.flags.contains(ArgFlags::WRITE), fills)
}

/// Whether it points to what the kernel's types call memory.
const fn is_memory(p: &Ptr) -> bool {
    match p.kind {
        PtrKind::Stack(_)
        | PtrKind::Packet
        | PtrKind::PacketMeta
        | PtrKind::MapValue(_)
        | PtrKind::MapKey(_)
        | PtrKind::Mem { .. }
        | PtrKind::Record(_) => true,
        PtrKind::Ctx
        | PtrKind::Func(_)
        | PtrKind::Map(_)
        | PtrKind::PacketEnd
        | PtrKind::Socket(_)
        | PtrKind::SocketOfMap
        | PtrKind::Kernel { .. } => false,
    }
}

const fn is_map_value(p: &Ptr) -> bool {
    matches!(p.kind, PtrKind::MapValue(_))
}

const fn is_socket(p: &Ptr) -> bool {
    matches!(p.kind, PtrKind::Socket(_))
}

const fn is_structure(p: &Ptr) -> bool {
    matches!(p.kind, PtrKind::Kernel { .. })
}

/// The map that a value is.
const fn map_of(value: &Value) -> Option<MapRef> {
    match value {
        Value::Pointer(p) => match p.kind {
            PtrKind::Map(map) if !p.nullable => Some(map),
            _ => None,
        },
        Value::Uninit | Value::Number(_) => None,
    }
}
