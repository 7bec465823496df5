//! What a comparison with the packet's end says.
//!
//! A pointer `p` into the packet with fixed offset `off` and the end `e`:
//!
//! | known     | bytes from p's base that are there |
//! |-----------|------------------------------------|
//! | `p <= e`  | `off`                              |
//! | `p < e`   | `off + 1`                          |
//!
//! Where `p` is behind the end, or at it, that is known of `p` alone, until it is
//! moved back. It decides a second comparison ([`decide`]).
//!
//! The same of `data_meta` pointers, whose end is the packet's start. Every
//! pointer with the same base (kind and id) learns how many bytes there are, and
//! forgets whether it is past them, as in the kernel.

use crate::state::State;
use crate::state::value::{Past, Ptr, PtrKind, Value};
use crate::step::jump::Compare;
use brolga_core::{Cond, Reg};

/// No packet is longer: the kernel's `MAX_PACKET_OFF`.
pub(crate) const MAX_PACKET_OFF: u64 = 0xffff;

/// What is known where a comparison of `p` with `q` is `taken`.
pub(crate) fn learn(state: &mut State, compare: &Compare, taken: bool, p: &Ptr, q: &Ptr) {
    let holds = if taken { Some(compare.cond) } else { compare.cond.negated() };
    let Some(holds) = holds else { return };
    if is_end_of(q, p) {
        before_end(state, holds, p);
        behind_end(state, holds, compare.dst);
    } else if is_end_of(p, q) {
        before_end(state, holds.swapped(), q);
        compare.src.reg().into_iter().for_each(|src| behind_end(state, holds.swapped(), src));
    }
}

/// The register `holds` its end. Where that is behind it, the kernel forgets of
/// this register what it knew of bytes, also where that says that no run comes
/// here.
fn behind_end(state: &mut State, holds: Cond, reg: Reg) {
    let past = match holds {
        Cond::Gt => Past::Behind,
        Cond::Ge => Past::AtEnd,
        Cond::Lt
        | Cond::Le
        | Cond::Eq
        | Cond::Ne
        | Cond::Set
        | Cond::Sgt
        | Cond::Sge
        | Cond::Slt
        | Cond::Sle => return,
    };
    if let Value::Pointer(p) = &mut state.top_mut().regs[reg.index()]
        && p.kind == PtrKind::Packet
    {
        (p.range, p.past) = (0, past);
    }
}

/// Which way a comparison goes of a pointer that is known to be past the
/// packet's bytes with the packet's end.
pub(crate) fn decide(cond: Cond, p: &Ptr, q: &Ptr) -> Option<bool> {
    let (past, cond) = match (p.kind, q.kind) {
        (PtrKind::Packet, PtrKind::PacketEnd) => (p.past, cond),
        (PtrKind::PacketEnd, PtrKind::Packet) => (q.past, cond.swapped()),
        _ => return None,
    };
    match cond {
        Cond::Gt if past == Past::Behind => Some(true),
        Cond::Le if past == Past::Behind => Some(false),
        Cond::Ge if past >= Past::AtEnd => Some(true),
        Cond::Lt if past >= Past::AtEnd => Some(false),
        Cond::Gt
        | Cond::Le
        | Cond::Ge
        | Cond::Lt
        | Cond::Eq
        | Cond::Ne
        | Cond::Set
        | Cond::Sgt
        | Cond::Sge
        | Cond::Slt
        | Cond::Sle => None,
    }
}

/// Whether `end` is what bytes behind `p` are counted up to.
fn is_end_of(end: &Ptr, p: &Ptr) -> bool {
    let is_start = end.kind == PtrKind::Packet && end.off == 0 && end.var.as_const() == Some(0);
    match p.kind {
        PtrKind::Packet => end.kind == PtrKind::PacketEnd,
        PtrKind::PacketMeta => is_start,
        PtrKind::Ctx
        | PtrKind::Stack(_)
        | PtrKind::Map(_)
        | PtrKind::MapValue(_)
        | PtrKind::MapKey(_)
        | PtrKind::Func(_)
        | PtrKind::PacketEnd
        | PtrKind::Mem { .. }
        | PtrKind::Record(_)
        | PtrKind::Socket(_)
        | PtrKind::SocketOfMap
        | PtrKind::Kernel { .. } => false,
    }
}

/// `p holds end`.
fn before_end(state: &mut State, holds: Cond, p: &Ptr) {
    let more = match holds {
        Cond::Lt => 1,
        Cond::Le => 0,
        Cond::Eq
        | Cond::Ne
        | Cond::Gt
        | Cond::Ge
        | Cond::Set
        | Cond::Sgt
        | Cond::Sge
        | Cond::Slt
        | Cond::Sle => return,
    };
    let (Ok(off), most) = (u64::try_from(p.off), p.var.umax()) else { return };
    if most > MAX_PACKET_OFF || most + off > MAX_PACKET_OFF {
        return;
    }
    // That one byte is there would be known of the start itself, but the kernel
    // does not look there, and a verdict is to be the kernel's.
    if off == 0 && more == 1 {
        return;
    }
    let range = (off + more).min(MAX_PACKET_OFF) as u16;
    let learns = |value: &Value| {
        value.ptr().is_some_and(|other| {
            let knows = other.range >= range && other.past == Past::Unknown;
            other.kind == p.kind && other.id == p.id && !knows
        })
    };
    state.change(learns, |value| {
        if let Value::Pointer(other) = value {
            (other.range, other.past) = (other.range.max(range), Past::Unknown);
        }
    });
}
