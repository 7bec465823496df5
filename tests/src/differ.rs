//! Both engines on one program, compiled in one way or many: the same result,
//! packet and maps.

#![expect(unsafe_code, reason = "runs verified programs in a world of their own")]

use crate::world::{Outcome, World};
use brolga_core::link::RunState;
use brolga_core::{LinkError, Linked, Verified, interp};
use brolga_jit::{CompileError, Compiled, Image, Options, Passes, PublishError, Tier, compile};
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

/// What came of a run in which no difference was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// All left the same.
    Same,
    /// What it leaves depends on where its stack lies, as it may where a program
    /// looks at a pointer as a number: nothing is compared.
    ShowsItsStack,
}

/// A program on both engines.
#[derive(Debug)]
pub struct Both {
    linked: Linked,
    /// Of ways that make the same code the first.
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
        let mut codes: Vec<(Options, Compiled)> = Vec::new();
        for way in ways {
            let code = compile(&linked, way)?;
            if !codes.iter().any(|(_, other)| other.is_same_code(&code)) {
                codes.push((*way, code));
            }
        }
        let image = |(way, code): (Options, Compiled)| Ok((way, code.publish()?));
        let images = codes.into_iter().map(image).collect::<Result<_, BuildError>>()?;
        Ok(Self { linked, images })
    }

    /// How many different codes there are.
    #[must_use]
    pub const fn codes(&self) -> usize {
        self.images.len()
    }

    /// Runs all of them on a packet, in the world that they were resolved to,
    /// made new before each. What is compared is the result, what the run wants run
    /// next, the packet with its bounds, and all memory of the maps.
    ///
    /// # Errors
    ///
    /// Where they differ.
    pub fn run(&self, world: &mut World, packet: &[u8]) -> Result<Agreement, Box<Difference>> {
        let interp = self.interpreted(world, packet);
        let mut jit = Vec::with_capacity(interp.len());
        for (options, image) in &self.images {
            world.reset(packet);
            let r0 = left(world, &mut jit, |context, state| {
                // SAFETY: as in `interpret`.
                unsafe { image.entry()(context, 0, state) }
            });
            if jit == interp {
                continue;
            }
            if self.shows_its_stack(world, packet, &interp) {
                return Ok(Agreement::ShowsItsStack);
            }
            // The other run left its own; it is run again to be shown.
            world.reset(packet);
            // SAFETY: as in `interpret`.
            unsafe { image.entry()(world.context(), 0, &mut RunState::default()) };
            let jit = world.outcome(r0);
            let interp = self.interpret(world, packet);
            return Err(Box::new(Difference { options: *options, interp, jit }));
        }
        Ok(Agreement::Same)
    }

    /// What the interpreter leaves.
    pub fn interpret(&self, world: &mut World, packet: &[u8]) -> Outcome {
        let words = self.interpreted(world, packet);
        world.outcome(words[0])
    }

    fn interpreted(&self, world: &mut World, packet: &[u8]) -> Vec<u64> {
        let mut words = Vec::new();
        world.reset(packet);
        left(world, &mut words, |context, state| {
            // SAFETY: the program is verified, its context is the world's real one,
            // and the world keeps packet and maps for the call.
            unsafe { interp::run(&self.linked, context, 0, state) }
        });
        words
    }

    /// Whether a run on another thread leaves something else.
    fn shows_its_stack(&self, world: &mut World, packet: &[u8], interp: &[u64]) -> bool {
        std::thread::scope(|scope| {
            let other = scope.spawn(|| self.interpreted(world, packet)).join();
            other.is_ok_and(|other| other != *interp)
        })
    }
}

/// Runs something in a world; all that it leaves, as words, and its result, which is
/// the first of them.
fn left(world: &World, words: &mut Vec<u64>, run: impl FnOnce(u64, &mut RunState) -> u64) -> u64 {
    let mut state = RunState::default();
    let r0 = run(world.context(), &mut state);
    world.write_words(r0, words);
    words.extend([state.tail_calls.into(), state.next]);
    r0
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

#[cfg(test)]
mod tests {
    use super::{Agreement, Both, ways};
    use crate::generate::{Generated, maps};
    use crate::world::{self, World};
    use brolga_core::asm::assemble;
    use brolga_verifier::{Options, verify};
    use std::collections::BTreeMap;

    fn program(text: &str) -> Generated {
        let code = assemble(text).expect("it assembles");
        Generated { code, maps: maps(), funcs: BTreeMap::new(), frozen: None }
    }

    fn both(text: &str, world: &World) -> Both {
        let accepted = verify(world::program(&program(text)), &Options::default()).expect("accepted");
        Both::new(accepted.verified, world, &ways()[..1]).expect("compiled")
    }

    /// Whether compiled code of the second program leaves what the first does.
    fn agree(one: &str, other: &str) -> bool {
        let mut world = World::new(&program(one));
        let one = both(one, &world);
        let mixed = Both { images: both(other, &world).images, ..one };
        matches!(mixed.run(&mut world, &[7; 64]), Ok(Agreement::Same))
    }

    /// The comparison is not blind: neither to the result, a byte of the packet and
    /// where it starts, nor to the values and keys of maps, nor to rings.
    #[test]
    fn what_differs_is_seen() {
        let packet = "r2 = *(u32 *)(r1 + 0)\n r3 = *(u32 *)(r1 + 4)\n r4 = r2\n r4 += 64\n r0 = 1\n if r4 > r3 goto end\n";
        let key = "*(u32 *)(r10 - 4) = 3\n r2 = r10\n r2 += -4\n r1 = map[idx:1]\n";
        let programs = [
            "r0 = 1\n exit".to_string(),
            "r0 = 0x100000001 ll\n exit".to_string(),
            format!("{packet} *(u8 *)(r2 + 63) = 8\n end: exit"),
            "r2 = 4\n call 44\n r0 = 1\n exit".to_string(),
            "r1 = map[idx:2][0]+0\n *(u8 *)(r1 + 31) = 1\n r0 = 1\n exit".to_string(),
            format!("{key} r3 = map[idx:2][0]+0\n r4 = 0\n call 2\n r0 = 1\n exit"),
            format!(
                "{key} r2 = r10\n r2 += -4\n r3 = 4\n r4 = 0\n r1 = map[idx:5]\n call 130\n r0 = 1\n exit"
            ),
        ];
        for one in &programs {
            for other in &programs {
                assert_eq!(agree(one, other), one == other, "{one}\n against\n{other}");
            }
        }
    }
}
