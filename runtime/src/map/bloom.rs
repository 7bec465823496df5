//! `BPF_MAP_TYPE_BLOOM_FILTER`: a set that may say of a value that it has it
//! although it has not, and never the reverse.

use super::storage::Storage;
use super::{MapError, Update, cells};
use brolga_core::{MapDef, MapFlags};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many hashes there are where nobody said.
const HASHES: u32 = 5;

/// Law: the bits of every value that was pushed are set.
pub(super) struct Bloom {
    /// A power of two of bits.
    bits: Box<[AtomicU64]>,
    hashes: u32,
    seed: super::hash::Seed,
    value_size: usize,
}

impl Bloom {
    /// Nothing in it.
    pub(super) fn create(def: &MapDef) -> Result<Self, MapError> {
        let hashes = match def.extra as u32 {
            0 => HASHES,
            hashes => hashes,
        };
        Ok(Self {
            bits: cells::zeroed(bits(def.max_entries, hashes) / 64)?,
            hashes,
            seed: super::hash::Seed::new(def.flags.contains(MapFlags::ZERO_SEED)),
            value_size: def.value_size as usize,
        })
    }

    /// The words of a value's bits, each with its bit.
    fn places(&self, value: &[u8]) -> impl Iterator<Item = (&AtomicU64, u64)> {
        let hash = self.seed.hash(value);
        // Two hashes make as many as are wanted (Kirsch and Mitzenmacher).
        let step = hash.rotate_left(32) | 1;
        let mask = self.bits.len() as u64 * 64 - 1;
        (0..u64::from(self.hashes)).map(move |nth| {
            let bit = hash.wrapping_add(nth.wrapping_mul(step)) & mask;
            (&self.bits[(bit / 64) as usize], 1 << (bit % 64))
        })
    }
}

/// How many bits the kernel takes for this many values: about what makes the
/// fewest errors.
fn bits(max_entries: u32, hashes: u32) -> u64 {
    let bits = u64::from(max_entries) * u64::from(hashes);
    let wanted = (bits <= u32::MAX.into()).then(|| bits / 5 * 7).filter(|bits| *bits <= 1 << 31);
    wanted.map_or(1 << 32, |bits| bits.max(64).next_power_of_two())
}

impl Storage for Bloom {
    fn host_value_size(&self) -> usize {
        self.value_size
    }

    /// Whether `value` may be in the set.
    fn read(&self, _: &[u8], value: &mut [u8]) -> bool {
        self.may_have(value)
    }

    fn write(&self, _: &[u8], value: &[u8], update: Update) -> Result<(), MapError> {
        self.push(value, update)
    }

    fn has_keys(&self) -> bool {
        false
    }

    /// Nobody counts.
    fn len(&self) -> usize {
        0
    }

    fn push(&self, value: &[u8], update: Update) -> Result<(), MapError> {
        if update != Update::Any {
            return Err(MapError::UpdateFlags(update as u64));
        }
        self.places(value).for_each(|(word, bit)| {
            word.fetch_or(bit, Relaxed);
        });
        Ok(())
    }

    fn may_have(&self, value: &[u8]) -> bool {
        self.places(value).all(|(word, bit)| word.load(Relaxed) & bit != 0)
    }
}
