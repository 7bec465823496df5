//! Containment: no run of an accepted program leaves what the verifier claimed.
//!
//! A program is verified with its states recorded, then run in the checked
//! interpreter, which believes nothing: before each step the machine must lie in
//! a claimed state, and every access in the program's memory. What was proven of the
//! instruction must hold, too.

#![expect(unsafe_code, reason = "runs programs in a world of their own")]

mod founded;

use crate::world::World;
use brolga_core::interp::{self, Fault, Machine, Observer};
use brolga_core::link::RunState;
use brolga_core::{Code, Executable, Facts, LinkError, MapIdx, Pc, Reg, Verified};
use brolga_verifier::Claims;
use brolga_verifier::claims::{Bounds, MachineView};
use brolga_verifier::state::value::MapRef;
use std::collections::HashMap;
use std::error::Error;

/// How many steps of a run are watched: more than a generated program takes that
/// does not loop by `may_goto`.
const STEPS: u64 = 200_000;

/// A program ready to be run step by step against its claims, and what was proven
/// of it.
#[derive(Debug)]
pub struct Contained<'a> {
    exec: Executable,
    code: &'a Code,
    facts: &'a Facts,
}

impl<'a> Contained<'a> {
    /// Resolves a program to a world; nothing is believed of it.
    ///
    /// # Errors
    ///
    /// Where it refers to what the world has not.
    pub fn new(verified: &'a Verified, world: &World) -> Result<Self, LinkError> {
        let program = verified.program();
        let exec = world.linked(|links| Executable::unverified(program.clone(), links))?;
        Ok(Self { exec, code: &program.code, facts: verified.facts() })
    }

    /// Runs it in the world that it was resolved to; r0. Without claims it is only
    /// tested against what was proven, and every access is checked.
    ///
    /// # Errors
    ///
    /// Where the machine leaves the claims or what was proven, or the program its
    /// memory; and [`Fault::Budget`] where the run goes on longer than it is watched.
    pub fn run(&self, world: &World, claims: Option<&Claims>) -> Result<u64, Fault> {
        let &Self { code, facts, .. } = self;
        self.watched(world, &mut Watch { world, code, facts, claims, likely: HashMap::new() })
    }

    fn watched(&self, world: &World, watch: &mut dyn Observer) -> Result<u64, Fault> {
        let state = &mut RunState::default();
        // SAFETY: the context is the world's real one, and the world allows
        // only its own packet and values, which it keeps for the call.
        unsafe { interp::checked(&self.exec, world.context(), 0, state, world, watch, STEPS) }
    }
}

/// A program ready to have its steps counted.
#[derive(Debug)]
pub struct Steps(Executable);

impl Steps {
    /// Resolves a program to a world.
    ///
    /// # Errors
    ///
    /// Where it refers to what the world has not.
    pub fn new(verified: &Verified, world: &World) -> Result<Self, LinkError> {
        let program = verified.program();
        world.linked(|links| Executable::unverified(program.clone(), links)).map(Self)
    }

    /// Whether a run in the world that it was resolved to is of no more steps.
    #[must_use]
    pub fn end_within(&self, world: &World, steps: u64) -> bool {
        let state = &mut RunState::default();
        // SAFETY: as in `Contained::watched`.
        let run = unsafe { interp::checked(&self.0, world.context(), 0, state, world, &mut (), steps) };
        !matches!(run, Err(Fault::Budget { .. }))
    }
}

struct Watch<'a> {
    world: &'a World,
    code: &'a Code,
    facts: &'a Facts,
    claims: Option<&'a Claims>,
    /// The claim that held at each place when the run was there last.
    likely: HashMap<Pc, usize>,
}

impl Observer for Watch<'_> {
    fn before(&mut self, pc: Pc, machine: &Machine) -> Result<(), Box<dyn Error + Send + Sync>> {
        let view = View { world: self.world, machine };
        if let Some(claims) = self.claims {
            let likely = self.likely.entry(pc).or_default();
            *likely = claims.check_from(pc, &view, *likely)?;
        }
        Ok(founded::check(self.facts, self.code, pc, &view)?)
    }
}

/// The machine with its surroundings.
struct View<'a> {
    world: &'a World,
    machine: &'a Machine,
}

impl View<'_> {
    /// How many bytes a value of the map has.
    fn value_size(&self, map: MapIdx) -> u64 {
        self.world.maps().get(map.index()).map_or(0, |map| map.sizes().1.into())
    }
}

impl MachineView for View<'_> {
    fn regs(&self) -> &[u64; Reg::COUNT] {
        self.machine.regs()
    }

    fn frames(&self) -> usize {
        self.machine.depth()
    }

    fn fp(&self, frame: usize) -> u64 {
        self.machine.frame(frame).fp
    }

    fn stack(&self, frame: usize) -> &[u64; 64] {
        self.machine.frame(frame).stack
    }

    fn saved(&self, frame: usize) -> [u64; 4] {
        *self.machine.frame(frame).saved
    }

    fn resume(&self, frame: usize) -> Pc {
        self.machine.frame(frame).resume
    }

    fn ctx(&self) -> u64 {
        self.world.context()
    }

    fn memory(&self) -> Option<u64> {
        None
    }

    fn packet(&self) -> Option<Bounds> {
        let host = self.world.host();
        Some(Bounds { meta: host.data_meta, start: host.data, end: host.data_end })
    }

    fn map(&self, map: MapRef) -> Option<u64> {
        self.world.maps().get(map.idx.index()).map(|m| m.handle())
    }

    fn values(&self, map: MapRef) -> Vec<u64> {
        self.world.maps().get(map.idx.index()).map_or(Vec::new(), |m| m.places().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{Contained, World};
    use crate::{examine, generate, world};
    use brolga_core::facts::{Facts, InsnFacts, Ways};
    use brolga_verifier::{Options, verify};

    /// In how many programs a run does not keep to the facts with each row changed.
    fn broken(change: impl Fn(&mut InsnFacts)) -> usize {
        let breaks = |seed| {
            let program = generate::from_seed(seed);
            let Ok(accepted) = verify(world::program(&program), &Options::default()) else { return false };
            let mut facts: Facts = accepted.verified.facts().clone();
            facts.insns.iter_mut().for_each(&change);
            let mut world = World::new(&program);
            world.reset(&examine::packets(seed)[0]);
            let contained = Contained::new(&accepted.verified, &world).expect("maps and helpers are there");
            Contained { facts: &facts, ..contained }.run(&world, None).is_err()
        };
        (0..20).filter(|seed| breaks(*seed)).count()
    }

    /// The test of facts is not blind.
    #[test]
    fn other_facts_do_not_hold() {
        assert_eq!(broken(|_| {}), 0);
        assert!(broken(|row| row.reached = false) > 10);
        assert!(broken(|row| row.ways = Ways::default()) > 10);
        assert!(broken(|row| row.region = None) > 10);
    }
}
