//! From a linked program to machine code that has no place yet.

use crate::align;
use crate::error::{CompileError, PublishError};
use crate::flow::{Plan, ProgramPlan};
use crate::image::Image;
use crate::inline::Bodies;
use crate::options::{Listing, Options, Passes, Tier};
use crate::reloc::{Relocation, Symbol};
use crate::target::{Machine, Target, backend, host, isa};
use crate::translate::{self, HELPERS, SUBPROGS, Shared};
use crate::unwind::Frames;
use brolga_core::facts::SubprogId;
use brolga_core::{Linked, Pc};
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{ExternalName, UserExternalName};
use cranelift_codegen::{CompiledCode, Context, FinalizedMachReloc, FinalizedRelocTarget};
use cranelift_frontend::FunctionBuilderContext;
use std::cell::RefCell;

/// How many instructions that some run reaches a program may have to be
/// compiled. Time and memory are linear up to it.
pub const MAX_INSNS: usize = 1 << 17;

/// A subprogram's place in the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name: the program's own for the main program, else the one that the
    /// program gives, or `subprog_` and the place of the first instruction.
    pub name: String,
    /// The first instruction.
    pub start: Pc,
    /// Where the machine code starts, in bytes from the start of the image.
    pub offset: u32,
    /// The size of the machine code in bytes.
    pub len: u32,
}

/// A piece of machine code and the instruction that it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where the piece starts, in bytes from the start of the image.
    pub offset: u32,
    /// Its size in bytes.
    pub len: u32,
    /// The instruction.
    pub pc: Pc,
}

/// What was kept beside the code, as [`Options::listing`] asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listings {
    /// Cranelift's intermediate representation; empty unless asked for.
    pub ir: String,
    /// The machine code as text, each subprogram under its name; empty unless
    /// asked for.
    pub native: String,
    /// Where the machine code came from, by offset; empty unless asked for.
    pub lines: Vec<Line>,
}

/// Machine code that has no place yet, and can not run.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub(crate) target: Target,
    pub(crate) code: Vec<u8>,
    pub(crate) relocations: Vec<Relocation>,
    pub(crate) functions: Vec<Function>,
    pub(crate) frames: Frames,
    pub(crate) listings: Listings,
}

/// Compiles a program for this machine, using whatever it has.
///
/// # Errors
///
/// A [`CompileError`]; a program that the verifier accepted, that has no
/// callback of the main program and at most [`MAX_INSNS`] instructions gives
/// none.
pub fn compile(linked: &Linked, options: &Options) -> Result<Compiled, CompileError> {
    let target = host().ok_or_else(|| CompileError::Target("unknown architecture".into()))?;
    compile_on(linked, options, Machine::Host, target)
}

/// Compiles a program for a machine of this kind, to be looked at; where it is
/// this one's kind, it may be published too.
///
/// # Errors
///
/// As [`compile`].
pub fn compile_for(linked: &Linked, options: &Options, target: Target) -> Result<Compiled, CompileError> {
    compile_on(linked, options, Machine::Named(target), target)
}

/// What compiling needs besides the program, kept from one program to the next.
struct Scratch {
    context: Context,
    builder: FunctionBuilderContext,
}

impl Scratch {
    fn new() -> Self {
        Self { context: Context::new(), builder: FunctionBuilderContext::new() }
    }
}

thread_local! {
    static SCRATCH: RefCell<Option<Box<Scratch>>> = const { RefCell::new(None) };
}

/// The largest program whose scratch memory is kept for the next one.
const KEEP: usize = 4096;

fn compile_on(
    linked: &Linked,
    options: &Options,
    machine: Machine,
    target: Target,
) -> Result<Compiled, CompileError> {
    let insns = linked.facts().insns.iter().filter(|facts| facts.reached).count();
    if insns > MAX_INSNS {
        return Err(CompileError::TooLarge { insns, max: MAX_INSNS });
    }
    let mut scratch = SCRATCH.take().unwrap_or_else(|| Box::new(Scratch::new()));
    let compiled = Assembly::new(linked, options, machine, target)?.run(&mut scratch)?;
    // After an error it is not clear what is left in there.
    if insns <= KEEP {
        SCRATCH.set(Some(scratch));
    }
    Ok(compiled)
}

/// A program on its way.
struct Assembly<'a> {
    linked: &'a Linked,
    options: &'a Options,
    machine: Machine,
    compiled: Compiled,
    /// By [`SubprogId`], where each starts.
    starts: Vec<u32>,
    /// What is to be relocated, by name.
    references: Vec<(u32, FinalizedMachReloc, UserExternalName)>,
}

