//! The engines on one program, compiled in every way there is, and on many inputs.

use super::error::{Failure, Problem};
use super::input::Input;
use super::{BUDGET, Questions, RECORDED, Verdict, not_accepted};
use crate::contain::Steps;
use crate::differ::{Agreement, Both, ways};
use crate::generate::{self, Generated};
use crate::world::{self, World};
use brolga_core::Insn;
use brolga_verifier::{Options, verify};
use std::ops::AddAssign;

/// A run of more steps is long: one such is compared of a program.
const LONG: u64 = 20_000;

/// How many runs of a program may depend on where its stack lies; then no more are
/// tried.
const SHOWN: u64 = 4;

/// What was compared of a program, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// The inputs on which the interpreter and all codes left the same.
    pub inputs: u64,
    /// The ways to compile that these were compared in: inputs times ways.
    pub ways: u64,
    /// The same with ways that make the same code counted as one: runs of compiled
    /// code.
    pub runs: u64,
    /// The codes that were made: by ways.
    pub compiled: u64,
    /// How many of them are different.
    pub codes: u64,
    /// How many of the inputs are those of a long run: of a program at most one.
    pub long: u64,
    /// Inputs on which a run is long too, which were left out.
    pub left_out: u64,
    /// Inputs on which a run depends on where its stack lies: nothing is compared.
    pub shown: u64,
}

impl AddAssign for Compared {
    fn add_assign(&mut self, other: Self) {
        self.inputs += other.inputs;
        self.ways += other.ways;
        self.runs += other.runs;
        self.compiled += other.compiled;
        self.codes += other.codes;
        self.long += other.long;
        self.left_out += other.left_out;
        self.shown += other.shown;
    }
}

/// The program of a seed on so many inputs, on the interpreter and compiled in
/// every way of [`ways`]; nothing else is asked. Every other seed's program has
/// idioms: [`generate::with_idioms`].
///
/// # Errors
///
/// What is wrong, with the program.
pub fn engines(seed: u64, inputs: u64) -> Result<Verdict, Box<Failure>> {
    let program =
        if seed.is_multiple_of(2) { generate::from_seed(seed) } else { generate::with_idioms(seed) };
    compare(&program, seed, inputs).map_err(|(problem, input)| {
        let mut questions = Questions { input, ..Questions::default() };
        if let Problem::Differs { difference, .. } = &problem {
            questions.jit = difference.options;
        }
        Box::new(Failure { program, problem, questions, seed })
    })
}

type Wrong = (Problem, Option<Input>);

fn compare(program: &Generated, seed: u64, inputs: u64) -> Result<Verdict, Wrong> {
    let verdict = verify(world::program(program), &Options { budget: BUDGET, ..Options::default() });
    let accepted = match verdict {
        Ok(accepted) => accepted,
        Err(failure) => return not_accepted(failure.cause, None).map_err(|problem| (problem, None)),
    };
    // What takes the verifier long runs long, and says no more for it.
    let inputs = if accepted.report.insns_processed > RECORDED { inputs.min(1) } else { inputs };
    let mut world = World::new(program);
    let unbounded = program.code.iter().any(|(_, insn)| matches!(insn, Insn::MayGoto { .. }));
    let steps = unbounded.then(|| Steps::new(&accepted.verified, &world)).transpose();
    let steps = steps.map_err(|error| (error.into(), None))?;
    let ways = ways();
    let both = Both::new(accepted.verified, &world, &ways).map_err(|error| (error.into(), None))?;
    let mut compared = Compared::default();
    for number in 0..inputs {
        compare_on(&both, steps.as_ref(), &mut world, Input { seed, number }, &mut compared)?;
        if compared.shown == SHOWN {
            break;
        }
    }
    let (codes, compiled) = (both.codes() as u64, ways.len() as u64);
    let (ways, runs) = (compared.inputs * compiled, compared.inputs * codes);
    Ok(Verdict::Compared(Compared { ways, runs, compiled, codes, ..compared }))
}

fn compare_on(
    both: &Both,
    steps: Option<&Steps>,
    world: &mut World,
    input: Input,
    compared: &mut Compared,
) -> Result<(), Wrong> {
    let packet = input.packet();
    input.fill(world);
    world.reset(&packet);
    let is_long = steps.is_some_and(|steps| !steps.end_within(world, LONG));
    if is_long && compared.long > 0 {
        compared.left_out += 1;
        return Ok(());
    }
    match both.run(world, &packet) {
        Ok(Agreement::Same) => {
            compared.inputs += 1;
            compared.long += u64::from(is_long);
        }
        Ok(Agreement::ShowsItsStack) => compared.shown += 1,
        Err(difference) => return Err((Problem::Differs { difference, packet }, Some(input))),
    }
    Ok(())
}
