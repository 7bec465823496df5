//! The kernel's words for what registers and stack slots hold.

use super::references::Held;
use super::stack::{Byte, Dynptr, StackSlot};
use super::value::{Past, Ptr, PtrKind, Value};
use super::{Frame, State};
use brolga_core::{Aux, MapDef, Reg};
use std::fmt::{self, Write};

/// A value as the verifier log writes it.
struct Shown<'a>(&'a Value, &'a Aux);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Uninit => f.write_str("?"),
            Value::Number(n) if n.range.as_const().is_some() => write!(f, "{}", n.range),
            Value::Number(n) => {
                let mut parts = Parts::open(f, "scalar")?;
                match (n.id.is_some(), n.moved) {
                    (true, None) => parts.part(format_args!("id={}", n.id.0))?,
                    (true, Some(_)) => parts.part(format_args!("id={}{:+}", n.id.0, n.delta))?,
                    (false, _) => {}
                }
                if !n.range.is_unknown() {
                    parts.part(format_args!("{}", n.range))?;
                }
                parts.close()
            }
            Value::Pointer(p) => pointer(p, self.1, f),
        }
    }
}

/// `name(part,part,..)`.
struct Parts<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
    first: bool,
}

impl<'a, 'f> Parts<'a, 'f> {
    fn open(f: &'a mut fmt::Formatter<'f>, name: &str) -> Result<Self, fmt::Error> {
        write!(f, "{name}(")?;
        Ok(Self { f, first: true })
    }

    fn part(&mut self, part: fmt::Arguments<'_>) -> fmt::Result {
        if !std::mem::take(&mut self.first) {
            self.f.write_char(',')?;
        }
        self.f.write_fmt(part)
    }

    fn close(self) -> fmt::Result {
        self.f.write_char(')')
    }
}

fn pointer(p: &Ptr, aux: &Aux, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let (PtrKind::Stack(_), Some(off)) = (p.kind, p.fixed_off()) {
        return write!(f, "fp{off}");
    }
    let structure = p.structure().unwrap_or_default();
    let mut parts = Parts::open(f, &format!("{}{structure}", p.type_name()))?;
    if p.id.is_some() {
        parts.part(format_args!("id={}", p.id.0))?;
    }
    if p.owner.is_some() {
        parts.part(format_args!("ref_obj_id={}", p.owner.0))?;
    }
    if let PtrKind::Map(map) | PtrKind::MapValue(map) | PtrKind::MapKey(map) = p.kind {
        let MapDef { name, key_size, value_size, .. } = map.def(aux);
        if !name.is_empty() {
            parts.part(format_args!("map={name}"))?;
        }
        parts.part(format_args!("ks={key_size},vs={value_size}"))?;
    }
    if let PtrKind::Mem { size, .. } | PtrKind::Record(size) = p.kind {
        parts.part(format_args!("sz={size}"))?;
    }
    if p.off != 0 {
        parts.part(format_args!("off={}", p.off))?;
    }
    if p.is_packet() {
        match p.past {
            Past::Unknown => parts.part(format_args!("r={}", p.range))?,
            Past::AtEnd => parts.part(format_args!("r=-1"))?,
            Past::Behind => parts.part(format_args!("r=-2"))?,
        }
    }
    match p.var.as_const() {
        Some(0) => {}
        Some(value) => parts.part(format_args!("imm={value:#x}"))?,
        None => parts.part(format_args!("{}", p.var))?,
    }
    parts.close()
}

/// The registers and slots of a state's running frame that hold something, as
/// the verifier log writes them: all of them, or those that differ from
/// `before`.
pub(crate) fn frame(state: &State, before: Option<&State>, aux: &Aux) -> String {
    let mut out = String::new();
    let depth = state.frames.len();
    if depth > 1 {
        let _ = write!(out, " frame{}:", depth - 1);
    }
    let before = before.filter(|b| b.frames.len() == depth).map(State::top);
    registers(state.top(), before, aux, &mut out);
    slots(state, before, aux, &mut out);
    held(&state.held, &mut out);
    out
}

/// The references, as the kernel ends the line with them.
fn held(held: &Held, out: &mut String) {
    for (index, reference) in held.references.iter().enumerate() {
        let before = if index == 0 { " refs=" } else { "," };
        let _ = write!(out, "{before}{}", reference.id.0);
    }
}

fn registers(frame: &Frame, before: Option<&Frame>, aux: &Aux, out: &mut String) {
    for reg in Reg::ALL {
        let value = &frame.regs[reg.index()];
        let known = before.is_some_and(|b| b.regs[reg.index()] == *value);
        if *value != Value::Uninit && !known {
            let _ = write!(out, " R{}={}", reg.index(), Shown(value, aux));
        }
    }
}

fn slots(state: &State, before: Option<&Frame>, aux: &Aux, out: &mut String) {
    let frame = state.top();
    for (index, slot) in frame.stack.slots().enumerate() {
        let known = before.is_some_and(|b| b.stack.slot(index) == slot);
        if *slot != StackSlot::UNINIT && !known {
            // A dynptr is shown once, where pointers to it point.
            if let Some(dynptr) = &slot.dynptr {
                out.extend(dynptr.low.then(|| format!(" fp-{}={}", 8 * (index + 1), ShownDynptr(dynptr))));
                continue;
            }
            let _ = write!(out, " fp-{}=", 8 * (index + 1));
            if let Some(iter) = &slot.iter {
                let depth = state.held.get(iter.id).map_or(0, |r| r.rounds);
                let now = if iter.drained { "drained" } else { "active" };
                let _ = write!(out, "iter_num(ref_id={},state={now},depth={depth})", iter.id.0);
                continue;
            }
            match slot.whole() {
                Some(value) => {
                    let _ = write!(out, "{}", Shown(value, aux));
                }
                // The kernel writes the byte at the highest address first.
                None => out.extend(slot.bytes.iter().rev().map(letter)),
            }
        }
    }
}

struct ShownDynptr<'a>(&'a Dynptr);

impl fmt::Display for ShownDynptr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.ringbuf {
            true => write!(f, "dynptr_ringbuf(ref_id={})", self.0.id.0),
            false => write!(f, "dynptr_local(id={})", self.0.id.0),
        }
    }
}

const fn letter(byte: &Byte) -> char {
    match byte {
        Byte::Uninit => '?',
        Byte::Spill => 'r',
        Byte::Misc => 'm',
        Byte::Zero => '0',
        Byte::Dynptr => 'd',
        Byte::Iter => 'i',
    }
}
