//! Some hundred generated programs through the verifier, containment and both
//! engines. `cargo run --release -p brolga-tests --bin generated -- 100000` does
//! the same with many.

use brolga_tests::contain::Contained;
use brolga_tests::coverage::Coverage;
use brolga_tests::examine::{self, Compared, Verdict, packets};
use brolga_tests::generate;
use brolga_tests::reduce::reduce;
use brolga_tests::world::{self, World};
use brolga_verifier::{Options, verify};

const PROGRAMS: u64 = 300;

fn examined(seeds: std::ops::Range<u64>, mutate: bool) -> u64 {
    let accepted = |seed: &u64| match examine::seed(*seed, mutate, None) {
        Ok(verdict) => matches!(verdict, Verdict::Accepted(_)),
        Err(failure) => panic!("{failure}"),
    };
    seeds.filter(accepted).count() as u64
}

#[test]
fn runs_stay_within_the_claims_and_engines_agree() {
    let accepted = examined(0..PROGRAMS, false);
    assert!(accepted * 100 >= PROGRAMS * 70, "only {accepted} of {PROGRAMS} were accepted");
}

#[test]
fn so_they_do_where_something_was_broken() {
    assert!(examined(0..PROGRAMS, true) > PROGRAMS / 10);
}

/// The check is not blind: under the claims of another program runs escape.
#[test]
fn foreign_claims_do_not_hold() {
    let options = Options { record_states: true, budget: 5_000, ..Options::default() };
    let accepted: Vec<_> = (0..40)
        .map(generate::from_seed)
        .filter_map(|p| Some((verify(world::program(&p), &options).ok()?, p)))
        .collect();
    let mut escapes = 0;
    for pair in accepted.windows(2) {
        let [(own, program), (other, _)] = pair else { unreachable!("windows of two") };
        let mut world = World::new(program);
        let contained = Contained::new(&own.verified, &world).expect("maps and helpers are there");
        world.reset(&packets(1)[0]);
        let claims = other.report.claims.as_ref().expect("recorded");
        escapes += u32::from(contained.run(&world, Some(claims)).is_err());
    }
    assert!(escapes >= 20, "only {escapes} escapes");
}

/// Programs are made in which each pass of the compiler finds something to do.
#[test]
fn every_pass_changes_something() {
    let mut coverage = Coverage::default();
    for seed in 0..400 {
        coverage.add(seed).expect("what is accepted is compiled");
        if coverage.unseen().is_empty() {
            return;
        }
    }
    panic!("{:?} change nothing", coverage.unseen());
}

/// Every way to compile gives what the interpreter gives, on inputs of all kinds.
#[test]
fn engines_agree_in_every_way() {
    let mut compared = Compared::default();
    for seed in 0..8 {
        match examine::engines(seed, 16).unwrap_or_else(|failure| panic!("{failure}")) {
            Verdict::Compared(of_one) => compared += of_one,
            other => assert!(matches!(other, Verdict::Rejected(_)), "{other:?}"),
        }
    }
    assert!(compared.inputs > 16 * 4, "{compared:?}");
    assert!(compared.codes < compared.compiled && compared.runs < compared.ways, "{compared:?}");
}

#[test]
fn the_reducer_keeps_what_fails_and_drops_the_rest() {
    let program = generate::from_seed(7);
    let divides = |p: &generate::Generated| p.code.to_string().contains("exit");
    let small = reduce(&program, &divides);
    assert!(divides(&small) && small.code.len() <= 2, "{}", small.code);
}
