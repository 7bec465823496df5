//! The types of a map's keys and values, for the kernel: it wants them where a
//! value has fields that it manages, and for every local storage.

use brolga_core::map::Special;
use brolga_core::{MapDef, MapKind};

/// What `BPF_BTF_LOAD` takes, and which of its types are the map's.
pub(super) struct Types {
    /// The bytes.
    pub(super) blob: Vec<u8>,
    /// The type of a key.
    pub(super) key: u32,
    /// The type of a value.
    pub(super) value: u32,
}

/// The kinds of types (`BTF_KIND_*`).
const INT: u32 = 1;
const ARRAY: u32 = 3;
const STRUCT: u32 = 4;

/// Whether the kernel makes the map only with its types.
pub(super) fn is_needed(def: &MapDef) -> bool {
    let storage = [MapKind::SkStorage, MapKind::InodeStorage, MapKind::TaskStorage, MapKind::CgrpStorage];
    def.special != Special::default() || storage.contains(&def.kind)
}

/// A blob in the making.
#[derive(Default)]
struct Blob {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Blob {
    fn name(&mut self, name: &str) -> u32 {
        let at = self.strings.len() as u32;
        self.strings.extend(name.bytes().chain([0]));
        at
    }

    /// One more type; its number.
    fn add(&mut self, name: &str, kind: u32, members: u32, size: u32, rest: &[u32]) -> u32 {
        let name = if name.is_empty() { 0 } else { self.name(name) };
        let words = [name, kind << 24 | members, size].into_iter().chain(rest.iter().copied());
        self.types.extend(words.flat_map(u32::to_le_bytes));
        self.count += 1;
        self.count
    }

    fn int(&mut self, name: &str, bytes: u32) -> u32 {
        self.add(name, INT, 0, bytes, &[8 * bytes])
    }

    fn array(&mut self, of: u32, index: u32, count: u32) -> u32 {
        self.add("", ARRAY, 0, 0, &[of, index, count])
    }

    /// A structure of these members: name, type, offset in bytes.
    fn structure(&mut self, name: &str, size: u32, members: &[(&str, u32, u32)]) -> u32 {
        let mut rest = Vec::new();
        for (name, of, off) in members {
            rest.extend([self.name(name), *of, 8 * off]);
        }
        self.add(name, STRUCT, members.len() as u32, size, &rest)
    }

    fn finish(self) -> Vec<u8> {
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let header = [0x0001_eb9f, 24, 0, types, types, strings];
        header.into_iter().flat_map(u32::to_le_bytes).chain(self.types).chain(self.strings).collect()
    }
}

/// The types of a map: a key of an integer or bytes, a value of bytes and what
/// special fields it has.
pub(super) fn of_map(def: &MapDef) -> Types {
    let mut blob = Blob { strings: vec![0], ..Blob::default() };
    let int = blob.int("int", 4);
    let byte = blob.int("char", 1);
    let long = blob.int("u64", 8);
    let opaque = blob.array(long, int, 2);
    let lock = blob.structure("bpf_spin_lock", 4, &[("val", int, 0)]);
    let timer = blob.structure("bpf_timer", 16, &[("__opaque", opaque, 0)]);
    let fields = [("lock", lock, 4, def.special.spin_lock), ("timer", timer, 16, def.special.timer)];
    let mut fields: Vec<_> =
        fields.into_iter().filter_map(|(name, of, size, at)| at.map(|at| (name, of, size, at))).collect();
    fields.sort_by_key(|field| field.3);
    let (mut members, mut end) = (Vec::new(), 0);
    for (name, of, size, at) in fields {
        if at > end {
            members.push(("bytes", blob.array(byte, int, at - end), end));
        }
        members.push((name, of, at));
        end = at + size;
    }
    if def.value_size > end {
        members.push(("bytes", blob.array(byte, int, def.value_size - end), end));
    }
    let key = if def.key_size == 4 { int } else { blob.array(byte, int, def.key_size) };
    let value = blob.structure("value", def.value_size, &members);
    Types { blob: blob.finish(), key, value }
}
