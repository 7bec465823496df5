//! Who says whether an access is allowed, and where it really goes.

use super::callback;
use super::machine::Machine;
use crate::facts::{Facts, Region};
use crate::helper::{Arg, ArgFlags, ArgKind, Proto};
use crate::insn::{Pc, Reg, Size};
use crate::prog_type::{CtxLayout, Entry};
use crate::program::Aux;
use std::error::Error;
use thiserror::Error;

/// The memory, besides its stack and context, that a checked run may touch.
pub trait Memory {
    /// Whether all of these bytes may be read, and written where `write` says.
    fn allows(&self, addr: u64, len: u64, write: bool) -> bool;

    /// The sizes of key and value of the map with this handle, in bytes, where
    /// it is one of the program's.
    fn map(&self, handle: u64) -> Option<(u32, u32)>;

    /// Whether there is what an argument of this kind wants: a lock or a timer of
    /// a map's value, a record that the program holds, a socket. By default there
    /// is none.
    fn lends(&self, kind: ArgKind, addr: u64) -> bool {
        let _ = (kind, addr);
        false
    }
}

/// Who is shown the machine before each step of a checked run.
pub trait Observer {
    /// Looks at the machine before the instruction at `pc`.
    ///
    /// # Errors
    ///
    /// Whatever the observer holds against it; the run stops with it.
    fn before(&mut self, pc: Pc, machine: &Machine) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// An observer that looks away.
impl Observer for () {
    fn before(&mut self, _: Pc, _: &Machine) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

/// Why a checked run stopped before its end.
#[derive(Debug, Error)]
pub enum Fault {
    /// An access outside all memory that the program may touch.
    #[error("insn {at}: {} of {size} bytes at {addr:#x} is outside the program's memory", verb(*.write))]
    OutOfBounds {
        /// The instruction.
        at: Pc,
        /// The address.
        addr: u64,
        /// The number of bytes.
        size: u64,
        /// Whether it was to be written.
        write: bool,
    },
    /// An access of the context that its layout does not allow.
    #[error("insn {at}: {} of {size} bytes at offset {off} of the context is not allowed", verb(*.write))]
    Context {
        /// The instruction.
        at: Pc,
        /// The offset in the virtual context, in bytes.
        off: u64,
        /// The number of bytes.
        size: u64,
        /// Whether it was to be written.
        write: bool,
    },
    /// An atomic access at no multiple of its size.
    #[error("insn {at}: an atomic access of {size} bytes at {addr:#x} is misaligned")]
    Misaligned {
        /// The instruction.
        at: Pc,
        /// The address.
        addr: u64,
        /// The number of bytes.
        size: u64,
    },
    /// An argument that does not fit the helper's prototype.
    #[error("insn {at}: {reg} holds {value:#x}, which {helper} can not take")]
    Argument {
        /// The call.
        at: Pc,
        /// The helper's name.
        helper: String,
        /// The argument's register.
        reg: Reg,
        /// What it holds.
        value: u64,
    },
    /// Calls nest more than [`MAX_FRAMES`](super::MAX_FRAMES) deep.
    #[error("insn {at}: the call stack is deeper than 8 frames")]
    CallDepth {
        /// The call.
        at: Pc,
    },
    /// Control reached what is no instruction.
    #[error("insn {at}: there is no instruction here")]
    NoInsn {
        /// The place.
        at: Pc,
    },
    /// An instruction whose reference was not resolved, or that this
    /// interpreter has no meaning for.
    #[error("insn {at}: {what} can not run here")]
    Unsupported {
        /// The instruction.
        at: Pc,
        /// What it is.
        what: &'static str,
    },
    /// The bound on the number of steps was reached.
    #[error("insn {at}: the bound of {steps} steps is reached")]
    Budget {
        /// The instruction that would have been next.
        at: Pc,
        /// The bound.
        steps: u64,
    },
    /// The observer's objection.
    #[error("insn {at}: {why}")]
    Observed {
        /// The instruction that would have been next.
        at: Pc,
        /// The objection.
        why: Box<dyn Error + Send + Sync>,
    },
}

/// The size of a `struct bpf_dynptr`.
const DYNPTR_BYTES: u64 = 16;

const fn verb(write: bool) -> &'static str {
    if write { "a write" } else { "a read" }
}

/// Where an access really goes: a converted context access is another one.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) addr: u64,
    pub(super) size: Size,
}

