//! Everything that is asked of one generated program: the verifier's verdict,
//! whether its runs stay within the claims, whether both engines agree, and what
//! the live kernel says of it.

mod engines;
mod error;
mod facts;
mod input;
mod oracle;

pub use engines::{Compared, engines};
pub use error::{Failure, Problem};
pub use input::Input;
pub use oracle::{for_kernel, request};

use crate::contain::Contained;
use crate::differ::Both;
use crate::generate::{self, Generated};
use crate::kernel::Kernel;
use crate::world::{self, World};
use arbitrary::Unstructured;
use brolga_core::facts::Region;
use brolga_core::helper::table::by_id;
use brolga_core::interp::Fault;
use brolga_core::{Callee, Imm64, Insn, LinkError, Pc};
use brolga_jit::{Passes, Tier};
use brolga_verifier::{Accepted, Cause, Options, Reject, Why, verify};

/// The most instructions walked of one program, unless the kernel is asked too,
/// whose bound is larger.
const BUDGET: u32 = 50_000;

/// The most instructions walked of a program whose states are recorded: time
/// and memory grow with the square.
const RECORDED: u32 = 5_000;

/// The kernel is asked of a program with `may_goto` where so many instructions are
/// walked for each that there is.
const MAY_GOTO: u32 = 12;

/// What to ask of a program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Questions {
    /// The live kernel, where it is to be asked too.
    pub kernel: Option<Kernel>,
    /// Whether the kernel only verifies the program, and does not run it: what
    /// both accept may still be what the kernel is wrong about.
    pub verdict_only: bool,
    /// Whether the two verdicts are compared and nothing else is asked, which is
    /// many times faster.
    pub only_verdicts: bool,
    /// Of how many walked instructions a program may be for the kernel to be asked
    /// only what its verdict is, and it has no loops that we make wider sooner. It
    /// takes a second or more for each million.
    pub most: Option<u32>,
    /// How to compile.
    pub jit: brolga_jit::Options,
    /// What lies in the maps, where they are not empty.
    pub input: Option<Input>,
}

/// The most instructions walked of it where every number is compared.
const EXACT: u32 = 20 * RECORDED;

/// What came of a program in which nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was accepted and run on so many packets.
    Accepted(usize),
    /// It was rejected, with these words.
    Rejected(String),
    /// It was accepted, and the engines were compared on it.
    Compared(Compared),
    /// The verifier has no rule for it: seen only where something was broken.
    Unsupported(String),
    /// It was accepted; the kernel came to no verdict: it ran out of patience, or
    /// into a bug of its own, with these words.
    KernelGaveUp(String),
    /// The kernel was not asked: it would have been walked for too long.
    NotAsked,
    /// It was accepted, and also where no number is made wider in the first rounds of a
    /// loop; the kernel makes one wider and rejects it, with these words.
    KernelWidens(String),
    /// It was accepted; the kernel walks a way that no run goes, and says so. Where
    /// states are compared exactly it is walked here too and rejected with the same
    /// words; without ways on which a number is two at once it is accepted then.
    Impossible(String),
}

/// The program of a seed on its packets.
///
/// # Errors
///
/// What is wrong, with the program.
pub fn seed(seed: u64, mutate: bool, kernel: Option<Kernel>) -> Result<Verdict, Box<Failure>> {
    let program = if mutate { mutated(seed) } else { generate::from_seed(seed) };
    let jit = ways_to_compile(seed);
    let questions = Questions { kernel, verdict_only: mutate, jit, ..Questions::default() };
    match examine(&program, &packets(seed), questions) {
        Ok(verdict) => Ok(verdict),
        // What was broken may be the number of a helper that the world has not.
        Err(Problem::Link(missing)) if mutate => Ok(Verdict::Unsupported(missing.to_string())),
        Err(problem) => Err(Box::new(Failure { program, problem, questions, seed })),
    }
}

/// Our verdict and the kernel's on the program of a seed; with `most`, see
/// [`Questions::most`].
///
/// # Errors
///
/// Where they differ, with the program.
pub fn verdicts(seed: u64, mutate: bool, kernel: Kernel, most: Option<u32>) -> Result<Verdict, Box<Failure>> {
    let program = if mutate { mutated(seed) } else { generate::from_seed(seed) };
    let questions = Questions { kernel: Some(kernel), only_verdicts: true, most, ..Questions::default() };
    match examine(&program, &[], questions) {
        Err(Problem::UnsafeAccept { words }) => match proof(&program, &words) {
            Some(Proof::NothingWider) => Ok(Verdict::KernelWidens(words)),
            Some(Proof::PossibleWays) => Ok(Verdict::Impossible(words)),
            None => {
                let problem = Problem::UnsafeAccept { words };
                Err(Box::new(Failure { program, problem, questions, seed }))
            }
        },
        verdict => verdict.map_err(|problem| Box::new(Failure { program, problem, questions, seed })),
    }
}

