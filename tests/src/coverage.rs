//! Which passes of the JIT change anything of generated programs.

use crate::differ::BuildError;
use crate::generate;
use crate::world::{self, World};
use brolga_core::Linked;
use brolga_jit::{Compiled, Options, Passes, compile};
use brolga_verifier::verify;

/// The passes that made no other code so far.
#[derive(Clone, Debug)]
pub struct Coverage {
    unseen: Passes,
}

impl Default for Coverage {
    fn default() -> Self {
        Self { unseen: Passes::all() }
    }
}

impl Coverage {
    /// Those passes.
    #[must_use]
    pub const fn unseen(&self) -> Passes {
        self.unseen
    }

    /// Compiles the program of a seed, of those with idioms, with all passes and
    /// without each that made no other code so far, where the verifier accepts it.
    ///
    /// # Errors
    ///
    /// A [`BuildError`].
    pub fn add(&mut self, seed: u64) -> Result<(), BuildError> {
        let program = generate::with_idioms(seed);
        let limits = brolga_verifier::Options { budget: 5_000, ..Default::default() };
        let Ok(accepted) = verify(world::program(&program), &limits) else { return Ok(()) };
        let world = World::new(&program);
        let linked = world.linked(|links| accepted.verified.link(links))?;
        let best = code(&linked, Passes::all())?;
        for pass in self.unseen.iter() {
            let without = code(&linked, Passes::all().difference(pass))?;
            self.unseen.set(pass, best.is_same_code(&without));
        }
        Ok(())
    }
}

fn code(linked: &Linked, passes: Passes) -> Result<Compiled, BuildError> {
    Ok(compile(linked, &Options { passes, check_ir: false, ..Options::default() })?)
}
