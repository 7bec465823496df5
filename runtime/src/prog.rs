//! A loaded program, and how it is run.
//!
//! A [`Prog`] is what is shared: its holders are handles, file descriptors,
//! slots of program arrays, and runs in flight. The last one frees its code and
//! lets go of its maps. A [`Program`] is a handle to it.

use crate::context::{Packet, PacketError};
use crate::helpers::HostEnv;
use crate::map::{Map, MapObject, Owner};
use crate::prog_type::{Context, CtxView, ProgramType};
use crate::{rcu, run};
use brolga_core::link::EntryFn;
use brolga_core::{Linked, LoadFlags};
use brolga_jit::Image;
use brolga_verifier::Report;
use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use thiserror::Error;
use zerocopy::IntoBytes;

/// What runs a program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// Native code.
    #[default]
    Jit,
    /// The interpreter: the reference, about a hundred times slower.
    Interp,
    /// Native code; the interpreter where that is asked for
    /// ([`Program::run_on`]).
    Both,
}

/// What loading a program took, and what it made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProgramStats {
    /// The slots of the program.
    pub slots: usize,
    /// The instructions that the verifier walked, over all paths.
    pub insns_processed: u32,
    /// The states that the verifier stored.
    pub total_states: u32,
    /// How long the verifier took.
    pub verify: Duration,
    /// How long it took to compile and to publish the code.
    pub compile: Duration,
    /// The size of the machine code in bytes; 0 where there is none.
    pub code_len: usize,
}

/// Why a program did not run to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The program takes another context than the one given.
    #[error("programs of type {0} do not run on this context")]
    Context(String),
    /// The memory given is not of the size that the program was loaded for.
    #[error("the memory has {given} bytes, and the program was loaded for {needed}")]
    MemSize {
        /// The size given, in bytes.
        given: usize,
        /// The size needed, in bytes.
        needed: u32,
    },
    /// The program was not loaded for this engine.
    #[error("the program was not loaded for the engine {0:?}")]
    Engine(EngineKind),
    /// The bytes given are no packet.
    #[error(transparent)]
    Packet(#[from] PacketError),
    /// A helper panicked, and the program ended there. What it had written to
    /// its context and its maps stays written; records of ring buffers that it had
    /// not finished are discarded.
    #[error("a helper panicked: {0}")]
    HelperPanicked(HelperPanic),
}

/// The panic of a helper.
#[derive(Debug)]
pub struct HelperPanic(Mutex<Box<dyn Any + Send>>);

impl HelperPanic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        Self(Mutex::new(payload))
    }

    /// What it panicked with, for instance for
    /// [`resume_unwind`](std::panic::resume_unwind).
    #[must_use]
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for HelperPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        f.write_str(text.unwrap_or("(not a text)"))
    }
}

/// What is live in an engine.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) programs: AtomicUsize,
    pub(crate) code_len: AtomicUsize,
}

/// What a program is made of when it is loaded.
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) prog_type: ProgramType,
    pub(crate) owner: Owner,
    pub(crate) gpl_compatible: bool,
    pub(crate) attach: u32,
    pub(crate) flags: LoadFlags,
    pub(crate) mem_size: u32,
    /// Goes before the image that it shows.
    #[cfg(feature = "gdb")]
    #[expect(dead_code, reason = "a debugger looks at it")]
    pub(crate) shown: Option<crate::gdb::Registered>,
    pub(crate) image: Option<Image>,
    pub(crate) linked: Option<Linked>,
    pub(crate) calls: Calls,
    #[expect(dead_code, reason = "the code refers to them by their addresses")]
    pub(crate) maps: Box<[Arc<MapObject>]>,
    #[expect(dead_code, reason = "the code refers to it by its address")]
    pub(crate) host: Arc<HostEnv>,
    pub(crate) counts: Arc<Counts>,
    pub(crate) stats: ProgramStats,
    pub(crate) report: Report,
}

/// What a run of a program has to be ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Calls {
    /// It makes tail calls.
    pub(crate) tail: bool,
    /// It calls a helper that may panic.
    pub(crate) may_panic: bool,
    /// It looks up maps in maps.
    pub(crate) section: bool,
}

/// A loaded program.
pub(crate) struct Prog {
    /// The native code, where a run is nothing but a call of it.
    plain: Option<EntryFn>,
    /// The native code.
    pub(crate) entry: Option<EntryFn>,
    /// The bits of r0 that are the result.
    result: u64,
    view: CtxView,
    id: u32,
    pub(crate) parts: Parts,
}

