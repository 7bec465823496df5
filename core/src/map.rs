//! What a map is: its kind, sizes and flags, as `BPF_MAP_CREATE` takes them.
//!
//! Storage lives in the runtime; the verifier reads a [`MapDef`] through
//! [`MapInfo`].

use bitflags::bitflags;
use std::sync::Arc;

/// Every kind of map that Linux 6.18 has (`enum bpf_map_type`), by its number
/// there. A runtime need not implement all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u32)]
#[expect(missing_docs, reason = "the kernel's names say it, and its documentation")]
pub enum MapKind {
    Hash = 1,
    Array = 2,
    ProgArray = 3,
    PerfEventArray = 4,
    PercpuHash = 5,
    PercpuArray = 6,
    StackTrace = 7,
    CgroupArray = 8,
    LruHash = 9,
    LruPercpuHash = 10,
    LpmTrie = 11,
    ArrayOfMaps = 12,
    HashOfMaps = 13,
    Devmap = 14,
    Sockmap = 15,
    Cpumap = 16,
    Xskmap = 17,
    Sockhash = 18,
    CgroupStorage = 19,
    ReuseportSockarray = 20,
    PercpuCgroupStorage = 21,
    Queue = 22,
    Stack = 23,
    SkStorage = 24,
    DevmapHash = 25,
    StructOps = 26,
    Ringbuf = 27,
    InodeStorage = 28,
    TaskStorage = 29,
    BloomFilter = 30,
    UserRingbuf = 31,
    CgrpStorage = 32,
    Arena = 33,
}

impl MapKind {
    /// Every kind with the kernel's name for it, by number.
    pub const NAMES: [(Self, &'static str); 33] = [
        (Self::Hash, "hash"),
        (Self::Array, "array"),
        (Self::ProgArray, "prog_array"),
        (Self::PerfEventArray, "perf_event_array"),
        (Self::PercpuHash, "percpu_hash"),
        (Self::PercpuArray, "percpu_array"),
        (Self::StackTrace, "stack_trace"),
        (Self::CgroupArray, "cgroup_array"),
        (Self::LruHash, "lru_hash"),
        (Self::LruPercpuHash, "lru_percpu_hash"),
        (Self::LpmTrie, "lpm_trie"),
        (Self::ArrayOfMaps, "array_of_maps"),
        (Self::HashOfMaps, "hash_of_maps"),
        (Self::Devmap, "devmap"),
        (Self::Sockmap, "sockmap"),
        (Self::Cpumap, "cpumap"),
        (Self::Xskmap, "xskmap"),
        (Self::Sockhash, "sockhash"),
        (Self::CgroupStorage, "cgroup_storage"),
        (Self::ReuseportSockarray, "reuseport_sockarray"),
        (Self::PercpuCgroupStorage, "percpu_cgroup_storage"),
        (Self::Queue, "queue"),
        (Self::Stack, "stack"),
        (Self::SkStorage, "sk_storage"),
        (Self::DevmapHash, "devmap_hash"),
        (Self::StructOps, "struct_ops"),
        (Self::Ringbuf, "ringbuf"),
        (Self::InodeStorage, "inode_storage"),
        (Self::TaskStorage, "task_storage"),
        (Self::BloomFilter, "bloom_filter"),
        (Self::UserRingbuf, "user_ringbuf"),
        (Self::CgrpStorage, "cgrp_storage"),
        (Self::Arena, "arena"),
    ];

    /// The kind with this number in `enum bpf_map_type`.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::NAMES.iter().map(|(kind, _)| *kind).find(|kind| *kind as u32 == number)
    }

    /// The kind with this name, in the kernel's lower-case spelling.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(_, n)| *n == name).map(|(kind, _)| *kind)
    }

    /// The kernel's lower-case name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(kind, _)| *kind == self).expect("every kind has a name").1
    }

    /// Whether each CPU has a value of its own.
    #[must_use]
    pub const fn is_percpu(self) -> bool {
        matches!(self, Self::PercpuHash | Self::PercpuArray | Self::LruPercpuHash | Self::PercpuCgroupStorage)
    }

    /// Whether the values are maps.
    #[must_use]
    pub const fn is_map_in_map(self) -> bool {
        matches!(self, Self::ArrayOfMaps | Self::HashOfMaps)
    }
}

