//! From a verified program to one that can run: map references and helper
//! calls resolved to addresses.
//!
//! An [`Executable`] is resolved, and nothing is claimed of it; a [`Linked`] is
//! one whose [`Facts`] hold. Only a [`Verified`] becomes a [`Linked`], and only
//! the verifier makes a [`Verified`].

use crate::code::Code;
use crate::facts::{Facts, InsnFacts, Region};
use crate::helper::Proto;
use crate::insn::{Callee, Imm64, Insn, Pc};
use crate::map::MapIdx;
use crate::program::{Aux, Program};
use std::collections::BTreeMap;
use std::sync::Arc;
use thiserror::Error;

/// The body of a helper: the five arguments, then whatever
/// [`HelperBody::env`] says.
///
/// # Safety
///
/// The caller passes arguments that fit the helper's prototype, as the verifier
/// proves of a call.
pub type HelperFn = unsafe extern "C-unwind" fn(u64, u64, u64, u64, u64, u64) -> u64;

/// What a helper call runs.
#[derive(Clone, Copy, Debug)]
pub struct HelperBody {
    /// The function. Where it unwinds, the program ends, and its caller unwinds.
    pub func: HelperFn,
    /// What it gets as its sixth argument; where there is none it does not look
    /// at that.
    pub env: Option<u64>,
}

/// What a run carries besides its context: made by the caller of a program,
/// handed on by compiled code, looked at by [`Hooks`].
#[derive(Debug, Default)]
#[repr(C)]
pub struct RunState {
    /// The tail calls made so far in this run, at most [`RunState::MAX_TAIL_CALLS`].
    pub tail_calls: u32,
    /// What a main program that ended in a tail call wants run next, as
    /// [`Hooks::tail_call`] returned it; 0 where it simply ended.
    pub next: u64,
}

impl RunState {
    /// How many tail calls one run may make, as in the kernel.
    pub const MAX_TAIL_CALLS: u32 = 33;
}

/// What code calls that is neither its own nor a helper.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// `load_packet(ctx, off, size)`: the bytes at `off` (as the legacy packet
    /// loads count, negative ones included) in host order, zero-extended; or -1
    /// where they are not all in the packet. `ctx` is the real context.
    pub load_packet: unsafe extern "C-unwind" fn(u64, i64, u64) -> i64,
    /// `tail_call(run, map, index)`: the target in that slot of that program
    /// array, counted in `run`; or 0 where the slot is empty, the index too
    /// large or the tail calls used up, and the program goes on. It may give up
    /// where `run` is null.
    pub tail_call: unsafe extern "C-unwind" fn(*mut RunState, u64, u64) -> u64,
    /// `tail_run(run, target, ctx)`: runs a target to its end and returns its
    /// result. A tail call in a subprogram ends only the subprogram; in the
    /// main program the target is put into [`RunState::next`] instead, and the
    /// caller of the program goes on with it.
    pub tail_run: unsafe extern "C-unwind" fn(*mut RunState, u64, u64) -> u64,
    /// `next_elem(map, position, key)`: the address of the next element's value,
    /// with its key copied to `key`; or 0 after the last. `position` is 0 for
    /// the first, and the map's own afterwards.
    pub next_elem: unsafe extern "C-unwind" fn(u64, *mut u64, *mut u8) -> u64,
    /// The processor that this runs on: `bpf_get_smp_processor_id`, below the
    /// number of copies that a value of a per-CPU map has ([`ArrayValues::copy`]).
    /// It looks at no argument.
    pub processor: HelperFn,
    /// What the numbers that `processor` gives are below.
    pub processors: u32,
}

/// The native form of a program: `(r1, r2, run)` to r0. `run` may be null where
/// the program makes no tail call. It unwinds where a helper does.
///
/// # Safety
///
/// r1 and r2 are what the program type says, for as long as the call lasts.
pub type EntryFn = unsafe extern "C-unwind" fn(u64, u64, *mut RunState) -> u64;

/// The addresses behind a map that a program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapLink {
    /// What a helper gets as its map argument.
    pub handle: u64,
    /// The address of the first value, for the kinds whose value a program may
    /// address directly.
    pub value: Option<u64>,
    /// Where the values lie, for the kinds whose keys are the indices of values
    /// that lie side by side and are always there.
    pub values: Option<ArrayValues>,
}

