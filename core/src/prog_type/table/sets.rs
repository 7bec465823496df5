//! The helpers that each kind of program may call, by name.

use crate::helper::{Proto, table};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What every kind of program may call (`bpf_base_func_proto`).
pub(super) const BASE: &[&str] = &[
    "map_lookup_elem",
    "map_update_elem",
    "map_delete_elem",
    "ktime_get_ns",
    "trace_printk",
    "get_prandom_u32",
    "get_smp_processor_id",
    "tail_call",
];

/// The helpers of these names, by number.
///
/// # Panics
///
/// Where the table has no helper of a name.
pub(super) fn helpers(sets: &[&[&str]]) -> BTreeMap<i32, Arc<Proto>> {
    sets.iter().flat_map(|set| set.iter()).map(|name| helper(name)).collect()
}

fn helper(name: &str) -> (i32, Arc<Proto>) {
    let id = table::by_name(name).unwrap_or_else(|| panic!("no helper {name}")).id;
    (id, table::shared(id).expect("a helper with a name has a number").clone())
}
