//! Tests of helper bodies, called as programs call them. Where a table says what
//! to expect of a packet or a text, the live kernel (6.18) said so.

mod checksums;
mod maps;
mod memory;
mod packets;
mod printk;
mod shape;
mod system;

use super::{HostEnv, body};
use crate::context::{Packet, View};
use brolga_core::helper::table;

/// Calls a helper by name with the address of a host.
fn call_in(host: &HostEnv, name: &str, args: [u64; 5]) -> i64 {
    let id = table::by_name(name).expect("a helper of the kernel's").id;
    let body = body(id, host).expect("a body");
    let [a, b, c, d, e] = args;
    // SAFETY: the tests pass arguments that fit the helper's prototype.
    unsafe { (body.func)(a, b, c, d, e, body.env.unwrap_or(0)) as i64 }
}

/// Calls a helper that needs nothing of its host.
fn call<const N: usize>(name: &str, args: [u64; N]) -> i64 {
    let mut all = [0; 5];
    all[..N].copy_from_slice(&args);
    call_in(&HostEnv::default(), name, all)
}

/// The address of memory for a helper to read or write, as a program has it.
fn address<T>(memory: &mut [T]) -> u64 {
    memory.as_mut_ptr().expose_provenance() as u64
}

/// An Ethernet header for IPv4, then bytes that count from 0x40.
fn frame(len: usize) -> Vec<u8> {
    let header = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 8, 0];
    header.into_iter().chain((0x40..).take(len - 14)).collect()
}

/// Calls a helper on a packet, whose context is its first argument.
fn call_on(packet: &mut Packet, view: View, name: &str, args: [u64; 4]) -> i64 {
    let ctx = packet.enter(view);
    let [b, c, d, e] = args;
    let result = call(name, [ctx, b, c, d, e]);
    packet.leave(view);
    result
}

#[test]
fn every_row_is_a_helper_of_the_kernels() {
    for (name, ..) in super::ROWS {
        let proto = table::by_name(name).unwrap_or_else(|| panic!("no helper {name}"));
        assert!(body(proto.id, &HostEnv::default()).is_some());
    }
    assert_eq!(super::BODIES.len(), super::ROWS.len(), "each once");
}

#[test]
fn other_numbers_have_no_body() {
    for id in [0, -1, 12, 4096, i32::MAX, i32::MIN] {
        assert!(body(id, &HostEnv::default()).is_none(), "{id}");
    }
}