/// Values side by side: that of index `i` is at `start + i * stride`, and the copy
/// of it that is processor `p`'s, where there are such, at
/// `start + i * stride + p * copy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrayValues {
    /// The address of the first.
    pub start: u64,
    /// The distance from one to the next, in bytes.
    pub stride: u64,
    /// How many there are.
    pub count: u32,
    /// The distance from one processor's copy of a value to the next one's, in
    /// bytes, in a per-CPU map.
    pub copy: Option<u64>,
}

/// What to resolve a program with.
pub struct Links<'a> {
    /// The body of a helper by number.
    pub helper: &'a dyn Fn(i32) -> Option<HelperBody>,
    /// By [`MapIdx`].
    pub maps: &'a [MapLink],
    /// What else code calls.
    pub hooks: Hooks,
}

impl std::fmt::Debug for Links<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("maps", &self.maps).field("hooks", &self.hooks).finish_non_exhaustive()
    }
}

/// Why a program can not be linked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// A helper that programs of this kind may call, but that has no body here.
    #[error("insn {at}: helper {name}#{id} is not implemented by this runtime")]
    HelperWithoutBody {
        /// The call.
        at: Pc,
        /// The helper's number.
        id: i32,
        /// The helper's name.
        name: String,
    },
    /// A helper that programs of this kind may not call.
    #[error("insn {at}: no helper #{id} for this program type")]
    UnknownHelper {
        /// The call.
        at: Pc,
        /// The helper's number.
        id: i32,
    },
    /// A reference to a map that there is not, or to the value of a map whose
    /// value can not be addressed.
    #[error("insn {at}: the map reference can not be resolved")]
    Map {
        /// The 64-bit immediate load.
        at: Pc,
    },
    /// A form that this runtime does not run: a kernel function, a kernel
    /// variable, an arena.
    #[error("insn {at}: {what} is not supported by this runtime")]
    Unsupported {
        /// The instruction.
        at: Pc,
        /// The form.
        what: &'static str,
    },
    /// There are more processors than it was verified for
    /// ([`Aux::processors`](crate::Aux::processors)).
    #[error("verified for {verified} processors, and there are {found}")]
    Processors {
        /// How many it was verified for.
        verified: u32,
        /// How many there are.
        found: u32,
    },
}

/// A resolved helper call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The helper's prototype.
    pub proto: Arc<Proto>,
    /// What runs.
    pub body: HelperBody,
}

/// A program whose references are resolved, and of which nothing is claimed.
#[derive(Clone, Debug)]
pub struct Executable {
    /// The instructions; map references are plain addresses, and the immediate
    /// of a helper call is the distance of the helper's body from
    /// [`call_base`], where that fits 32 bits.
    pub code: Code,
    /// What else is known of the program.
    pub aux: Aux,
    /// The calls of helpers and kernel functions, by place.
    pub calls: BTreeMap<Pc, Call>,
    /// By [`MapIdx`], the addresses behind the maps.
    pub maps: Box<[MapLink]>,
    /// What else the code calls.
    pub hooks: Hooks,
}

/// A program that was proven safe. Its facts hold.
#[derive(Clone, Debug)]
pub struct Verified {
    program: Program,
    facts: Facts,
}

/// A verified program whose references are resolved: ready to be compiled or
/// interpreted without checks.
#[derive(Clone, Debug)]
pub struct Linked {
    exec: Executable,
    facts: Facts,
}

impl Verified {
    /// Says that a program was proven safe.
    ///
    /// # Safety
    ///
    /// Every fact holds in every run of the program that starts as its program
    /// type says, with its maps and with helpers that do as their prototypes
    /// say; and every such run ends, and accesses only memory that it may.
    #[must_use]
    #[expect(unsafe_code, reason = "the one place where what runs unchecked is said to be safe")]
    pub const unsafe fn assume(program: Program, facts: Facts) -> Self {
        Self { program, facts }
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> &Program {
        &self.program
    }

    /// What was proven.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Resolves the program's references.
    ///
    /// # Errors
    ///
    /// Where a reached instruction refers to what there is not.
    pub fn link(self, links: &Links<'_>) -> Result<Linked, LinkError> {
        let facts = self.facts;
        let kernels = |(_, insn): &(usize, &InsnFacts)| insn.region == Some(Region::Kernel);
        if let Some((at, _)) = facts.insns.iter().enumerate().find(kernels) {
            return Err(LinkError::Unsupported { at: Pc(at as u32), what: "a look into a kernel object" });
        }
        let found = links.hooks.processors;
        if let Some(verified) = self.program.aux.processors.filter(|verified| *verified < found) {
            return Err(LinkError::Processors { verified, found });
        }
        let exec = resolve(self.program, links, |pc| facts.at(pc).reached)?;
        Ok(Linked { exec, facts })
    }
}

impl Linked {
    /// The resolved program.
    #[must_use]
    pub const fn exec(&self) -> &Executable {
        &self.exec
    }

