//! Both engines on one program, compiled in one way or many: the same result,
//! packet and maps.

#![expect(unsafe_code, reason = "runs verified programs in a world of their own")]

use crate::world::{Outcome, World};
use brolga_core::link::RunState;
use brolga_core::{LinkError, Linked, Verified, interp};
use brolga_jit::{CompileError, Image, Options, Passes, PublishError, Tier, compile};
use thiserror::Error;

/// Why a verified program can not be compared.
#[derive(Debug, Error)]
pub enum BuildError {
    /// It refers to what the world has not.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It was not compiled.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// Its code found no place.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

/// Where the engines differ.
#[derive(Debug, Error)]
#[error("the interpreter gives {interp:x?}, code compiled with {options:?} {jit:x?}")]
pub struct Difference {
    /// How the program was compiled.
    pub options: Options,
    /// What the interpreter left.
    pub interp: Outcome,
    /// What compiled code left.
    pub jit: Outcome,
}

/// A program on both engines.
#[derive(Debug)]
pub struct Both {
    linked: Linked,
    images: Vec<(Options, Image)>,
}

impl Both {
    /// Resolves a program to a world and compiles it in each of these ways.
    ///
    /// # Errors
    ///
    /// A [`BuildError`].
    pub fn new(verified: Verified, world: &World, ways: &[Options]) -> Result<Self, BuildError> {
        let linked = world.linked(|links| verified.link(links))?;
        let image = |options: &Options| Ok((*options, compile(&linked, options)?.publish()?));
        let images = ways.iter().map(image).collect::<Result<_, BuildError>>()?;
        Ok(Self { linked, images })
    }

    /// Runs all of them on a packet, in the world that they were resolved to,
    /// made new before each; what they agree on.
    ///
    /// # Errors
    ///
    /// Where they differ.
    pub fn run(&self, world: &mut World, packet: &[u8]) -> Result<Outcome, Box<Difference>> {
        let interp = self.interpret(world, packet);
        for (options, image) in &self.images {
            world.reset(packet);
            // SAFETY: as above.
            let r0 = unsafe { image.entry()(world.context(), 0, &mut RunState::default()) };
            let jit = world.outcome(r0);
            if interp != jit && !self.shows_its_stack(world, packet, &interp) {
                return Err(Box::new(Difference { options: *options, interp, jit }));
            }
        }
        Ok(interp)
    }

    fn interpret(&self, world: &mut World, packet: &[u8]) -> Outcome {
        world.reset(packet);
        // SAFETY: the program is verified, its context is the world's real one,
        // and the world keeps packet and maps for the call.
        let r0 = unsafe { interp::run(&self.linked, world.context(), 0, &mut RunState::default()) };
        world.outcome(r0)
    }

    /// Whether what a run leaves depends on where its stack lies, as it may where
    /// a program looks at a pointer as a number: a run on another thread then
    /// leaves something else.
    fn shows_its_stack(&self, world: &mut World, packet: &[u8], interp: &Outcome) -> bool {
        std::thread::scope(|scope| {
            let other = scope.spawn(|| self.interpret(world, packet)).join();
            other.is_ok_and(|other| other != *interp)
        })
    }
}

/// Every way to compile in which one thing is not as in another: with all
/// passes, without each one of them, and with none, in both tiers.
#[must_use]
pub fn ways() -> Vec<Options> {
    let without = Passes::all().iter().map(|pass| Passes::all().difference(pass));
    let passes: Vec<Passes> = [Passes::all()].into_iter().chain(without).chain([Passes::empty()]).collect();
    let options = |tier| {
        let options = move |passes| Options { tier, passes, check_ir: false, ..Options::default() };
        passes.clone().into_iter().map(options)
    };
    options(Tier::Best).chain(options(Tier::Quick)).collect()
}