impl<'a> Assembly<'a> {
    fn new(
        linked: &'a Linked,
        options: &'a Options,
        machine: Machine,
        target: Target,
    ) -> Result<Self, CompileError> {
        let compiled = Compiled {
            target,
            code: Vec::new(),
            relocations: Vec::new(),
            functions: Vec::new(),
            frames: Frames::new(&backend(machine, options)?.frame),
            listings: Listings::default(),
        };
        let starts = vec![0; linked.facts().subprogs.len()];
        Ok(Self { linked, options, machine, compiled, starts, references: Vec::new() })
    }

    fn run(mut self, scratch: &mut Scratch) -> Result<Compiled, CompileError> {
        let program = ProgramPlan::new(self.linked, self.options)?;
        let isa = isa(self.machine, self.options)?;
        let mut shared = Shared { program: &program, options: self.options, isa, near: Vec::new() };
        let inlines = self.inlines() && program.plans.len() > 1;
        let mut bodies = Bodies::new(if inlines { program.plans.len() } else { 0 });
        if inlines {
            for id in &program.callees_first {
                let Some(plan) = &program.plans[id.index()] else { continue };
                scratch.context.clear();
                translate::subprog(&mut shared, *id, plan, &mut scratch.context.func, &mut scratch.builder)?;
                bodies.add(*id, plan.subprog.start, &mut scratch.context)?;
            }
        }
        let needed = if inlines { bodies.needed() } else { vec![true; program.plans.len()] };
        for (index, plan) in program.plans.iter().enumerate() {
            let Some(plan) = plan.as_ref().filter(|_| needed[index]) else { continue };
            let id = SubprogId(index as u32);
            scratch.context.clear();
            scratch.context.set_disasm(self.options.listing.contains(Listing::NATIVE));
            let func = &mut scratch.context.func;
            match bodies.take(id) {
                Some(body) => *func = body,
                None => translate::subprog(&mut shared, id, plan, func, &mut scratch.builder)?,
            }
            self.function(&shared, id, plan, &mut scratch.context)?;
        }
        self.relocate(&shared)?;
        Ok(self.compiled)
    }

    fn inlines(&self) -> bool {
        self.options.passes.contains(Passes::INLINE) && self.options.tier == Tier::Best
    }

    fn function(
        &mut self,
        shared: &Shared<'_>,
        id: SubprogId,
        plan: &Plan,
        context: &mut Context,
    ) -> Result<(), CompileError> {
        let start = plan.subprog.start;
        let name = self.name(id, start);
        if self.options.listing.contains(Listing::IR) {
            self.compiled.listings.ir += &format!("; {name}\n{}\n", context.func.display());
        }
        let failed = |why: &dyn std::fmt::Display| CompileError::Backend { at: start, why: why.to_string() };
        let isa = match is_hard(context, plan) {
            true => isa(self.machine, &Options { tier: Tier::Quick, ..*self.options })?,
            false => shared.isa,
        };
        context.compile(isa, &mut ControlPlane::default()).map_err(|error| failed(&error.inner))?;
        let code = context.take_compiled_code().ok_or_else(|| failed(&"no code came of it"))?;
        let offset = self.place(&code, shared.isa.function_alignment().minimum);
        self.starts[id.index()] = offset;
        for reloc in code.buffer.relocs() {
            let name = external(context, reloc).ok_or_else(|| failed(&"an unknown reference"))?;
            self.references.push((offset, reloc.clone(), name));
        }
        self.compiled.frames.add(offset, &code, isa, start)?;
        self.list(&name, offset, &code);
        let len = code.code_buffer().len() as u32;
        self.compiled.functions.push(Function { name, start, offset, len });
        Ok(())
    }

    /// Puts a function behind what there is; its offset.
    fn place(&mut self, code: &CompiledCode, least: u32) -> u32 {
        let mut start = 0;
        if self.options.passes.contains(Passes::ALIGN) {
            let loops = align::loops(&code.bb_starts, &code.bb_edges, code.buffer.total_size());
            start = align::best_start(&loops, least.max(code.buffer.alignment).max(4));
        }
        let out = &mut self.compiled.code;
        let offset = out.len().next_multiple_of(align::LINE as usize) + start as usize;
        out.reserve(offset - out.len() + code.code_buffer().len() + END);
        out.resize(offset, 0);
        out.extend_from_slice(code.code_buffer());
        offset as u32
    }

