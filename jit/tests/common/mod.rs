//! Programs with facts made by hand: what the verifier would say of them, or
//! less.

#![allow(dead_code, reason = "each test uses a part")]
#![expect(unsafe_code, reason = "facts vouched for by hand, and calls of machine code")]

use brolga_core::asm::assemble;
use brolga_core::facts::{Facts, InsnFacts, Region, Subprog, Ways};
use brolga_core::helper::Proto;
use brolga_core::insn::{Flow, Imm64};
use brolga_core::interp;
use brolga_core::link::{HelperBody, Hooks, Links, RunState};
use brolga_core::prog_type::{ProgramType, table};
use brolga_core::{Aux, Callee, Code, Insn, Linked, Pc, Program, Verified};
use brolga_jit::{Image, Options, Target, compile, compile_for};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A program to be.
pub(crate) struct Build {
    pub(crate) code: Code,
    pub(crate) prog_type: ProgramType,
    pub(crate) helpers: BTreeMap<i32, HelperBody>,
    pub(crate) hooks: Hooks,
    pub(crate) stack: u32,
    pub(crate) reads_uninit_stack: bool,
    pub(crate) regions: BTreeMap<Pc, Region>,
    pub(crate) nonzero: BTreeSet<Pc>,
    pub(crate) ways: BTreeMap<Pc, Ways>,
}

unsafe extern "C-unwind" fn no_packet(_: u64, _: i64, _: u64) -> i64 {
    -1
}

unsafe extern "C-unwind" fn no_target(_: *mut RunState, _: u64, _: u64) -> u64 {
    0
}

unsafe extern "C-unwind" fn no_run(_: *mut RunState, _: u64, _: u64) -> u64 {
    unreachable!("there is no target")
}