/// How a program is proven safe that the kernel rejects.
enum Proof {
    /// With each round walked, every number compared, and none made wider before the
    /// rounds are many.
    NothingWider,
    /// The same way, but not walking ways that no run goes; with these it is rejected,
    /// in the kernel's words.
    PossibleWays,
}

/// Proves a program that the kernel rejects with these words another way than it was
/// accepted, where that can be; no run then leaves what is claimed.
fn proof(program: &Generated, words: &str) -> Option<Proof> {
    let all = Options { record_states: true, summaries: false, budget: EXACT, ..Options::default() };
    match verify(world::program(program), &all) {
        Ok(exact) if is_widened(program) => is_contained(&exact, program).then_some(Proof::NothingWider),
        Ok(_) => None,
        Err(failure) => {
            let possible = Options { impossible_ways: false, ..all };
            let exact = verify(world::program(program), &possible).ok()?;
            let is_proof = failure.to_string() == words && is_contained(&exact, program);
            is_proof.then_some(Proof::PossibleWays)
        }
    }
}

/// Whether no run leaves what is claimed.
fn is_contained(exact: &Accepted, program: &Generated) -> bool {
    let mut world = World::new(program);
    // Of a longer walk no run is watched.
    let is_watched = exact.report.insns_processed <= RECORDED;
    is_watched
        && exact.report.claims.is_some()
        && contain_all(exact, program, &mut world, &packets(0)).is_ok()
}

/// Whether the runs of the program of a seed stay within the claims, and nothing
/// else.
///
/// # Errors
///
/// What is wrong, with the program.
pub fn contained(seed: u64) -> Result<Verdict, Box<Failure>> {
    let program = generate::from_seed(seed);
    let verdict = verify(world::program(&program), &Options { budget: BUDGET, ..Options::default() });
    let outcome = match verdict {
        Ok(accepted) => within_claims(&accepted, &program, &packets(seed)),
        Err(failure) => not_accepted(failure.cause, None),
    };
    let questions = Questions::default();
    outcome.map_err(|problem| Box::new(Failure { program, problem, questions, seed }))
}

fn within_claims(accepted: &Accepted, program: &Generated, packets: &[Vec<u8>]) -> Result<Verdict, Problem> {
    let mut world = World::new(program);
    let is_watched = accepted.report.insns_processed <= RECORDED;
    contain_all(accepted, program, &mut world, packets)?;
    Ok(Verdict::Accepted(if is_watched { packets.len() } else { 0 }))
}

/// The program of a seed with something broken in it.
#[must_use]
pub fn mutated(seed: u64) -> Generated {
    let program = generate::from_seed(seed);
    let bytes = generate::bytes(!seed, 64);
    match generate::mutate(&program.code, &mut Unstructured::new(&bytes)) {
        Ok(Ok(code)) => Generated { code, ..program },
        Ok(Err(_)) | Err(_) => program,
    }
}

/// Mostly the default; else the quick tier, or some of the passes.
fn ways_to_compile(seed: u64) -> brolga_jit::Options {
    let default = brolga_jit::Options::default();
    match seed % 4 {
        0 => brolga_jit::Options { tier: Tier::Quick, ..default },
        1 => brolga_jit::Options { passes: Passes::from_bits_truncate((seed / 4) as u32), ..default },
        _ => default,
    }
}

/// Packets for the program of a seed: of random bytes, of edges, and one that
/// is too short for it.
#[must_use]
pub fn packets(seed: u64) -> Vec<Vec<u8>> {
    let random = |salt: u64, len| generate::bytes(seed.wrapping_add(salt << 40), len);
    let edges = |salt: u64| random(salt, 8).into_iter().flat_map(|b| edge(b).to_le_bytes()).collect();
    vec![random(1, 64), edges(2), random(3, 32), edges(4), vec![0; 64], random(5, 20)]
}

