//! Tests of maps, from the host's side and from the programs' side.

mod create;
mod handle;
mod keyless;
#[cfg(target_os = "linux")]
mod live;
mod lru;
mod model;
mod nested;
mod percpu;
mod pool;
mod recycle;
mod ring;
mod stress;
mod trie;

use super::{Map, MapError, Update};
use brolga_core::{MapDef, MapFlags, MapKind};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A map that must be possible.
fn map(def: MapDef) -> Map {
    Map::create(def).expect("a map of this definition")
}

/// What a program sees at the address of a key's value.
fn program_reads(map: &Map, key: &[u8]) -> Option<Vec<u8>> {
    let value = map.0.storage().lookup(key)?;
    Some(bytes_at(value.as_ptr() as u64, map.def().value_size))
}

/// The bytes at the address of a live map's value, read as a program would.
#[expect(unsafe_code, reason = "programs read values by address")]
fn bytes_at(addr: u64, len: u32) -> Vec<u8> {
    let value = std::ptr::with_exposed_provenance_mut::<u8>(addr as usize);
    let byte = |at: u32| {
        // SAFETY: the caller's map is alive, and `at` is within its value.
        unsafe { AtomicU8::from_ptr(value.add(at as usize)).load(Relaxed) }
    };
    (0..len).map(byte).collect()
}

/// A small deterministic generator (xorshift64*).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }
}
