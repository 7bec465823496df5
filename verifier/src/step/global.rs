//! Global functions: those that anyone may call, so that they are verified once,
//! for every argument of their types, and not walked with each call.
//!
//! ```text
//! call        every argument fits its parameter's type; r0 is any number after
//! the body    r1 to r5 are any values of the parameters' types
//! ```
//!
//! What one may do with memory that it is given it may do with all of it: it
//! reads and writes as many bytes as the type has.

use crate::domain::Tnum;
use crate::outcome::Cause;
use crate::reject::Why;
use crate::state::value::{Ptr, PtrKind, Value};
use crate::state::{Frame, State};
use crate::step::arguments::{Given, Wanted};
use crate::walk::{Step, Walk};
use brolga_core::facts::SubprogId;
use brolga_core::func::{Func, Linkage, Param, ParamTags, Pointee};
use brolga_core::prog_type::Entry;
use brolga_core::{Pc, Reg};
use std::collections::BTreeMap;

/// The type of thing that a parameter is.
#[derive(Clone, Copy)]
enum ParamType {
    Number,
    Context,
    Memory { size: u32, nullable: bool },
}

/// Which global functions there is to verify.
#[derive(Debug, Default)]
pub(crate) struct Globals {
    /// Called, and not verified yet.
    waiting: Vec<SubprogId>,
    called: Vec<SubprogId>,
    /// To which multiples callers say that memory lies, which they give.
    given: BTreeMap<SubprogId, u32>,
    /// To which it must lie, for atomic operations.
    needed: BTreeMap<SubprogId, u32>,
}

impl Globals {
    fn call(&mut self, subprog: SubprogId) {
        if subprog != SubprogId::MAIN && !self.called.contains(&subprog) {
            self.called.push(subprog);
            self.waiting.push(subprog);
        }
    }

    /// Whether callers of a function say enough of where its memory lies.
    fn lies_as_needed(&self, subprog: SubprogId) -> bool {
        let needed = self.needed.get(&subprog).copied().unwrap_or(1);
        self.given.get(&subprog).is_none_or(|given| *given >= needed)
    }

    /// The next one to verify: the first by place.
    fn next(&mut self) -> Option<SubprogId> {
        let first = *self.waiting.iter().min()?;
        self.waiting.retain(|subprog| *subprog != first);
        Some(first)
    }
}