/// One of the numbers at which arithmetic turns over.
fn edge(choice: u8) -> u64 {
    const EDGES: [u64; 8] =
        [0, 1, u64::MAX, 1 << 31, 1 << 63, (1 << 31) - 1, 0xffff_ffff, 0x8000_0000_8000_0000];
    EDGES[usize::from(choice) % EDGES.len()]
}

/// Asks everything of a program.
///
/// # Errors
///
/// The first thing that is wrong.
pub fn examine(program: &Generated, packets: &[Vec<u8>], questions: Questions) -> Result<Verdict, Problem> {
    let budget = if questions.kernel.is_some() { Options::BUDGET } else { BUDGET };
    if questions.most.is_some_and(|most| is_longer(program, most)) {
        return Ok(Verdict::NotAsked);
    }
    let verdict = verify(world::program(program), &Options { budget, ..Options::default() });
    let kernel = questions.kernel.map(|kernel| oracle::ask(kernel, program)).transpose()?;
    let accepted = match verdict {
        Ok(accepted) => accepted,
        Err(failure) => return not_accepted(failure.cause, kernel.as_ref()),
    };
    let gave_up = kernel.as_ref().map_or(Ok(None), oracle::Said::must_accept)?;
    let settled = gave_up.map_or(Verdict::Accepted(packets.len()), Verdict::KernelGaveUp);
    if questions.only_verdicts {
        return Ok(settled);
    }
    has_memory(&accepted)?;
    let mut runs = run_all(accepted, program, packets, questions)?;
    if let Some(said) = kernel.filter(|_| !questions.verdict_only) {
        said.must_run_as(packets, &mut runs)?;
    }
    Ok(settled)
}

/// What to say of a program that was not accepted: nothing is wrong where the
/// kernel does not accept it either.
fn not_accepted(cause: Cause, kernel: Option<&oracle::Said>) -> Result<Verdict, Problem> {
    match cause {
        Cause::Reject(reject) if kernel.is_some_and(oracle::Said::accepted) => {
            Err(Problem::FalseReject { words: reject.to_string() })
        }
        Cause::Reject(reject) => Ok(Verdict::Rejected(reject.to_string())),
        Cause::Unsupported(unsupported) => Ok(Verdict::Unsupported(unsupported.to_string())),
        Cause::Bug(bug) => Err(bug.into()),
    }
}

/// That it reads nothing of the kernel's own structures, which this runtime has
/// not: it links no such program.
fn has_memory(accepted: &Accepted) -> Result<(), Problem> {
    let insns = &accepted.verified.facts().insns;
    match insns.iter().position(|insn| insn.region == Some(Region::Kernel)) {
        Some(at) => Err(LinkError::Unsupported { at: Pc(at as u32), what: "a kernel structure" }.into()),
        None => Ok(()),
    }
}

/// Every packet through containment and both engines; what the first run left,
/// where a kernel must leave the same.
fn run_all(
    accepted: Accepted,
    program: &Generated,
    packets: &[Vec<u8>],
    questions: Questions,
) -> Result<oracle::First, Problem> {
    let mut world = World::new(program);
    if let Some(input) = questions.input {
        input.fill(&mut world);
    }
    let comparable = oracle::comparable(&accepted.verified);
    facts_agree(&accepted, program)?;
    let short = contain_all(&accepted, program, &mut world, packets)?;
    let both = Both::new(accepted.verified, &world, &[questions.jit])?;
    // One long run says as much as six.
    for packet in &packets[..if short { packets.len() } else { packets.len().min(1) }] {
        let agreement = both.run(&mut world, packet);
        agreement.map_err(|difference| Problem::Differs { difference, packet: packet.clone() })?;
    }
    Ok(packets.first().filter(|_| comparable).map(|packet| both.interpret(&mut world, packet)))
}

/// Every packet through the checked interpreter; whether all runs came to their
/// end within the steps that are watched. A program that takes the verifier long
/// is not watched.
fn contain_all(
    accepted: &Accepted,
    program: &Generated,
    world: &mut World,
    packets: &[Vec<u8>],
) -> Result<bool, Problem> {
    if accepted.report.insns_processed > RECORDED {
        return Ok(false);
    }
    let options = Options { record_states: true, budget: EXACT, ..Options::default() };
    let recorded = match verify(world::program(program), &options) {
        Ok(recorded) => Some(recorded),
        Err(failure) if is_of_the_walk(&failure.cause) || is_widened(program) => None,
        Err(failure) => return Err(Problem::Recorded { words: failure.to_string() }),
    };
    let claims = recorded.as_ref().map(|r| r.report.claims.as_ref().ok_or(Problem::NoClaims)).transpose()?;
    let contained = Contained::new(&accepted.verified, world)?;
    let mut short = true;
    for packet in packets {
        world.reset(packet);
        match contained.run(world, claims) {
            Ok(_) => {}
            Err(Fault::Budget { .. }) => short = false,
            Err(fault) => return Err(Problem::Escapes { fault, packet: packet.clone() }),
        }
    }
    Ok(short)
}