bitflags! {
    /// The flags of `BPF_MAP_CREATE`, by their UAPI bits.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct MapFlags: u32 {
        /// Elements are allocated when they are inserted.
        const NO_PREALLOC = 1 << 0;
        /// An LRU list for each CPU.
        const NO_COMMON_LRU = 1 << 1;
        /// A NUMA node is given.
        const NUMA_NODE = 1 << 2;
        /// The host may only read.
        const RDONLY = 1 << 3;
        /// The host may only write.
        const WRONLY = 1 << 4;
        /// Stack traces hold build ids.
        const STACK_BUILD_ID = 1 << 5;
        /// The hash is not seeded.
        const ZERO_SEED = 1 << 6;
        /// Programs may only read.
        const RDONLY_PROG = 1 << 7;
        /// Programs may only write.
        const WRONLY_PROG = 1 << 8;
        /// The map is copied when a socket is cloned.
        const CLONE = 1 << 9;
        /// The host may map the values into its memory.
        const MMAPABLE = 1 << 10;
        /// Perf events are preserved.
        const PRESERVE_ELEMS = 1 << 11;
        /// An inner map may have another size than its template.
        const INNER_MAP = 1 << 12;
    }
}

/// Where the kernel-managed parts of a value lie, in bytes from its start.
/// Programs and the host may not touch their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Special {
    /// A `struct bpf_spin_lock` (4 bytes).
    pub spin_lock: Option<u32>,
    /// A `struct bpf_timer` (16 bytes).
    pub timer: Option<u32>,
    /// Typed kernel pointers (8 bytes each).
    pub kptrs: Vec<u32>,
}

/// What a map is created from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MapDef {
    /// The kind.
    pub kind: MapKind,
    /// The size of a key, in bytes.
    pub key_size: u32,
    /// The size of a value, in bytes.
    pub value_size: u32,
    /// The most elements (for a ring buffer its size in bytes).
    pub max_entries: u32,
    /// The flags.
    pub flags: MapFlags,
    /// The name; may be empty.
    pub name: String,
    /// What every value of a map-in-map must look like.
    pub inner: Option<Box<MapDef>>,
    /// The kernel-managed parts of a value.
    pub special: Special,
    /// `map_extra`: of a bloom filter how many hashes there are (0 for 5), else 0.
    pub extra: u64,
}

impl MapDef {
    /// A map of any kind, without flags or a name.
    #[must_use]
    pub fn new(kind: MapKind, key_size: u32, value_size: u32, max_entries: u32) -> Self {
        Self {
            kind,
            key_size,
            value_size,
            max_entries,
            flags: MapFlags::empty(),
            name: String::new(),
            inner: None,
            special: Special::default(),
            extra: 0,
        }
    }

    /// An array of `max_entries` values under `u32` indices.
    #[must_use]
    pub fn array(value_size: u32, max_entries: u32) -> Self {
        Self::new(MapKind::Array, 4, value_size, max_entries)
    }

    /// A hash table.
    #[must_use]
    pub fn hash(key_size: u32, value_size: u32, max_entries: u32) -> Self {
        Self::new(MapKind::Hash, key_size, value_size, max_entries)
    }

    /// An array of programs to tail-call.
    #[must_use]
    pub fn prog_array(max_entries: u32) -> Self {
        Self::new(MapKind::ProgArray, 4, 4, max_entries)
    }

    /// The same under this name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same with these flags.
    #[must_use]
    pub fn flags(mut self, flags: MapFlags) -> Self {
        self.flags = flags;
        self
    }

    /// The distance of two values of an array, in bytes: the value's size
    /// rounded up to 8.
    #[must_use]
    pub fn value_stride(&self) -> u64 {
        u64::from(self.value_size).next_multiple_of(8)
    }
}

/// An index into the maps that a program uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MapIdx(pub u32);

impl MapIdx {
    /// The index, for indexing.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the verifier may believe of a map that a program uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapInfo {
    /// What it was created from.
    pub def: MapDef,
    /// The bytes of its only value, where no one will ever change them again
    /// (frozen, and [`MapFlags::RDONLY_PROG`]): loads from them are constants.
    pub frozen: Option<Arc<[u8]>>,
}

impl MapInfo {
    /// A map that may change.
    #[must_use]
    pub const fn new(def: MapDef) -> Self {
        Self { def, frozen: None }
    }
}