impl<'a> Walk<'a> {
    /// What BTF says of a subprogram, where it is global.
    pub(crate) fn global(&self, subprog: SubprogId) -> Option<&'a Func> {
        let start = self.structure.subprog(subprog).range.start;
        self.aux.func_info.get(&start).filter(|func| func.linkage == Linkage::Global)
    }

    /// The call of a global function.
    pub(crate) fn call_global(&mut self, subprog: SubprogId, func: &Func) -> Result<Step, Cause> {
        if self.state.held.lock.is_some() {
            return Err(self.reject(Why::GlobalInLock));
        }
        let wrong = Why::GlobalArguments { subprog: subprog.0, name: func.name.clone() };
        let Some(types) = self.parameters(func)? else { return Err(self.reject(wrong)) };
        for (index, param) in types.into_iter().enumerate() {
            match self.argument_fits(Reg::ARGS[index], param) {
                Ok(true) => self.note_alignment(subprog, Reg::ARGS[index], param)?,
                Ok(false) | Err(Cause::Reject(_)) => return Err(self.reject(wrong)),
                Err(other) => return Err(other),
            }
        }
        self.globals.call(subprog);
        if self.structure.subprog(subprog).changes_packet {
            self.state.lose_packet();
        }
        self.lose_caller_saved();
        self.state.set(Reg::R0, Value::UNKNOWN);
        Ok(Step::On)
    }

    /// The types of a function's parameters; nothing where a global function may
    /// not have them.
    fn parameters(&self, func: &Func) -> Result<Option<Vec<ParamType>>, Cause> {
        if !func.returns_scalar || func.params.len() > Reg::ARGS.len() {
            return Ok(None);
        }
        func.params.iter().map(|param| self.parameter(param)).collect()
    }

    fn parameter(&self, param: &Param) -> Result<Option<ParamType>, Cause> {
        let (to, tags) = match param {
            Param::Scalar => return Ok(Some(ParamType::Number)),
            Param::Other(_) => return Ok(None),
            Param::Pointer { to, tags } => (to, tags),
        };
        match (to, tags) {
            (_, ParamTags { other: true, .. }) => Err(self.unsupported("a parameter with a tag")),
            (_, ParamTags { ctx: true, nonnull: true, .. }) => Ok(None),
            (_, ParamTags { ctx: true, .. }) => Ok(self.is_ctx(to, true)),
            _ if self.is_ctx(to, false).is_some() => Ok(Some(ParamType::Context)),
            (Pointee { name, .. }, _) if name == "bpf_dynptr" => {
                Err(self.unsupported("a parameter that is a dynptr"))
            }
            (Pointee { size: Some(size), .. }, tags) => {
                Ok(Some(ParamType::Memory { size: *size, nullable: !tags.nonnull }))
            }
            (Pointee { size: None, .. }, _) => Ok(None),
        }
    }

    /// The context, where a pointer to that type is one to it: by the type's
    /// name, or because a tag says so of a type without a size or of any.
    fn is_ctx(&self, to: &Pointee, tagged: bool) -> Option<ParamType> {
        let prog_type = &self.aux.prog_type;
        let named = prog_type.entry == Entry::Ctx && to.name == prog_type.ctx.name;
        let any = tagged && prog_type.entry == Entry::Ctx && to.kind == "VOID";
        (named || any).then_some(ParamType::Context)
    }

    fn argument_fits(&mut self, reg: Reg, param: ParamType) -> Result<bool, Cause> {
        let value = *self.state.reg(reg);
        if let ParamType::Memory { .. } = param {
            self.rely(value.origins());
        }
        match (param, value) {
            (ParamType::Number, _) => Ok(value.scalar().is_some()),
            (ParamType::Context, Value::Pointer(ptr)) => {
                self.unmoved(reg, &ptr)?;
                Ok(ptr.kind == PtrKind::Ctx && !ptr.nullable)
            }
            (ParamType::Memory { .. }, Value::Number(_)) if value.as_const() == Some(0) => {
                // The kernel takes a null here even where the function does not.
                Ok(matches!(param, ParamType::Memory { nullable: true, .. }))
            }
            (ParamType::Memory { size, nullable }, Value::Pointer(ptr)) => {
                self.memory_fits(reg, &ptr, size)?;
                Ok(nullable || !ptr.nullable)
            }
            (ParamType::Context | ParamType::Memory { .. }, Value::Number(_) | Value::Uninit) => Ok(false),
        }
    }

    /// Notes to which multiple memory lies that a global function is given.
    fn note_alignment(&mut self, subprog: SubprogId, reg: Reg, param: ParamType) -> Result<(), Cause> {
        let (ParamType::Memory { .. }, Value::Pointer(ptr)) = (param, self.state.reg(reg)) else {
            return Ok(());
        };
        let lies = alignment(ptr);
        let given = self.globals.given.entry(subprog).or_insert(lies);
        *given = lies.min(*given);
        self.lies_as_needed(subprog)
    }

    /// That an atomic operation of so many bytes is done where they lie at a
    /// multiple of that: as far as what the program was given lies anywhere. The
    /// kernel leaves that to the processor, and some of them then stop the run.
    pub(crate) fn lies_aligned(&mut self, ptr: &Ptr, size: u32) -> Result<(), Cause> {
        match ptr.kind {
            PtrKind::Mem { .. } if ptr.owner.is_some() => {
                Err(self.unsupported("an atomic operation on a part of a dynptr, which may lie anywhere"))
            }
            PtrKind::Mem { .. } if self.in_global() => {
                let subprog = self.state.frames[0].subprog;
                let needed = self.globals.needed.entry(subprog).or_insert(size);
                *needed = size.max(*needed);
                self.lies_as_needed(subprog)
            }
            PtrKind::Mem { .. }
            | PtrKind::Ctx
            | PtrKind::Stack(_)
            | PtrKind::Map(_)
            | PtrKind::MapValue(_)
            | PtrKind::MapKey(_)
            | PtrKind::Func(_)
            | PtrKind::Packet
            | PtrKind::PacketMeta
            | PtrKind::PacketEnd
            | PtrKind::Record(_)
            | PtrKind::Socket(_)
            | PtrKind::SocketOfMap
            | PtrKind::Kernel { .. } => Ok(()),
        }
    }

    fn lies_as_needed(&self, subprog: SubprogId) -> Result<(), Cause> {
        if self.globals.lies_as_needed(subprog) {
            return Ok(());
        }
        Err(self.unsupported(
            "an atomic operation on what a caller gives of a global function, which may lie anywhere",
        ))
    }

    /// That all of the memory behind a pointer may be read and written; which a
    /// stack's then is.
    fn memory_fits(&mut self, reg: Reg, ptr: &Ptr, size: u32) -> Result<(), Cause> {
        self.state.set(reg, Value::Pointer(Ptr { nullable: false, ..*ptr }));
        let access = |writes| Wanted { reg, size, writes, zero_ok: true, fills: false };
        let mut given = Given::default();
        self.helper_memory(&access(false), &mut given)?;
        self.helper_memory(&access(true), &mut given)?;
        self.state.set(reg, Value::Pointer(*ptr));
        Ok(())
    }

    /// The state at the start of the next global function that there is to
    /// verify.
    pub(crate) fn next_global(&mut self) -> Result<Option<(State, Pc)>, Cause> {
        let Some(subprog) = self.globals.next() else { return Ok(None) };
        let func = self.global(subprog).ok_or_else(|| self.bug("a global function was called"))?;
        let types = self.parameters(func)?.ok_or_else(|| self.bug("its arguments were tested"))?;
        let mut frame = Frame::new(0, subprog, Pc::START);
        for (reg, param) in Reg::ARGS.into_iter().zip(types) {
            frame.regs[reg.index()] = self.any(param);
        }
        Ok(Some((State::of(frame), self.structure.subprog(subprog).range.start)))
    }

    fn any(&mut self, param: ParamType) -> Value {
        match param {
            ParamType::Number => Value::UNKNOWN,
            ParamType::Context => Value::pointer(PtrKind::Ctx),
            ParamType::Memory { size, nullable } => {
                self.object(PtrKind::Mem { size, rdonly: false }, nullable)
            }
        }
    }

    /// Whether a global function is walked for itself.
    pub(crate) fn in_global(&self) -> bool {
        let frame = &self.state.frames[0];
        frame.subprog != SubprogId::MAIN && frame.callback.is_none()
    }

    /// That a global function returns a number.
    pub(crate) fn global_result(&self, result: &Value) -> Result<(), Cause> {
        match result {
            Value::Number(_) => Ok(()),
            Value::Pointer(_) | Value::Uninit => Err(self.reject(Why::GlobalResult(result.type_name()))),
        }
    }
}

/// To which multiple, up to 8, it is known that a pointer points.
fn alignment(ptr: &Ptr) -> u32 {
    let based = match ptr.kind {
        PtrKind::Stack(_) | PtrKind::MapValue(_) | PtrKind::Record(_) => 8,
        PtrKind::Ctx
        | PtrKind::Map(_)
        | PtrKind::MapKey(_)
        | PtrKind::Func(_)
        | PtrKind::Packet
        | PtrKind::PacketMeta
        | PtrKind::PacketEnd
        | PtrKind::Mem { .. }
        | PtrKind::Socket(_)
        | PtrKind::SocketOfMap
        | PtrKind::Kernel { .. } => 1,
    };
    let off = ptr.var.tnum().add(Tnum::constant(i64::from(ptr.off) as u64));
    [8, 4, 2].into_iter().find(|to| *to <= based && off.is_aligned((*to).into())).unwrap_or(1)
}
