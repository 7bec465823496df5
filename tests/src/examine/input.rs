//! What a program runs on: any number of packets, and of contents of its maps.

use super::edge;
use crate::generate;
use crate::world::World;

/// One of any number of inputs for the program of a seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// The program's.
    pub seed: u64,
    /// Which one.
    pub number: u64,
}

/// How many inputs there are for each whose packet has another length than most.
const LENGTHS: u64 = 16;

impl Input {
    fn words(self, salt: u64) -> impl FnMut() -> u64 {
        let mut random = generate::words(self.seed.wrapping_add((2 * self.number + salt + 6) << 40));
        // With edges and small numbers among them.
        move || {
            let (choice, word) = (random(), random());
            match choice % 4 {
                0 => edge(word as u8),
                1 => word % 16,
                _ => word,
            }
        }
    }

    /// Its packet: of random words, edges and small numbers; a few are too short for
    /// the program, or longer.
    #[must_use]
    pub fn packet(self) -> Vec<u8> {
        let mut word = self.words(0);
        let len = match self.number % LENGTHS {
            5 => word() % 64,
            11 => 64 + word() % 256,
            _ => 64,
        } as usize;
        (0..len.div_ceil(8)).flat_map(|_| word().to_le_bytes()).take(len).collect()
    }

    /// Has the maps of a world start with what this input has in them: nothing in
    /// every fourth.
    pub fn fill(self, world: &mut World) {
        let mut word = self.words(1);
        world.fill(&mut || if self.number.is_multiple_of(4) { 0 } else { word() });
    }
}
