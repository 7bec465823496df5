//! Both engines on one program: the same result, packet and maps.

#![expect(unsafe_code, reason = "runs verified programs in a world of their own")]

use crate::world::{Outcome, World};
use brolga_core::link::RunState;
use brolga_core::{LinkError, Linked, Verified, interp};
use brolga_jit::{CompileError, Image, Options, PublishError, compile};
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
#[error("the interpreter gives {interp:x?}, compiled code {jit:x?}")]
pub struct Difference {
    /// What the interpreter left.
    pub interp: Outcome,
    /// What compiled code left.
    pub jit: Outcome,
}

/// A program on both engines.
#[derive(Debug)]
pub struct Both {
    linked: Linked,
    image: Image,
}

impl Both {
    /// Resolves a program to a world and compiles it.
    ///
    /// # Errors
    ///
    /// A [`BuildError`].
    pub fn new(verified: Verified, world: &World, options: &Options) -> Result<Self, BuildError> {
        let linked = world.linked(|links| verified.link(links))?;
        let image = compile(&linked, options)?.publish()?;
        Ok(Self { linked, image })
    }

    /// Runs both on a packet, in the world that they were resolved to, made new
    /// before each; what they agree on.
    ///
    /// # Errors
    ///
    /// Where they differ.
    pub fn run(&self, world: &mut World, packet: &[u8]) -> Result<Outcome, Box<Difference>> {
        world.reset(packet);
        // SAFETY: the program is verified, its context is the world's real one,
        // and the world keeps packet and maps for the call.
        let r0 = unsafe { interp::run(&self.linked, world.context(), 0, &mut RunState::default()) };
        let interp = world.outcome(r0);
        world.reset(packet);
        // SAFETY: as above.
        let r0 = unsafe { self.image.entry()(world.context(), 0, &mut RunState::default()) };
        let jit = world.outcome(r0);
        if interp == jit { Ok(jit) } else { Err(Box::new(Difference { interp, jit })) }
    }
}
