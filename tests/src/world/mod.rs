//! Where generated programs run: a packet, a context and maps of their own.
//!
//! A [`World`] can be put back to what it was, so that two engines run a program
//! with the same addresses, and even pointers that a program shows must be the
//! same.

mod bodies;
mod helpers;
pub(crate) mod map;
mod ring;

use crate::generate::Generated;
use brolga_core::helper::ArgKind;
use brolga_core::interp::Memory;
use brolga_core::kfunc::Kfunc;
use brolga_core::link::{Links, MapLink};
use brolga_core::prog_type::host::XdpHost;
use brolga_core::prog_type::table;
use brolga_core::{Aux, MapIdx, MapInfo, Program};
use map::TestMap;
use std::cell::Cell;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

/// A packet, its context, and maps.
#[derive(Debug)]
pub struct World {
    maps: Box<[TestMap]>,
    /// Whether the last map never changes.
    frozen: bool,
    packet: Box<[AtomicU8]>,
    /// Helpers change it while a program runs.
    context: Box<Cell<XdpHost>>,
}

/// What a program may have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// All 64 bits of r0.
    pub r0: u64,
    /// The packet, as far as its end, from where it starts now.
    pub packet: Vec<u8>,
    /// Every map's keys and values.
    pub maps: Vec<Vec<(u32, Vec<u64>)>>,
}

impl World {
    /// Fresh maps for a program, and no packet yet.
    #[must_use]
    pub fn new(program: &Generated) -> Self {
        let frozen = program.frozen.as_ref().map(<[u64; _]>::as_slice);
        let last = program.maps.len().wrapping_sub(1);
        let map = |(i, def)| TestMap::new(def, frozen.filter(|_| i == last));
        let maps = program.maps.iter().enumerate().map(map).collect();
        Self { maps, frozen: program.frozen.is_some(), packet: Box::default(), context: Box::default() }
    }

    /// Makes everything new, with this packet, in the same memory where the
    /// packet is as long as the one before.
    pub fn reset(&mut self, packet: &[u8]) {
        self.maps.iter().for_each(TestMap::reset);
        if self.packet.len() == packet.len() {
            self.packet.iter().zip(packet).for_each(|(cell, byte)| cell.store(*byte, Relaxed));
        } else {
            self.packet = packet.iter().copied().map(AtomicU8::new).collect();
        }
        let start = self.packet.as_ptr().expose_provenance() as u64;
        let end = start + packet.len() as u64;
        self.context.set(XdpHost {
            data: start,
            data_meta: start,
            data_end: end,
            data_hard_start: start,
            data_hard_end: end,
            ..XdpHost::default()
        });
    }

    /// Has every run from now on start with other values in the maps that may change.
    pub fn fill(&mut self, word: &mut dyn FnMut() -> u64) {
        let changing = self.maps.len() - usize::from(self.frozen);
        self.maps[..changing].iter_mut().for_each(|map| map.fill(word));
    }

    /// What r1 is.
    #[must_use]
    pub fn context(&self) -> u64 {
        self.context.as_ptr().expose_provenance() as u64
    }

    /// Where the packet lies.
    #[must_use]
    pub const fn host(&self) -> XdpHost {
        self.context.get()
    }

    pub(crate) fn maps(&self) -> &[TestMap] {
        &self.maps
    }

    /// What is there after a run that gave `r0`.
    #[must_use]
    pub fn outcome(&self, r0: u64) -> Outcome {
        let start = self.packet.as_ptr().expose_provenance() as u64;
        let XdpHost { data, data_end, .. } = self.host();
        let bytes = &self.packet[(data - start) as usize..(data_end - start) as usize];
        let packet = bytes.iter().map(|cell| cell.load(Relaxed)).collect();
        Outcome { r0, packet, maps: self.maps.iter().map(TestMap::contents).collect() }
    }

    /// All that a run left that gave `r0`, as words, into `out`: where they are the
    /// same, so is [`World::outcome`], which costs more.
    pub fn write_words(&self, r0: u64, out: &mut Vec<u64>) {
        let XdpHost { data, data_meta, data_end, .. } = self.host();
        out.clear();
        out.extend([r0, data, data_meta, data_end]);
        let (words, rest) = self.packet.as_chunks();
        let word =
            |bytes: &[AtomicU8; 8]| u64::from_le_bytes(std::array::from_fn(|i| bytes[i].load(Relaxed)));
        out.extend(words.iter().map(word));
        out.extend(rest.iter().map(|byte| u64::from(byte.load(Relaxed))));
        self.maps.iter().for_each(|map| map.write_words(out));
    }

    /// Calls `with` with what resolves a program's references to this world.
    pub(crate) fn linked<T>(&self, with: impl FnOnce(&Links<'_>) -> T) -> T {
        let maps: Vec<MapLink> = self.maps.iter().map(TestMap::link).collect();
        with(&Links { helper: &helpers::body, maps: &maps, hooks: helpers::hooks() })
    }
}

impl Memory for World {
    fn allows(&self, addr: u64, len: u64, _write: bool) -> bool {
        let XdpHost { data, data_end, .. } = self.host();
        let in_packet = addr >= data && addr <= data_end && len <= data_end - addr;
        in_packet || self.maps.iter().any(|m| m.holds(addr, len))
    }

    fn lends(&self, kind: ArgKind, addr: u64) -> bool {
        self.maps.iter().any(|m| m.lends(kind, addr))
    }

    fn map(&self, handle: u64) -> Option<(u32, u32)> {
        self.maps.iter().find(|m| m.handle() == handle).map(TestMap::sizes)
    }
}

/// A generated program as the verifier takes it: XDP, under the GPL. It names a
/// kernel function by its place among those that are known, from 1.
#[must_use]
pub fn program(generated: &Generated) -> Program {
    let xdp = table::by_name("xdp").expect("xdp is described");
    let mut maps: Vec<MapInfo> = generated.maps.iter().cloned().map(MapInfo::new).collect();
    if let (Some(constants), Some(frozen)) = (maps.last_mut(), generated.frozen) {
        constants.frozen = Some(frozen.into_iter().flat_map(u64::to_ne_bytes).collect());
    }
    let fd_array = (0..maps.len() as u32).map(MapIdx).collect();
    let func_info = generated.funcs.clone();
    let kfuncs = (1..).zip(Kfunc::all().map(|kfunc| kfunc.name().into())).collect();
    let processors = Some(map::processors());
    let aux = Aux { gpl_compatible: true, maps, fd_array, func_info, kfuncs, processors, ..Aux::new(xdp) };
    Program { code: generated.code.clone(), aux }
}
