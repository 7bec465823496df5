//! `bpf_redirect` and `bpf_redirect_map`: what is to become of the packet is left
//! to whoever runs the program.

use super::map::object;
use crate::map::{Redirect, targets};

const XDP_ABORTED: u64 = 0;
const XDP_REDIRECT: u64 = 4;
const TC_ACT_SHOT: u64 = 2;
const TC_ACT_REDIRECT: u64 = 7;
/// `BPF_F_INGRESS`
const INGRESS: u64 = 1;
/// What a program may ask for where there is no target: all but a redirect.
const ACTION: u64 = 3;
const BROADCAST: u64 = 8;
const EXCLUDE_INGRESS: u64 = 16;

/// `(ifindex, flags)` to `XDP_REDIRECT`.
pub(super) unsafe extern "C-unwind" fn xdp(ifindex: u64, flags: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    if flags != 0 {
        return XDP_ABORTED;
    }
    Redirect::Interface { ifindex: ifindex as u32, flags }.leave();
    XDP_REDIRECT
}

/// `(ifindex, flags)` to `TC_ACT_REDIRECT`.
pub(super) unsafe extern "C-unwind" fn skb(ifindex: u64, flags: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    if flags & !INGRESS != 0 {
        return TC_ACT_SHOT;
    }
    Redirect::Interface { ifindex: ifindex as u32, flags }.leave();
    TC_ACT_REDIRECT
}

/// `(map, index, flags)` to `XDP_REDIRECT`, or the action in `flags` where the
/// slot is empty.
pub(super) unsafe extern "C-unwind" fn to_map(
    map: u64,
    index: u64,
    flags: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    // SAFETY: by its prototype the helper gets a live map.
    let Some((map, slots)) = targets(unsafe { object(map) }) else { return XDP_ABORTED };
    let all = if slots.broadcasts() { BROADCAST | EXCLUDE_INGRESS } else { 0 };
    if flags & !(ACTION | all) != 0 {
        return XDP_ABORTED;
    }
    let redirect = match slots.number(index) {
        _ if flags & BROADCAST != 0 => Redirect::All { map, exclude_ingress: flags & EXCLUDE_INGRESS != 0 },
        Some(number) => Redirect::Slot { map, index: index as u32, number },
        None => return flags & ACTION,
    };
    redirect.leave();
    XDP_REDIRECT
}
