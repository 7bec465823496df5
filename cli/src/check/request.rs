//! The form of requests.

use serde::Deserialize;

/// A program, and what to do with it.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) prog_type: String,
    #[serde(default)]
    pub(super) license: String,
    #[serde(default)]
    pub(super) expected_attach_type: u32,
    #[serde(default)]
    pub(super) flags: u32,
    /// In base16.
    pub(super) insns: String,
    #[serde(default)]
    pub(super) maps: Vec<Map>,
    #[serde(default)]
    pub(super) map_refs: Vec<MapRef>,
    #[serde(default)]
    pub(super) runs: Vec<Run>,
    #[serde(default = "both")]
    pub(super) engines: Vec<Engine>,
    #[serde(default)]
    pub(super) log: u8,
    #[serde(default)]
    pub(super) mem_size: u32,
    /// How many processors there are where it is to run; any number, where it is
    /// absent.
    #[serde(default)]
    pub(super) processors: Option<u32>,
}

fn both() -> Vec<Engine> {
    vec![Engine::Interp, Engine::Jit]
}

/// What runs a program.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Engine {
    Interp,
    Jit,
}

/// A map to create.
#[derive(Debug, Deserialize)]
pub(super) struct Map {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) key_size: u32,
    pub(super) value_size: u32,
    pub(super) max_entries: u32,
    #[serde(default)]
    pub(super) flags: u32,
    #[serde(default)]
    pub(super) frozen: bool,
    /// The value of element 0, in base16.
    #[serde(default)]
    pub(super) init: Option<String>,
    #[serde(default)]
    pub(super) inner: Option<Box<Map>>,
    #[serde(default)]
    pub(super) programs: Vec<Slot>,
    #[serde(default)]
    pub(super) spin_lock_off: Option<u32>,
    #[serde(default)]
    pub(super) timer_off: Option<u32>,
    #[serde(default)]
    pub(super) kptr_offs: Vec<u32>,
    /// Whether it is created with types (BTF) that say so.
    #[serde(default)]
    pub(super) btf: bool,
}

/// A program array's element.
#[derive(Debug, Deserialize)]
pub(super) struct Slot {
    pub(super) slot: u32,
    pub(super) insns: String,
    #[serde(default)]
    pub(super) map_refs: Vec<MapRef>,
}

/// Which map an instruction refers to.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct MapRef {
    /// The place of the 64-bit immediate load.
    pub(super) insn: usize,
    /// An index into the request's maps.
    pub(super) map: usize,
}

/// A run to make.
#[derive(Debug, Deserialize)]
pub(super) struct Run {
    /// The packet, or the memory, in base16.
    #[serde(default)]
    pub(super) data: String,
    /// How often native code runs, to measure it.
    #[serde(default)]
    pub(super) repeat: Option<u32>,
}