/// Whether a loop's numbers may be made wider between its rounds, as the kernel does
/// at `may_goto`, with iterators and callbacks: which are, depends on what was walked
/// and concluded before, and that is more where all numbers are compared.
fn is_widened(program: &Generated) -> bool {
    let runs_callback = |id: i32| by_id(id).is_some_and(|proto| proto.callback.is_some());
    let mut insns = program.code.iter().map(|(_, insn)| insn);
    insns.any(|insn| {
        matches!(insn, Insn::MayGoto { .. } | Insn::Call(Callee::Kfunc { .. }))
            || matches!(insn, Insn::Call(Callee::Helper(id)) if runs_callback(*id))
    })
}

/// Whether helpers run callbacks in it, between whose rounds numbers are made wider too.
fn calls_back(program: &Generated) -> bool {
    program.code.iter().any(|(_, insn)| matches!(insn, Insn::LoadImm64 { imm: Imm64::Func(_), .. }))
}

/// Whether more instructions than that are walked where each round of every loop is,
/// as the kernel does; where rounds of a `may_goto` are counted, many times those there
/// are: it walks a million then, and we do not.
fn is_longer(program: &Generated, most: u32) -> bool {
    let counted = program.code.iter().any(|(_, insn)| matches!(insn, Insn::MayGoto { .. }));
    let most = if counted { most.min(MAY_GOTO * program.code.len() as u32) } else { most };
    let options = Options { budget: most, summaries: false, ..Options::default() };
    let verdict = verify(world::program(program), &options);
    let is_budget = |cause| matches!(cause, Cause::Reject(Reject { why: Why::Budget(_), .. }));
    verdict.is_err_and(|failure| is_budget(failure.cause))
}

/// Whether the walk was given up, which is longer where numbers that do not
/// matter are compared; or came to where a part of a spilled pointer is read. That
/// harms no one, and a walk need not come there: what was walked with any bytes in
/// the slot is not walked again with a pointer, as in the kernel.
const fn is_of_the_walk(cause: &Cause) -> bool {
    match cause {
        Cause::Reject(reject) => {
            matches!(reject.why, Why::Budget(_) | Why::Memory(_) | Why::TooManyJumps(_) | Why::FillSize)
        }
        Cause::Unsupported(_) | Cause::Bug(_) => false,
    }
}

/// That nothing is proven of the instructions that is not where each round of every
/// loop is walked; and that what is proven then is also where every number is
/// compared, and so more is walked: but where that makes numbers wider between
/// rounds, and ways are walked that none need be. Not asked of what takes the verifier
/// long; that all of it holds in runs is asked of every program ([`contain_all`]).
fn facts_agree(accepted: &Accepted, program: &Generated) -> Result<(), Problem> {
    if accepted.report.insns_processed > RECORDED {
        return Ok(());
    }
    let by_rounds = |record_states| {
        let options = Options { record_states, budget: EXACT, summaries: false, ..Options::default() };
        verify(world::program(program), &options)
    };
    let (Ok(rounds), Ok(exact)) = (by_rounds(false), by_rounds(true)) else { return Ok(()) };
    if !is_widened(program) && !calls_back(program) {
        same_facts(&rounds, &exact)?;
    }
    let (said, known) = (accepted.verified.facts(), rounds.verified.facts());
    match said.insns.iter().zip(&known.insns).position(|(said, known)| !facts::follows(said, known)) {
        Some(at) => Err(Problem::Unfounded { at: Pc(at as u32) }),
        None => Ok(()),
    }
}

/// That the same was proven of the instructions.
fn same_facts(accepted: &Accepted, recorded: &Accepted) -> Result<(), Problem> {
    let (one, other) = (accepted.verified.facts(), recorded.verified.facts());
    match one.insns.iter().zip(&other.insns).position(|(a, b)| a != b) {
        Some(at) => Err(Problem::Facts { at: Pc(at as u32) }),
        None => Ok(()),
    }
}