/// What an access wants.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) at: Pc,
    pub(super) base: u64,
    pub(super) off: i16,
    pub(super) size: Size,
    pub(super) write: bool,
}

impl Wanted {
    fn addr(&self) -> u64 {
        self.base.wrapping_add_signed(self.off.into())
    }
}

pub(super) trait Guard {
    /// Before each step.
    fn step(&mut self, at: Pc, machine: &Machine) -> Result<(), Fault>;
    /// Before each access, and where it goes.
    fn place(&self, wanted: Wanted, machine: &Machine) -> Result<Place, Fault>;
    /// Before each helper call.
    fn arguments(&self, at: Pc, proto: &Proto, machine: &Machine) -> Result<(), Fault>;
    /// Before each legacy packet load: whether r6 is the context.
    fn context(&self, at: Pc, r6: u64) -> Result<(), Fault>;
}

/// Believes the facts.
pub(super) struct Trusting<'a> {
    pub(super) facts: &'a Facts,
}

impl Guard for Trusting<'_> {
    fn step(&mut self, _: Pc, _: &Machine) -> Result<(), Fault> {
        Ok(())
    }

    fn place(&self, wanted: Wanted, _: &Machine) -> Result<Place, Fault> {
        match self.facts.at(wanted.at).region {
            Some(Region::Ctx(access)) => {
                Ok(Place { addr: wanted.base.wrapping_add(access.host_off.into()), size: access.host_size })
            }
            Some(
                Region::Stack { .. } | Region::Packet | Region::MapValue(_) | Region::Kernel | Region::Other,
            )
            | None => Ok(Place { addr: wanted.addr(), size: wanted.size }),
        }
    }

    fn arguments(&self, _: Pc, _: &Proto, _: &Machine) -> Result<(), Fault> {
        Ok(())
    }

    fn context(&self, _: Pc, _: u64) -> Result<(), Fault> {
        Ok(())
    }
}

/// Believes nothing.
pub(super) struct Checking<'a> {
    layout: Option<&'a CtxLayout>,
    ctx: u64,
    memory: &'a dyn Memory,
    observer: &'a mut dyn Observer,
    steps: u64,
    left: u64,
}

impl<'a> Checking<'a> {
    pub(super) fn new(
        aux: &'a Aux,
        ctx: u64,
        memory: &'a dyn Memory,
        observer: &'a mut dyn Observer,
        steps: u64,
    ) -> Self {
        let layout = match aux.prog_type.entry {
            Entry::Ctx => Some(&aux.prog_type.ctx),
            Entry::Mem => None,
        };
        Self { layout, ctx, memory, observer, steps, left: steps }
    }

    fn allows(&self, addr: u64, len: u64, write: bool, machine: &Machine) -> bool {
        machine.in_stack(addr, len)
            || (!write && machine.in_key(addr, len))
            || self.memory.allows(addr, len, write)
    }

    /// The offset into the virtual context, where the address is based on it.
    fn context_offset(&self, addr: u64) -> Option<(&CtxLayout, u64)> {
        let layout = self.layout?;
        let off = addr.wrapping_sub(self.ctx);
        (off < u64::from(layout.size.max(layout.host_size))).then_some((layout, off))
    }