unsafe extern "C-unwind" fn processor(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

impl Build {
    pub(crate) fn new(code: Code) -> Self {
        let prog_type = (*table::by_name("raw").unwrap()).clone();
        let hooks = Hooks {
            load_packet: no_packet,
            tail_call: no_target,
            tail_run: no_run,
            next_elem: no_elem,
            processor,
            processors: 1,
        };
        Self {
            code,
            prog_type,
            helpers: BTreeMap::new(),
            hooks,
            stack: 512,
            reads_uninit_stack: false,
            regions: BTreeMap::new(),
            nonzero: BTreeSet::new(),
            ways: BTreeMap::new(),
        }
    }

    pub(crate) fn insns(insns: impl IntoIterator<Item = Insn>) -> Self {
        Self::new(Code::from_insns(insns).unwrap())
    }

    pub(crate) fn asm(text: &str) -> Self {
        Self::new(assemble(text).unwrap())
    }

    /// With a helper of this number that takes so many arguments.
    pub(crate) fn helper(mut self, id: i32, arity: usize, body: HelperBody) -> Self {
        let mut proto = Proto::new(id, "test_helper");
        proto.args[..arity].fill(brolga_core::helper::Arg::ANYTHING);
        self.prog_type.helpers.insert(id, Arc::new(proto));
        self.helpers.insert(id, body);
        self
    }

    /// With a helper of the kernel's that is no call of its body.
    pub(crate) fn kernel_helper(mut self, id: i32) -> Self {
        unsafe extern "C-unwind" fn never(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
            unreachable!("it is made something else")
        }
        let proto = brolga_core::helper::table::shared(id).unwrap().clone();
        self.prog_type.helpers.insert(id, proto);
        self.helpers.insert(id, HelperBody { func: never, env: None });
        self
    }

    pub(crate) fn link(self) -> Linked {
        let facts = self.facts();
        let program = Program { code: self.code, aux: Aux::new(Arc::new(self.prog_type)) };
        let helper = |id: i32| self.helpers.get(&id).copied();
        let links = Links { helper: &helper, maps: &[], hooks: self.hooks };
        // SAFETY: the tests' programs are safe, and the facts follow from their
        // flow alone.
        unsafe { Verified::assume(program, facts) }.link(&links).unwrap()
    }

    /// Everything that some way through the code reaches, and nothing else that
    /// is not said.
    fn facts(&self) -> Facts {
        let mut starts = BTreeSet::from([Pc::START]);
        let mut reached = BTreeSet::new();
        let mut work = vec![Pc::START];
        while let Some(pc) = work.pop() {
            if !reached.insert(pc) {
                continue;
            }
            let insn = self.code.at(pc).unwrap();
            if let Some(callee) = reference(pc, insn) {
                starts.insert(callee);
                work.push(callee);
            }
            let ways = self.ways_at(pc);
            let flow = insn.flow();
            work.extend(flow.target(pc).filter(|_| !matches!(flow, Flow::Branch(_)) || ways.taken));
            let on = flow.falls_through() && (!matches!(flow, Flow::Branch(_)) || ways.falls_through);
            work.extend(on.then(|| self.code.next(pc)));
        }
        let row = |pc: Pc| InsnFacts {
            reached: reached.contains(&pc),
            region: Some(self.regions.get(&pc).copied().unwrap_or(Region::Other)),
            ways: self.ways_at(pc),
            divisor_nonzero: self.nonzero.contains(&pc),
            map: None,
            callback: None,
        };
        let insns = (0..self.code.len()).map(|i| row(Pc(i as u32))).collect();
        Facts { insns, subprogs: self.subprogs(&starts) }
    }

    fn subprogs(&self, starts: &BTreeSet<Pc>) -> Vec<Subprog> {
        let ends = starts.iter().skip(1).copied().chain([self.code.end()]);
        let (stack, reads_uninit_stack) = (self.stack, self.reads_uninit_stack);
        let subprog = |start, end| Subprog { start, end, stack, reads_uninit_stack };
        starts.iter().zip(ends).map(|(&start, end)| subprog(start, end)).collect()
    }

    fn ways_at(&self, pc: Pc) -> Ways {
        self.ways.get(&pc).copied().unwrap_or(Ways { taken: true, falls_through: true })
    }
}

fn reference(pc: Pc, insn: &Insn) -> Option<Pc> {
    if let Insn::Call(Callee::Subprog(off)) | Insn::LoadImm64 { imm: Imm64::Func(off), .. } = *insn {
        pc.jump(off)
    } else {
        None
    }
}

/// A program in both engines.
pub(crate) struct Both {
    pub(crate) linked: Linked,
    pub(crate) image: Image,
}

impl Both {
    pub(crate) fn new(build: Build, options: &Options) -> Self {
        let linked = build.link();
        let image = compile(&linked, options).unwrap().publish().unwrap();
        Self { linked, image }
    }

    pub(crate) fn jit(&self, r1: u64, r2: u64) -> u64 {
        run(&self.image, r1, r2)
    }

    pub(crate) fn interp(&self, r1: u64, r2: u64) -> u64 {
        interpret(&self.linked, r1, r2)
    }
}

pub(crate) fn interpret(linked: &Linked, r1: u64, r2: u64) -> u64 {
    // SAFETY: the test passes what its program expects.
    unsafe { interp::run(linked, r1, r2, &mut RunState::default()) }
}

pub(crate) fn run(image: &Image, r1: u64, r2: u64) -> u64 {
    // SAFETY: the test passes what its program expects.
    unsafe { image.entry()(r1, r2, &mut RunState::default()) }
}

/// Whether this processor has the atomics that code for the target uses.
fn has_its_atomics(target: Target) -> bool {
    #[cfg(target_arch = "aarch64")]
    let has_lse = std::arch::is_aarch64_feature_detected!("lse");
    #[cfg(not(target_arch = "aarch64"))]
    let has_lse = false;
    has_lse || target != (Target::Aarch64 { lse: true })
}

/// Compiles for this machine, with the named targets of its kind too.
pub(crate) fn images(linked: &Linked, options: &Options) -> Vec<Image> {
    let named = Target::ALL.into_iter().filter(|target| target.is_host() && has_its_atomics(*target));
    let named = named.map(|target| compile_for(linked, options, target).unwrap());
    named.chain([compile(linked, options).unwrap()]).map(|c| c.publish().unwrap()).collect()
}

/// Numbers at which something changes.
pub(crate) const EDGES: [u64; 24] = [
    0,
    1,
    2,
    3,
    7,
    31,
    32,
    63,
    64,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0x8000,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x1234_5678_9abc_def0,
    i64::MAX as u64,
    i64::MIN as u64,
    u64::MAX - 1,
    u64::MAX,
];

/// Every pair of edges.
pub(crate) fn pairs() -> impl Iterator<Item = (u64, u64)> {
    EDGES.into_iter().flat_map(|a| EDGES.into_iter().map(move |b| (a, b)))
}

/// Every set of options that should make no difference.
pub(crate) fn variants() -> Vec<Options> {
    use brolga_jit::{Passes, Tier};
    let best = Options::default();
    let without = Passes::all().iter().map(|pass| Options { passes: Passes::all() - pass, ..best });
    let none = Options { passes: Passes::empty(), ..best };
    let quick = Options { tier: Tier::Quick, ..best };
    [best, none, quick].into_iter().chain(without).collect()
}

unsafe extern "C-unwind" fn no_elem(_: u64, _: *mut u64, _: *mut u8) -> u64 {
    0
}