    /// What was proven.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }
}

impl Executable {
    /// Resolves a program that nothing was proven of, to be interpreted with
    /// every access checked.
    ///
    /// # Errors
    ///
    /// Where an instruction refers to what there is not.
    pub fn unverified(program: Program, links: &Links<'_>) -> Result<Self, LinkError> {
        resolve(program, links, |_| true)
    }
}

/// The address that the immediates of linked helper calls count from, as
/// `__bpf_call_base` in the kernel.
#[must_use]
pub fn call_base() -> usize {
    call_base as *const () as usize
}

fn resolve(
    program: Program,
    links: &Links<'_>,
    needed: impl Fn(Pc) -> bool,
) -> Result<Executable, LinkError> {
    let Program { code, aux } = program;
    let mut patched = code.clone();
    let mut calls = BTreeMap::new();
    for (at, insn) in code.iter().filter(|(at, _)| needed(*at)) {
        match *insn {
            Insn::Call(Callee::Helper(id)) => {
                let call = helper(at, id, &aux, links)?;
                if let Some(imm) = near(call.body) {
                    patched.replace(at, Insn::Call(Callee::Helper(imm)));
                }
                calls.insert(at, call);
            }
            Insn::LoadImm64 { dst, imm } => {
                if let Some(address) = address(at, &imm, &aux, links)? {
                    patched.replace(at, Insn::LoadImm64 { dst, imm: Imm64::Value(address) });
                }
            }
            Insn::Call(callee @ Callee::Kfunc { .. }) => {
                let kfunc = aux.kfunc(callee);
                let kfunc = kfunc.ok_or(LinkError::Unsupported { at, what: "a kernel function call" })?;
                calls.insert(at, Call { proto: kfunc.proto().clone(), body: kfunc.body() });
            }
            Insn::AddrSpaceCast { .. } => {
                return Err(LinkError::Unsupported { at, what: "an address space cast" });
            }
            Insn::Call(Callee::Subprog(_))
            | Insn::Alu { .. }
            | Insn::Neg { .. }
            | Insn::MovSx { .. }
            | Insn::Swap { .. }
            | Insn::Load { .. }
            | Insn::Store { .. }
            | Insn::Atomic { .. }
            | Insn::LoadAcquire { .. }
            | Insn::StoreRelease { .. }
            | Insn::LoadPacket { .. }
            | Insn::Jump { .. }
            | Insn::JumpIf { .. }
            | Insn::MayGoto { .. }
            | Insn::Exit => {}
        }
    }
    Ok(Executable { code: patched, aux, calls, maps: links.maps.into(), hooks: links.hooks })
}

fn helper(at: Pc, id: i32, aux: &Aux, links: &Links<'_>) -> Result<Call, LinkError> {
    let proto = aux.prog_type.helper(id).ok_or(LinkError::UnknownHelper { at, id })?.clone();
    let body = (links.helper)(id);
    let body = body.ok_or_else(|| LinkError::HelperWithoutBody { at, id, name: proto.name.to_string() })?;
    Ok(Call { proto, body })
}

/// The distance of a helper's body from the call base, where it fits.
fn near(body: HelperBody) -> Option<i32> {
    i32::try_from(body.func as usize as i128 - call_base() as i128).ok()
}

/// The address that a reference is resolved to; nothing for a plain number or a
/// callback.
fn address(at: Pc, imm: &Imm64, aux: &Aux, links: &Links<'_>) -> Result<Option<u64>, LinkError> {
    let link = |idx: MapIdx| links.maps.get(idx.index()).ok_or(LinkError::Map { at });
    let map = || aux.map_ref(imm).ok_or(LinkError::Map { at }).and_then(link);
    match imm {
        Imm64::Value(_) | Imm64::Func(_) => Ok(None),
        Imm64::MapFd(_) | Imm64::MapIdx(_) => Ok(Some(map()?.handle)),
        Imm64::MapValue { off, .. } | Imm64::MapIdxValue { off, .. } => {
            let value = map()?.value.ok_or(LinkError::Map { at })?;
            Ok(Some(value.wrapping_add(u64::from(*off))))
        }
        Imm64::BtfId { .. } => Err(LinkError::Unsupported { at, what: "a kernel variable" }),
    }
}