    fn name(&self, id: SubprogId, start: Pc) -> String {
        let aux = &self.linked.exec().aux;
        match aux.subprog_names.get(&start) {
            Some(name) => name.clone(),
            None if id == SubprogId::MAIN && !aux.name.is_empty() => aux.name.clone(),
            None if id == SubprogId::MAIN => "main".into(),
            None => format!("subprog_{start}"),
        }
    }

    fn list(&mut self, name: &str, offset: u32, code: &CompiledCode) {
        let listings = &mut self.compiled.listings;
        if let Some(text) = &code.vcode {
            listings.native += &format!("{name}:\n{text}\n");
        }
        if self.options.listing.contains(Listing::LINES) {
            let lines = code.buffer.get_srclocs_sorted().iter().filter(|line| !line.loc.is_default());
            listings.lines.extend(lines.map(|line| Line {
                offset: offset + line.start,
                len: line.end - line.start,
                pc: Pc(line.loc.bits()),
            }));
        }
    }

    /// Now that every subprogram has its place in the code.
    fn relocate(&mut self, shared: &Shared<'_>) -> Result<(), CompileError> {
        for (offset, reloc, name) in self.references.drain(..) {
            let index = name.index as usize;
            let to = match name.namespace {
                SUBPROGS => self.starts.get(index).copied().map(Symbol::Code),
                HELPERS => shared.near.get(index).copied().map(Symbol::Host),
                _ => None,
            };
            let why = "a reference to an unknown name".to_string();
            let to = to.ok_or(CompileError::Backend { at: Pc::START, why })?;
            let offset = offset + reloc.offset;
            self.compiled.relocations.push(Relocation { offset, kind: reloc.kind, to, addend: reloc.addend });
        }
        let len = self.compiled.code.len().next_multiple_of(END);
        self.compiled.code.resize(len, 0);
        Ok(())
    }
}

/// What the size of a program's code is a multiple of.
const END: usize = 16;

/// The most steps that Cranelift's main register allocator may take in one of
/// its loops: less than a second.
const STEPS: usize = 1 << 27;

/// Whether the main register allocator might take too long.
///
/// For every value and every block that it is live in, it may look through all
/// the block parameters that come before (regalloc2 0.15, when it inserts
/// moves). In common programs it does not; in a chain of branches over the same
/// few registers it does, which takes seconds at 10 000 instructions. The
/// single-pass allocator is linear.
fn is_hard(context: &Context, plan: &Plan) -> bool {
    let dfg = &context.func.dfg;
    let blocks = context.func.layout.blocks();
    let parameters: usize = blocks.map(|block| dfg.block_params(block).len()).sum();
    let slots = plan.blocks.len() * plan.stack.value_count();
    let live: usize = plan.blocks.iter().map(|block| block.live.any().len()).sum();
    // Each edge between blocks may become a block of its own.
    let covered = dfg.num_values() + 2 * (live + slots);
    covered.saturating_mul(parameters) / 2 > STEPS
}

/// The name that a relocation refers to; nothing for what this crate never
/// asks for.
fn external(context: &Context, reloc: &FinalizedMachReloc) -> Option<UserExternalName> {
    match &reloc.target {
        FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => {
            context.func.params.user_named_funcs().get(*name).cloned()
        }
        FinalizedRelocTarget::ExternalName(
            ExternalName::TestCase(_) | ExternalName::LibCall(_) | ExternalName::KnownSymbol(_),
        )
        | FinalizedRelocTarget::Func(_) => None,
    }
}

impl Compiled {
    /// The machine that the code is for.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }

    /// The code, not relocated.
    #[must_use]
    pub fn code(&self) -> &[u8] {
        &self.code
    }

    /// Whether the other is the same code, and refers to the same.
    #[must_use]
    pub fn is_same_code(&self, other: &Self) -> bool {
        let places =
            |compiled: &Self| compiled.functions.iter().map(|f| (f.offset, f.len)).collect::<Vec<_>>();
        self.target == other.target
            && self.code == other.code
            && self.relocations == other.relocations
            && places(self) == places(other)
    }

    /// The subprograms, by offset; without those that stand in the place of all
    /// their calls.
    #[must_use]
    pub fn functions(&self) -> &[Function] {
        &self.functions
    }

    /// What was kept beside the code.
    #[must_use]
    pub const fn listings(&self) -> &Listings {
        &self.listings
    }

    /// Gives the code a place and makes it executable.
    ///
    /// # Errors
    ///
    /// Where the code is for another machine, or the system gives no memory.
    pub fn publish(self) -> Result<Image, PublishError> {
        Image::new(self)
    }
}
