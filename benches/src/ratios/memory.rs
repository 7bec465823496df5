//! How much memory programs and maps take.
//!
//! What this process has resident before and after it made many of them, so that
//! whatever a program or an element costs is in it: code, tables, allocations,
//! whole pages. The kernel says itself what it holds for one (`memlock`).

use super::Plan;
use super::table::Table;
use crate::kernel;
use crate::peers;
use crate::programs::{BenchProgram, PROGRAMS};
use brolga::jit::Tier;
use brolga::{Engine, EngineKind, Map, MapDef, MapFlags, MapKind, Update};
use brolga_tests::kernel::{Kernel, Request};
use std::hint::black_box;

/// How many programs are loaded at once.
const PROGRAMS_AT_ONCE: usize = 64;
/// How many elements a map has.
const ELEMENTS: u32 = 1 << 16;

/// The bytes that are resident of this process; 0 where that is not known.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    let page = 4096;
    pages * page
}

/// Gives back what the allocator holds, so that it does not hide what is
/// allocated next.
fn trim() {
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "no safe crate wraps it")]
    // SAFETY: it may be called at any time.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// The bytes that each of so many things takes while they are there.
fn each<T>(count: usize, mut make: impl FnMut() -> Option<T>) -> Option<f64> {
    // The first of all makes what all share.
    drop(black_box(make()?));
    trim();
    let mut things = Vec::with_capacity(count);
    let before = resident();
    for _ in 0..count {
        things.push(make()?);
    }
    let taken = resident().saturating_sub(before);
    drop(black_box(things));
    Some(taken as f64 / count as f64)
}

pub(super) fn print(plan: &Plan) {
    programs(plan);
    maps(plan);
}

fn programs(plan: &Plan) {
    println!(
        "Memory of a loaded program in bytes, of {PROGRAMS_AT_ONCE} at once; the last column is ours over the kernel's."
    );
    let columns = [
        ("insns", false),
        ("jit", true),
        ("interp", true),
        ("rbpf-jit", true),
        ("kernel", true),
        ("ratio", true),
    ];
    let mut table = Table::new(&columns);
    for bench in PROGRAMS.iter().filter(|bench| plan.wants(bench.name)) {
        let jit = each(PROGRAMS_AT_ONCE, || peers::brolga(bench, EngineKind::Jit, Tier::Best));
        let interp = each(PROGRAMS_AT_ONCE, || peers::brolga(bench, EngineKind::Interp, Tier::Best));
        let rbpf = peers::runner("rbpf-jit", bench)
            .and_then(|_| each(PROGRAMS_AT_ONCE, || peers::make("rbpf-jit", bench)));
        let kernel = plan.kernel.and_then(|kernel| in_kernel(kernel, bench));
        let insns = (peers::insns(bench).len() / 8) as f64;
        let ratio = jit.zip(kernel).map(|(ours, kernels)| ours / kernels);
        table.row(bench.name, vec![Some(insns), jit, interp, rbpf, kernel, ratio]);
    }
    table.print();
}

/// What the kernel holds for a program, without the maps that are our memory.
fn in_kernel(kernel: Kernel, bench: &BenchProgram) -> Option<f64> {
    kernel::load(kernel, bench)?.memory().map(|bytes| bytes as f64)
}

/// The kinds of map whose elements are counted, with 8 bytes of key (4 where it
/// is an index) and 8 of value.
fn kinds() -> [(&'static str, MapDef); 5] {
    let trie = MapDef::new(MapKind::LpmTrie, 8, 8, ELEMENTS).flags(MapFlags::NO_PREALLOC);
    [
        ("array", MapDef::array(8, ELEMENTS)),
        ("hash", MapDef::hash(8, 8, ELEMENTS)),
        ("hash, no prealloc", MapDef::hash(8, 8, ELEMENTS).flags(MapFlags::NO_PREALLOC)),
        ("lru_hash", MapDef::new(MapKind::LruHash, 8, 8, ELEMENTS)),
        ("lpm_trie", trie),
    ]
}

fn maps(plan: &Plan) {
    println!("Memory of a map in bytes for each of its {ELEMENTS} elements, 8 bytes of key and 8 of value.");
    let columns = [("ours", true), ("kernel", true), ("ratio", true)];
    let mut table = Table::new(&columns);
    for (name, def) in kinds() {
        let count = f64::from(ELEMENTS);
        let ours = each(1, || filled(&def)).map(|bytes| bytes / count);
        let kernel =
            plan.kernel.and_then(|kernel| kernel_map(kernel, &def)).map(|bytes| bytes as f64 / count);
        let ratio = ours.zip(kernel).map(|(ours, kernels)| ours / kernels);
        table.row(name, vec![ours, kernel, ratio]);
    }
    table.print();
}

/// The key of an element: an index, or for a trie a whole address behind the
/// length of its prefix.
fn key(def: &MapDef, index: u32) -> Vec<u8> {
    match def.kind {
        MapKind::Array => index.to_ne_bytes().to_vec(),
        MapKind::LpmTrie => [32u32.to_ne_bytes(), index.to_be_bytes()].concat(),
        _ => u64::from(index).to_ne_bytes().to_vec(),
    }
}

fn filled(def: &MapDef) -> Option<Map> {
    let map = Engine::new().create_map(def.clone()).ok()?;
    for index in 0..ELEMENTS {
        map.update(&key(def, index), &u64::from(index).to_ne_bytes(), Update::Any).ok()?;
    }
    Some(map)
}

/// What the kernel holds for a map with all its elements.
fn kernel_map(kernel: Kernel, def: &MapDef) -> Option<u64> {
    let code = brolga::core::Code::decode(&[0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]).ok()?;
    let maps = std::slice::from_ref(def);
    let request = Request { prog_type: 1, code: &code, license: "GPL", attach: 0, flags: 0, maps, log: 0 };
    let loaded = kernel.load(&request).ok()?.loaded?;
    for index in 0..ELEMENTS {
        loaded.update(0, &key(def, index), &u64::from(index).to_ne_bytes()).ok()?;
    }
    loaded.map_memory(0)
}
