//! Which passes of the JIT change anything of a generated program.

use crate::differ::BuildError;
use crate::generate;
use crate::world::{self, World};
use brolga_core::Linked;
use brolga_jit::{Compiled, Options, Passes, compile};
use brolga_verifier::verify;

/// How often each pass made other code, by the bit of the pass.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    /// How many programs were compiled.
    pub programs: u64,
    counts: [u64; u32::BITS as usize],
}

impl Coverage {
    /// Compiles the program of a seed with all passes and without each, where the
    /// verifier accepts it.
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
        self.programs += 1;
        for pass in changing(&linked)?.iter() {
            self.counts[pass.bits().trailing_zeros() as usize] += 1;
        }
        Ok(())
    }

    /// The passes with the number of programs that each made other code of.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Passes::all()
            .iter_names()
            .map(|(name, pass)| (name, self.counts[pass.bits().trailing_zeros() as usize]))
    }
}

/// The passes without which a program's code is another.
fn changing(linked: &Linked) -> Result<Passes, BuildError> {
    let code = |passes| {
        let options = Options { passes, check_ir: false, ..Options::default() };
        compile(linked, &options).map(|compiled: Compiled| compiled.code().to_vec())
    };
    let best = code(Passes::all())?;
    let mut changing = Passes::empty();
    for pass in Passes::all().iter() {
        changing.set(pass, code(Passes::all().difference(pass))? != best);
    }
    Ok(changing)
}
