//! What a call reads of the caller's frame, and what it fills.

use super::pointers::{Pointers, Value};
use super::set::SlotSet;
use crate::structure::blocks::Effect;
use brolga_core::helper::{Arg, ArgFlags, ArgKind, Proto};
use brolga_core::insn::RegSet;
use brolga_core::{Aux, MapDef, Reg};

/// What a callee that takes these arguments may read: anything, where one may
/// point into the frame.
pub(super) fn any(before: &Pointers, args: RegSet) -> Effect<SlotSet> {
    let points = args.iter().any(|arg| before.reg(arg).may_point_here());
    let reads = if points { SlotSet::ALL } else { SlotSet::EMPTY };
    Effect { reads, writes: SlotSet::EMPTY }
}

/// What a helper does: it reads what its arguments point to, as far as they say,
/// and fills what it is to fill. (Where it fails it may not fill that, but no
/// one may rely on what was there before.)
pub(super) fn helper(aux: &Aux, proto: &Proto, before: &Pointers) -> Effect<SlotSet> {
    let call = HelperCall { aux, proto, before };
    (0..proto.arity()).fold(Effect::NONE, |all, i| {
        let arg = call.argument(i);
        // All arguments are read before any is filled.
        let reads = all.reads | arg.reads;
        Effect { reads, writes: all.writes | arg.writes }
    })
}

struct HelperCall<'a> {
    aux: &'a Aux,
    proto: &'a Proto,
    before: &'a Pointers,
}

/// How much memory an argument points to.
enum Extent {
    /// This many bytes.
    Bytes(u32),
    /// Some, from where it points upward.
    Upward,
    /// Some, also below: it may be moved by who gets it.
    Around,
}

impl HelperCall<'_> {
    fn argument(&self, i: usize) -> Effect<SlotSet> {
        let (arg, reg) = (&self.proto.args[i], Reg::ARGS[i]);
        if !self.before.reg(reg).may_point_here() {
            return Effect::NONE;
        }
        let known = matches!(self.before.reg(reg), Value::Frame(_));
        let filled = known && arg.kind == ArgKind::Mem && arg.flags.contains(ArgFlags::UNINIT);
        let reads = match self.extent(arg, i) {
            // Where it is not known what is filled, all that it may be must be
            // initialised, and some of it stays.
            Extent::Bytes(bytes) if filled => {
                return Effect { writes: self.before.access(reg, 0, bytes).covered, ..Effect::NONE };
            }
            Extent::Bytes(bytes) => self.before.access(reg, 0, bytes).touched,
            Extent::Upward => self.upward(reg),
            Extent::Around => SlotSet::ALL,
        };
        Effect { reads, ..Effect::NONE }
    }

    /// From there to the frame's end.
    fn upward(&self, reg: Reg) -> SlotSet {
        match self.before.reg(reg) {
            Value::Frame(at) => SlotSet::touched(i64::from(at)..0),
            Value::Anything => SlotSet::ALL,
            Value::Number(_) | Value::Map(_) | Value::NoFrame => SlotSet::EMPTY,
        }
    }

    fn extent(&self, arg: &Arg, i: usize) -> Extent {
        match arg.kind {
            ArgKind::Mem => self.memory(arg, i),
            ArgKind::MapKey => self.of_map(|def| def.key_size),
            ArgKind::MapValue => self.of_map(|def| def.value_size),
            ArgKind::Anything => Extent::Upward,
            ArgKind::Unused
            | ArgKind::ConstMapPtr
            | ArgKind::ConstSize
            | ArgKind::ConstSizeOrZero
            | ArgKind::ConstAllocSizeOrZero
            | ArgKind::Ctx
            | ArgKind::SpinLock
            | ArgKind::Timer
            | ArgKind::Func
            | ArgKind::Stack
            | ArgKind::ConstStr
            | ArgKind::Dynptr
            | ArgKind::RingbufMem
            | ArgKind::SockCommon
            | ArgKind::Socket
            | ArgKind::BtfSockCommon
            | ArgKind::BtfId
            | ArgKind::PercpuBtfId
            | ArgKind::KptrXchgDest => Extent::Around,
        }
    }

    fn memory(&self, arg: &Arg, i: usize) -> Extent {
        let next = Reg::ARGS.get(i + 1).map(|reg| self.before.reg(*reg));
        match (arg.fixed_size, next) {
            (0, Some(Value::Number(bytes))) => u32::try_from(bytes).map_or(Extent::Upward, Extent::Bytes),
            (0, _) => Extent::Upward,
            (bytes, _) => Extent::Bytes(bytes),
        }
    }

    /// As many bytes as the call's map says, where it is known.
    fn of_map(&self, size: impl Fn(&MapDef) -> u32) -> Extent {
        let map = self.proto.args.iter().position(|arg| arg.kind == ArgKind::ConstMapPtr);
        match map.map(|i| self.before.reg(Reg::ARGS[i])) {
            Some(Value::Map(map)) => Extent::Bytes(size(&self.aux.map(map).def)),
            Some(Value::Number(_) | Value::NoFrame | Value::Frame(_) | Value::Anything) | None => {
                Extent::Upward
            }
        }
    }
}
