//! The bodies of the kernel's helpers.
//!
//! A body is called by compiled code and by the interpreter with arguments that
//! fit its prototype, as the verifier proved or the checked interpreter tested.
//! Errors are negative error numbers, sign-extended to 64 bits. No body panics but
//! where what the host gave it does: that goes to the caller of the program.

#![expect(unsafe_code, reason = "programs pass addresses to helpers")]

mod callback;
mod csum;
mod map;
mod memory;
mod numbers;
mod open;
mod perf;
mod printk;
mod redirect;
mod ringbuf;
mod skb;
mod skb_csum;
mod skb_meta;
mod skb_shape;
mod socket;
mod strings;
mod system;
mod task;
mod xdp;

#[cfg(test)]
mod tests;

pub(crate) use callback::next_elem;
pub(crate) use memory::{copy_in, copy_out};
pub(crate) use open::Mark;
pub(crate) use skb::load_packet;
pub(crate) use system::get_smp_processor_id as processor;

use crate::context::View;
use brolga_core::helper::table;
use brolga_core::link::{HelperBody, HelperFn};
use rustix::io::Errno;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// Where [`HostEnv`] sends what programs print.
pub(crate) type TraceSink = Arc<dyn Fn(&str) + Send + Sync>;

/// What helper bodies need of their host. Programs pass its address to bodies:
/// who links one to it keeps it alive, at one place. At first what programs
/// print is dropped.
#[derive(Default)]
pub(crate) struct HostEnv {
    trace: RwLock<Option<TraceSink>>,
    /// Whether programs may not print what stands at an address.
    blind: AtomicBool,
}

impl HostEnv {
    /// From now on what `bpf_trace_printk` prints goes to `sink`.
    pub(crate) fn set_trace(&self, sink: TraceSink) {
        *self.trace.write().unwrap_or_else(PoisonError::into_inner) = Some(sink);
    }

    /// From now on programs do not print what stands at an address.
    pub(crate) fn forbid_peeking(&self) {
        self.blind.store(true, Relaxed);
    }

    fn peeks(&self) -> bool {
        !self.blind.load(Relaxed)
    }

    /// Sends a text to the sink, where there is one.
    fn print(&self, text: &str) {
        let sink = self.trace.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(sink) = sink {
            sink(text);
        }
    }
}

/// What a body gets as its sixth argument.
#[derive(Clone, Copy)]
enum Env {
    None,
    /// The address of the [`HostEnv`].
    Host,
}