    /// Whether the pointer and size fit the argument.
    fn fits(&self, proto: &Proto, index: usize, machine: &Machine) -> bool {
        let value = machine.reg(Reg::ARGS[index]);
        let arg = proto.args[index];
        if value == 0 && (arg.nullable() || proto.args.get(index + 1) == Some(&Arg::SIZE_OR_ZERO)) {
            return true;
        }
        let write = arg.flags.contains(ArgFlags::WRITE) || arg.flags.contains(ArgFlags::UNINIT);
        let of_map = || self.map_argument(proto, machine);
        match arg.kind {
            ArgKind::Unused | ArgKind::Anything => true,
            ArgKind::ConstMapPtr => self.memory.map(value).is_some(),
            ArgKind::MapKey => {
                of_map().is_some_and(|(key, _)| self.allows(value, key.into(), write, machine))
            }
            ArgKind::MapValue => of_map().is_some_and(|(_, v)| self.allows(value, v.into(), write, machine)),
            ArgKind::Mem => {
                let size =
                    if arg.fixed_size > 0 { arg.fixed_size.into() } else { self.size_after(index, machine) };
                self.allows(value, size, write, machine)
            }
            // What it is the size of is checked with it.
            ArgKind::ConstSize | ArgKind::ConstSizeOrZero => i32::try_from(value).is_ok(),
            // The helper looks at it: it gives memory of so many bytes, or none.
            ArgKind::ConstAllocSizeOrZero => true,
            ArgKind::Ctx => self.layout.is_some() && value == self.ctx,
            // No more is said of it: who is given it may not touch it unless it lies in
            // the stack.
            ArgKind::Stack => true,
            ArgKind::Func => callback::start(value).is_some(),
            ArgKind::Dynptr => machine.in_stack(value, DYNPTR_BYTES),
            ArgKind::SpinLock
            | ArgKind::Timer
            | ArgKind::ConstStr
            | ArgKind::RingbufMem
            | ArgKind::SockCommon
            | ArgKind::Socket
            | ArgKind::BtfSockCommon
            | ArgKind::BtfId
            | ArgKind::PercpuBtfId
            | ArgKind::KptrXchgDest => self.memory.lends(arg.kind, value),
        }
    }

    fn size_after(&self, index: usize, machine: &Machine) -> u64 {
        Reg::ARGS.get(index + 1).map_or(u64::MAX, |r| machine.reg(*r))
    }

    fn map_argument(&self, proto: &Proto, machine: &Machine) -> Option<(u32, u32)> {
        let index = proto.args.iter().position(|a| a.kind == ArgKind::ConstMapPtr)?;
        self.memory.map(machine.reg(Reg::ARGS[index]))
    }
}

impl Guard for Checking<'_> {
    fn step(&mut self, at: Pc, machine: &Machine) -> Result<(), Fault> {
        self.left = self.left.checked_sub(1).ok_or(Fault::Budget { at, steps: self.steps })?;
        self.observer.before(at, machine).map_err(|why| Fault::Observed { at, why })
    }

    fn place(&self, wanted: Wanted, machine: &Machine) -> Result<Place, Fault> {
        let (addr, write, at) = (wanted.addr(), wanted.write, wanted.at);
        let size = wanted.size.bytes().into();
        if let Some((layout, off)) = self.context_offset(addr) {
            let access = layout.access(off as i64, wanted.size, write);
            let access = access.ok_or(Fault::Context { at, off, size, write })?;
            return Ok(Place { addr: self.ctx + u64::from(access.host_off), size: access.host_size });
        }
        if self.allows(addr, size, write, machine) {
            return Ok(Place { addr, size: wanted.size });
        }
        Err(Fault::OutOfBounds { at, addr, size, write })
    }

    fn arguments(&self, at: Pc, proto: &Proto, machine: &Machine) -> Result<(), Fault> {
        match (0..proto.arity()).find(|i| !self.fits(proto, *i, machine)) {
            None => Ok(()),
            Some(index) => {
                let reg = Reg::ARGS[index];
                Err(Fault::Argument { at, helper: proto.name.to_string(), reg, value: machine.reg(reg) })
            }
        }
    }

    fn context(&self, at: Pc, r6: u64) -> Result<(), Fault> {
        if self.layout.is_some() && r6 == self.ctx {
            return Ok(());
        }
        Err(Fault::OutOfBounds { at, addr: r6, size: 1, write: false })
    }
}
