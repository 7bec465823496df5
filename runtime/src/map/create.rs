//! Which maps may be created: the kernel's `map_alloc_check` of every kind,
//! for a caller with every capability.

use super::array::Array;
use super::{MapError, Storage};
use brolga_core::{MapDef, MapFlags, MapKind};

/// Storage for a map of this definition.
pub(super) fn storage(def: &MapDef) -> Result<Box<dyn Storage>, MapError> {
    check_access(def)?;
    if def.special != Default::default() {
        return Err(MapError::ManagedFields);
    }
    match def.kind {
        MapKind::Array => {
            check_array(def)?;
            Ok(Box::new(Array::create(def)?))
        }
        kind => Err(MapError::Unsupported(kind)),
    }
}

/// No one may be shut out from both sides.
fn check_access(def: &MapDef) -> Result<(), MapError> {
    let both = |pair: MapFlags| def.flags.contains(pair);
    let nobody = both(MapFlags::RDONLY | MapFlags::WRONLY) || both(MapFlags::RDONLY_PROG | MapFlags::WRONLY_PROG);
    if nobody { Err(bad_flags(def)) } else { Ok(()) }
}

fn check_array(def: &MapDef) -> Result<(), MapError> {
    let known = ACCESS | MapFlags::NUMA_NODE | MapFlags::MMAPABLE | MapFlags::INNER_MAP;
    check_entries(def)?;
    if def.key_size != 4 {
        return Err(MapError::KeySize { kind: def.kind, size: def.key_size });
    }
    if def.value_size == 0 {
        return Err(MapError::ValueSize { kind: def.kind, size: 0 });
    }
    if !known.contains(def.flags) {
        return Err(bad_flags(def));
    }
    if def.value_size > i32::MAX as u32 { Err(too_big(def)) } else { Ok(()) }
}

const ACCESS: MapFlags =
    MapFlags::RDONLY.union(MapFlags::WRONLY).union(MapFlags::RDONLY_PROG).union(MapFlags::WRONLY_PROG);

fn check_entries(def: &MapDef) -> Result<(), MapError> {
    if def.max_entries == 0 { Err(MapError::NoEntries(def.kind)) } else { Ok(()) }
}

fn bad_flags(def: &MapDef) -> MapError {
    MapError::Flags { kind: def.kind, flags: def.flags }
}

fn too_big(def: &MapDef) -> MapError {
    let MapDef { kind, key_size, value_size, max_entries, .. } = *def;
    MapError::TooBig { kind, key_size, value_size, max_entries }
}
