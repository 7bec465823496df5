//! Programs that call helpers, of the kernel's own types.

/// A program that needs an engine with maps and helpers.
#[derive(Clone, Copy, Debug)]
pub struct HelperProgram {
    /// The name of its source, object and function.
    pub name: &'static str,
    /// The object.
    pub object: &'static [u8],
    /// The section the program is in: `socket` or `xdp`. It does not read its packet.
    pub section: &'static str,
    /// What its map, if it has one, holds before the first run. No run changes it.
    pub map: Option<MapFill>,
    /// The 32-bit return value.
    pub expected: u32,
}

/// The contents of a map of u32 -> u64, both little-endian.
#[derive(Clone, Copy, Debug)]
pub struct MapFill {
    /// The map's name.
    pub name: &'static str,
    /// How many entries to write, from index 0.
    pub entries: u32,
    /// The key and the value of the entry with an index.
    pub entry: fn(u32) -> (u32, u64),
}

/// Every program that calls helpers.
pub static HELPER_PROGRAMS: &[HelperProgram] = &[
    HelperProgram {
        name: "map_array",
        object: super::object!("map_array"),
        section: "socket",
        map: Some(MapFill { name: "values", entries: 64, entry: |i| (i, square_plus_one(i)) }),
        expected: 57_464,
    },
    HelperProgram {
        name: "map_hash",
        object: super::object!("map_hash"),
        section: "xdp",
        map: Some(MapFill { name: "table", entries: 64, entry: |i| (i * 14, square_plus_one(i)) }),
        expected: 4_348,
    },
    HelperProgram {
        name: "ktime",
        object: super::object!("ktime"),
        section: "socket",
        map: None,
        expected: 16,
    },
    HelperProgram {
        name: "map_percpu",
        object: super::object!("map_percpu"),
        section: "socket",
        map: None,
        expected: 48,
    },
    HelperProgram {
        name: "processor",
        object: super::object!("processor"),
        section: "socket",
        map: None,
        expected: 16,
    },
];

fn square_plus_one(i: u32) -> u64 {
    u64::from(i) * u64::from(i) + 1
}