impl Prog {
    pub(crate) fn new(parts: Parts) -> Self {
        static IDS: AtomicUsize = AtomicUsize::new(1);
        let entry = parts.image.as_ref().map(Image::entry);
        let plain = entry.filter(|_| parts.calls == Calls::default());
        // The kernel's kinds of program return 32 bits.
        let kernel = parts.prog_type.description().number.is_some();
        let result = if kernel { u64::from(u32::MAX) } else { u64::MAX };
        parts.counts.programs.fetch_add(1, Ordering::Relaxed);
        parts.counts.code_len.fetch_add(parts.stats.code_len, Ordering::Relaxed);
        let view = *parts.prog_type.view();
        Self { plain, entry, result, view, id: IDS.fetch_add(1, Ordering::Relaxed) as u32, parts }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    pub(crate) fn owner(&self) -> Owner {
        self.parts.owner.clone()
    }

    /// What r2 holds at the start.
    pub(crate) fn r2(&self) -> u64 {
        self.parts.mem_size.into()
    }
}

impl Drop for Prog {
    fn drop(&mut self) {
        self.parts.counts.programs.fetch_sub(1, Ordering::Relaxed);
        self.parts.counts.code_len.fetch_sub(self.parts.stats.code_len, Ordering::Relaxed);
    }
}

/// A handle to a loaded program: as cheap to clone as an [`Arc`], and any thread
/// may run the program, several at once.
///
/// The program lives as long as a handle, a file descriptor or a slot of a
/// program array holds it.
#[derive(Clone)]
pub struct Program {
    prog: Arc<Prog>,
    maps: Arc<[Map]>,
}

impl Program {
    pub(crate) fn new(prog: Prog, maps: Vec<Map>) -> Self {
        Self { prog: Arc::new(prog), maps: maps.into() }
    }

    pub(crate) fn prog(&self) -> &Arc<Prog> {
        &self.prog
    }

    /// Runs the program on a context and returns its result: 32 bits of it for
    /// the kernel's kinds of program, else 64.
    ///
    /// This takes no lock and touches no memory that other threads write to, but
    /// what the program itself does. A program that makes tail calls takes a
    /// lock at its end in one case: where a program was taken out of a program
    /// array while it ran.
    ///
    /// # Errors
    ///
    /// [`RunError::Context`] where the program takes another context, and
    /// [`RunError::HelperPanicked`].
    #[inline]
    pub fn run<C: Context>(&self, ctx: &mut C) -> Result<u64, RunError> {
        self.run_in(None, ctx)
    }

    /// Runs the program on many contexts, one after the other, and gives `each`
    /// of them its result, or the error that [`run`](Self::run) has for it. What a
    /// run has to do besides, such as to say that it looks at maps in maps, is
    /// done once for all of them: programs and maps that are replaced meanwhile
    /// are freed when the batch ends.
    #[inline]
    pub fn run_batch<'a, C: Context + 'a>(
        &self,
        batch: impl IntoIterator<Item = &'a mut C>,
        mut each: impl FnMut(&mut C, Result<u64, RunError>),
    ) {
        let calls = self.prog.parts.calls;
        let _section = (calls.tail || calls.section).then(rcu::enter);
        for ctx in batch {
            let result = self.run_in(None, ctx);
            each(ctx, result);
        }
    }

    /// Runs the program by one engine; see [`run`](Self::run).
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run), and [`RunError::Engine`] where the program
    /// was not loaded for that engine.
    pub fn run_on<C: Context>(&self, kind: EngineKind, ctx: &mut C) -> Result<u64, RunError> {
        self.run_in(Some(kind), ctx)
    }

    #[inline]
    fn run_in<C: Context>(&self, kind: Option<EngineKind>, ctx: &mut C) -> Result<u64, RunError> {
        let view = &self.prog.view;
        let Some(r1) = ctx.enter(view) else { return Err(self.wrong_context()) };
        #[expect(unsafe_code, reason = "the call of a verified program")]
        // SAFETY: what `enter` gives is what programs of this view take.
        match unsafe { self.start(kind, r1, 0) } {
            // The number alone is kept: the whole result, written in parts and
            // read at once, would wait for memory.
            Ok(r0) => {
                ctx.leave(view);
                Ok(r0)
            }
            Err(error) => {
                ctx.leave(view);
                Err(error)
            }
        }
    }

    /// Runs a program whose `r1` is memory (such as `raw`) on this memory.
    ///
    /// # Errors
    ///
    /// [`RunError::Context`] where the program takes something else,
    /// [`RunError::MemSize`] where it was loaded for another size, and
    /// [`RunError::HelperPanicked`].
    #[inline]
    pub fn run_mem(&self, memory: &mut [u8]) -> Result<u64, RunError> {
        self.run_mem_in(None, memory)
    }

    /// Runs the program by one engine; see [`run_mem`](Self::run_mem).
    ///
    /// # Errors
    ///
    /// Those of [`run_mem`](Self::run_mem), and [`RunError::Engine`] where the
    /// program was not loaded for that engine.
    pub fn run_mem_on(&self, kind: EngineKind, memory: &mut [u8]) -> Result<u64, RunError> {
        self.run_mem_in(Some(kind), memory)
    }