/// The bodies that there are, by the helper's name in [`table`].
static ROWS: &[(&str, HelperFn, Env)] = &[
    ("map_lookup_elem", map::lookup_elem, Env::None),
    ("map_update_elem", map::update_elem, Env::None),
    ("map_delete_elem", map::delete_elem, Env::None),
    ("map_lookup_percpu_elem", map::lookup_percpu_elem, Env::None),
    ("map_push_elem", map::push_elem, Env::None),
    ("map_pop_elem", map::pop_elem, Env::None),
    ("map_peek_elem", map::peek_elem, Env::None),
    ("ringbuf_reserve", ringbuf::reserve, Env::None),
    ("ringbuf_submit", ringbuf::submit, Env::None),
    ("ringbuf_discard", ringbuf::discard, Env::None),
    ("ringbuf_output", ringbuf::output, Env::None),
    ("ringbuf_query", ringbuf::query, Env::None),
    ("for_each_map_elem", callback::for_each_elem, Env::None),
    ("loop", callback::no_loop, Env::None),
    ("ktime_get_ns", system::ktime_get_ns, Env::None),
    ("ktime_get_boot_ns", system::ktime_get_boot_ns, Env::None),
    ("ktime_get_coarse_ns", system::ktime_get_coarse_ns, Env::None),
    ("ktime_get_tai_ns", system::ktime_get_tai_ns, Env::None),
    ("get_prandom_u32", system::get_prandom_u32, Env::None),
    ("get_smp_processor_id", system::get_smp_processor_id, Env::None),
    ("trace_printk", printk::trace_printk, Env::Host),
    ("trace_vprintk", printk::trace_vprintk, Env::Host),
    ("snprintf", printk::snprintf, Env::Host),
    ("strncmp", strings::strncmp, Env::None),
    ("get_current_pid_tgid", task::get_current_pid_tgid, Env::None),
    ("get_current_uid_gid", task::get_current_uid_gid, Env::None),
    ("get_current_comm", task::get_current_comm, Env::None),
    ("csum_diff", csum::csum_diff, Env::None),
    ("skb_load_bytes", skb::load_bytes, Env::None),
    ("skb_load_bytes_relative", skb::load_bytes_relative, Env::None),
    ("skb_store_bytes", skb::store_bytes, Env::None),
    ("skb_pull_data", skb::pull_data, Env::None),
    ("set_hash_invalid", skb::set_hash_invalid, Env::None),
    ("l3_csum_replace", skb_csum::l3_csum_replace, Env::None),
    ("l4_csum_replace", skb_csum::l4_csum_replace, Env::None),
    ("skb_vlan_push", skb_shape::vlan_push, Env::None),
    ("skb_vlan_pop", skb_shape::vlan_pop, Env::None),
    ("skb_change_head", skb_shape::change_head, Env::None),
    ("skb_change_tail", skb_shape::change_tail, Env::None),
    ("skb_change_type", skb_meta::change_type, Env::None),
    ("csum_update", skb_meta::csum_update, Env::None),
    ("csum_level", skb_meta::csum_level, Env::None),
    ("get_hash_recalc", skb_meta::get_hash_recalc, Env::None),
    ("set_hash", skb_meta::set_hash, Env::None),
    ("get_cgroup_classid", skb_meta::none, Env::None),
    ("get_route_realm", skb_meta::none, Env::None),
    ("redirect_map", redirect::to_map, Env::None),
    ("sk_lookup_tcp", socket::none, Env::None),
    ("sk_lookup_udp", socket::none, Env::None),
    ("skc_lookup_tcp", socket::none, Env::None),
    ("sk_release", socket::release, Env::None),
    ("fib_lookup", socket::fib_lookup, Env::None),
    ("jiffies64", system::jiffies64, Env::None),
    ("strtol", numbers::strtol, Env::None),
    ("strtoul", numbers::strtoul, Env::None),
    ("xdp_adjust_head", xdp::adjust_head, Env::None),
    ("xdp_adjust_meta", xdp::adjust_meta, Env::None),
    ("xdp_adjust_tail", xdp::adjust_tail, Env::None),
];

static BODIES: LazyLock<HashMap<i32, (HelperFn, Env)>> = LazyLock::new(|| {
    let row = |(name, func, env): &(&str, HelperFn, Env)| Some((table::by_name(name)?.id, (*func, *env)));
    ROWS.iter().filter_map(row).collect()
});

/// The body of the kernel's helper with this number for programs that see packets
/// so, where there is one. It may be called as long as `host` stays where it is.
/// A `fragile` program is one that may end by a panic.
pub(crate) fn body_for(id: i32, view: Option<View>, fragile: bool, host: &HostEnv) -> Option<HelperBody> {
    if let Some(func) = open::noted(id).filter(|_| fragile) {
        return Some(HelperBody { func, env: None });
    }
    let func: HelperFn = match (id, view) {
        (PERF_EVENT_OUTPUT, Some(View::Xdp)) => perf::xdp_output,
        (PERF_EVENT_OUTPUT, Some(View::Link | View::Network)) => perf::skb_output,
        (PERF_EVENT_OUTPUT, None) => perf::event_output,
        (REDIRECT, Some(View::Xdp)) => redirect::xdp,
        (REDIRECT, Some(View::Link | View::Network)) => redirect::skb,
        _ => return body(id, host),
    };
    Some(HelperBody { func, env: None })
}

/// `bpf_redirect` and `bpf_perf_event_output`, whose bodies depend on what the
/// context is.
const REDIRECT: i32 = 23;
const PERF_EVENT_OUTPUT: i32 = 25;

fn body(id: i32, host: &HostEnv) -> Option<HelperBody> {
    let (func, env) = *BODIES.get(&id)?;
    let env = match env {
        Env::None => None,
        Env::Host => Some(std::ptr::from_ref(host).expose_provenance() as u64),
    };
    Some(HelperBody { func, env })
}

/// A result as a program sees it.
const fn failure(errno: i32) -> u64 {
    (-(errno as i64)) as u64
}

/// [`failure`] by the kernel's name.
const fn fail(errno: Errno) -> u64 {
    failure(errno.raw_os_error())
}
