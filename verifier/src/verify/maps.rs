//! Which maps a program may refer to at all.

use brolga_core::map::Special;
use brolga_core::{Aux, LoadFlags, MapIdx, MapKind};

/// The types of programs that trace, by the kernel's numbers: kprobe,
/// tracepoint, perf_event, raw_tracepoint and its writable form.
const TRACING: [u32; 5] = [2, 5, 7, 17, 24];
/// `BPF_PROG_TYPE_SOCKET_FILTER`
const SOCKET_FILTER: u32 = 1;

/// That a program of this kind may use such a map.
///
/// # Errors
///
/// The kernel's words for why not.
pub(super) fn allowed(aux: &Aux, map: MapIdx) -> Result<(), &'static str> {
    let def = &aux.map(map).def;
    fields_allowed(aux, &def.special)?;
    if def.kind == MapKind::StructOps {
        return Err("bpf_struct_ops map cannot be used in prog");
    }
    if aux.flags.contains(LoadFlags::SLEEPABLE) && !may_sleep_with(def.kind) {
        return Err("Sleepable programs can only use array, hash, ringbuf and local storage maps");
    }
    let is_storage = matches!(def.kind, MapKind::CgroupStorage | MapKind::PercpuCgroupStorage);
    if is_storage && aux.maps[..map.index()].iter().any(|other| other.def.kind == def.kind) {
        return Err("only one cgroup storage of each type is allowed");
    }
    Ok(())
}

fn fields_allowed(aux: &Aux, special: &Special) -> Result<(), &'static str> {
    let number = aux.prog_type.number.unwrap_or_default();
    let traces = TRACING.contains(&number);
    match (special.spin_lock, special.timer) {
        (Some(_), _) if number == SOCKET_FILTER => Err("socket filter progs cannot use bpf_spin_lock yet"),
        (Some(_), _) if traces => Err("tracing progs cannot use bpf_spin_lock yet"),
        (_, Some(_)) if traces => Err("tracing progs cannot use bpf_timer yet"),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

const fn may_sleep_with(kind: MapKind) -> bool {
    match kind {
        MapKind::Hash
        | MapKind::Array
        | MapKind::PercpuHash
        | MapKind::PercpuArray
        | MapKind::LruHash
        | MapKind::LruPercpuHash
        | MapKind::ArrayOfMaps
        | MapKind::HashOfMaps
        | MapKind::Queue
        | MapKind::Stack
        | MapKind::SkStorage
        | MapKind::InodeStorage
        | MapKind::TaskStorage
        | MapKind::CgrpStorage
        | MapKind::Ringbuf
        | MapKind::UserRingbuf
        | MapKind::Arena => true,
        MapKind::ProgArray
        | MapKind::PerfEventArray
        | MapKind::StackTrace
        | MapKind::CgroupArray
        | MapKind::LpmTrie
        | MapKind::Devmap
        | MapKind::Sockmap
        | MapKind::Cpumap
        | MapKind::Xskmap
        | MapKind::Sockhash
        | MapKind::CgroupStorage
        | MapKind::ReuseportSockarray
        | MapKind::PercpuCgroupStorage
        | MapKind::DevmapHash
        | MapKind::StructOps
        | MapKind::BloomFilter => false,
    }
}