    #[inline]
    fn run_mem_in(&self, kind: Option<EngineKind>, memory: &mut [u8]) -> Result<u64, RunError> {
        let needed = self.prog.parts.mem_size;
        if !self.prog.view.is_memory() {
            return Err(self.wrong_context());
        }
        if memory.len() != needed as usize {
            return Err(RunError::MemSize { given: memory.len(), needed });
        }
        // A program may take it that its memory is aligned, for atomics.
        if !memory.as_ptr().addr().is_multiple_of(8) {
            return self.run_copy(kind, memory);
        }
        let r1 = memory.as_mut_ptr().expose_provenance() as u64;
        #[expect(unsafe_code, reason = "the call of a verified program")]
        // SAFETY: r1 points to memory of the size that the program was verified
        // for, which is borrowed as long as the run lasts.
        unsafe {
            self.start(kind, r1, needed.into())
        }
    }

    /// Runs the program on an aligned copy of memory that is not.
    #[cold]
    fn run_copy(&self, kind: Option<EngineKind>, memory: &mut [u8]) -> Result<u64, RunError> {
        let mut words = vec![0u64; memory.len().div_ceil(8)];
        let copy = &mut words.as_mut_bytes()[..memory.len()];
        copy.copy_from_slice(memory);
        let result = self.run_mem_in(kind, copy);
        memory.copy_from_slice(copy);
        result
    }

    /// Runs the program with these registers.
    ///
    /// # Errors
    ///
    /// [`RunError::HelperPanicked`].
    ///
    /// # Safety
    ///
    /// They are what the program type says, as long as the call lasts: `r1`
    /// points to the real structure of the context, which no one else accesses
    /// meanwhile, or to memory of the size `r2` that the program was loaded for,
    /// aligned to 8 bytes.
    #[expect(unsafe_code, reason = "the caller vouches for the registers")]
    pub unsafe fn run_raw(&self, r1: u64, r2: u64) -> Result<u64, RunError> {
        // SAFETY: as the caller says.
        unsafe { self.start(None, r1, r2) }
    }

    /// # Safety
    ///
    /// As for [`run_raw`](Self::run_raw).
    #[inline]
    #[expect(unsafe_code, reason = "the call of a verified program")]
    unsafe fn start(&self, kind: Option<EngineKind>, r1: u64, r2: u64) -> Result<u64, RunError> {
        let prog = &*self.prog;
        let r0 = match (kind, prog.plain) {
            // SAFETY: the registers are as the caller says, and this handle
            // holds the code. The program makes no tail call, so that it does
            // not look at the run's state.
            (None, Some(entry)) => unsafe { entry(r1, r2, std::ptr::null_mut()) },
            // SAFETY: as the caller says.
            _ => unsafe { run::run(prog, kind, r1, r2) }?,
        };
        Ok(r0 & prog.result)
    }

    #[cold]
    fn wrong_context(&self) -> RunError {
        RunError::Context(self.prog_type().name().to_owned())
    }

    /// Runs the program on a packet of these bytes, `repeat` times (at least
    /// once) one after the other, as `BPF_PROG_TEST_RUN` does.
    ///
    /// # Errors
    ///
    /// Those of [`run`](Self::run), and [`RunError::Packet`].
    pub fn test_run(&self, frame: &[u8], repeat: u32) -> Result<TestRun, RunError> {
        let mut packet = Packet::new(frame)?;
        let start = Instant::now();
        let mut retval = self.run(&mut packet)?;
        for _ in 1..repeat {
            retval = self.run(&mut packet)?;
        }
        let duration = start.elapsed() / repeat.max(1);
        Ok(TestRun { retval, packet, duration })
    }

    /// The name that it was loaded under; may be empty.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.prog.parts.name
    }

    /// Its number in this process: what the host reads from a program array's
    /// slot.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.prog.id
    }

    /// Its kind.
    #[must_use]
    pub fn prog_type(&self) -> &ProgramType {
        &self.prog.parts.prog_type
    }

    /// The `expected_attach_type` that it was loaded with.
    #[must_use]
    pub fn attach_type(&self) -> u32 {
        self.prog.parts.attach
    }

    /// The flags that it was loaded with.
    #[must_use]
    pub fn flags(&self) -> LoadFlags {
        self.prog.parts.flags
    }

    /// Whether its licence is compatible with the GPL.
    #[must_use]
    pub fn gpl_compatible(&self) -> bool {
        self.prog.parts.gpl_compatible
    }

    /// The maps that it uses.
    #[must_use]
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// What loading it took.
    #[must_use]
    pub fn stats(&self) -> ProgramStats {
        self.prog.parts.stats
    }

    /// What the verifier did, with its log where that was asked for.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.prog.parts.report
    }

    /// The native code, where the program was loaded for it.
    #[must_use]
    pub fn image(&self) -> Option<&Image> {
        self.prog.parts.image.as_ref()
    }

    /// What the interpreter runs, where the program was loaded for it.
    #[must_use]
    pub fn linked(&self) -> Option<&Linked> {
        self.prog.parts.linked.as_ref()
    }
}

/// What [`Program::test_run`] gives.
#[derive(Debug)]
pub struct TestRun {
    /// The result of the last run.
    pub retval: u64,
    /// The packet after the last run.
    pub packet: Packet,
    /// The time of one run, on average.
    pub duration: Duration,
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Program")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("prog_type", self.prog_type())
            .finish_non_exhaustive()
    }
}
