//! VLAN tags, room at both ends, and what is known of a packet.

use super::{address, call, call_on, frame};
use crate::context::{Packet, View};

const EINVAL: i64 = -22;
const ENOMEM: i64 = -12;
const ERANGE: i64 = -34;

fn packet(len: usize) -> Packet {
    Packet::new(&frame(len)).expect("a packet")
}

fn on(packet: &mut Packet, name: &str, args: [u64; 2]) -> i64 {
    call_on(packet, View::Link, name, [args[0], args[1], 0, 0])
}

#[test]
fn the_second_tag_goes_into_the_bytes_and_comes_out_again() {
    let mut packet = packet(60);
    let plain = packet.bytes().to_vec();
    assert_eq!(on(&mut packet, "skb_vlan_push", [0x0081, 68]), 0);
    assert_eq!(packet.bytes(), plain);
    let tag = |packet: &Packet| (packet.skb().vlan_present, packet.skb().vlan_tci, packet.skb().vlan_proto);
    assert_eq!(tag(&packet), (1, 68, 0x0081));
    // A protocol that is none of VLANs' becomes 802.1Q.
    assert_eq!(on(&mut packet, "skb_vlan_push", [0, 0x1234]), 0);
    assert_eq!(tag(&packet), (1, 0x1234, 0x0081));
    let tagged = [&plain[..12], &[0x81, 0, 0, 68], &plain[12..]].concat();
    assert_eq!(packet.bytes(), tagged);
    assert_eq!(packet.skb().protocol, 0x0081);
    assert_eq!(on(&mut packet, "skb_vlan_pop", [0; 2]), 0);
    assert_eq!((packet.bytes(), tag(&packet)), (&plain[..], (1, 68, 0x0081)));
    assert_eq!(packet.skb().protocol, 0x0008);
    assert_eq!(on(&mut packet, "skb_vlan_pop", [0; 2]), 0);
    assert_eq!(tag(&packet), (0, 0, 0));
    // There is nothing left to pop.
    assert_eq!(on(&mut packet, "skb_vlan_pop", [0; 2]), 0);
    assert_eq!(packet.bytes(), plain);
}

#[test]
fn tags_are_pushed_until_the_headroom_ends() {
    let mut packet = packet(60);
    let pushed = (0..).take_while(|_| on(&mut packet, "skb_vlan_push", [0x0081, 1]) == 0).count();
    // One is beside the bytes, 64 in the 256 bytes of headroom.
    assert_eq!(pushed, 65);
    assert_eq!(on(&mut packet, "skb_vlan_push", [0x0081, 1]), ENOMEM);
    assert_eq!(packet.bytes().len(), 60 + 64 * 4);
}

#[test]
fn the_head_grows_by_zeros() {
    let mut packet = packet(60);
    let plain = packet.bytes().to_vec();
    assert_eq!(on(&mut packet, "skb_change_head", [14, 1]), EINVAL);
    assert_eq!(on(&mut packet, "skb_change_head", [70_000, 0]), EINVAL);
    assert_eq!(on(&mut packet, "skb_change_head", [u32::MAX.into(), 0]), EINVAL);
    assert_eq!(on(&mut packet, "skb_change_head", [257, 0]), ENOMEM);
    assert_eq!(on(&mut packet, "skb_change_head", [14, 0]), 0);
    assert_eq!(packet.bytes(), [&[0; 14][..], &plain].concat());
}

#[test]
fn the_tail_is_cut_and_grows_by_zeros() {
    let mut packet = packet(60);
    let plain = packet.bytes().to_vec();
    assert_eq!(on(&mut packet, "skb_change_tail", [13, 0]), EINVAL);
    assert_eq!(on(&mut packet, "skb_change_tail", [40, 1]), EINVAL);
    assert_eq!(on(&mut packet, "skb_change_tail", [40, 0]), 0);
    assert_eq!(packet.bytes(), &plain[..40]);
    assert_eq!(on(&mut packet, "skb_change_tail", [50, 0]), 0);
    assert_eq!(packet.bytes(), [&plain[..40], &[0; 10]].concat());
    assert_eq!(on(&mut packet, "skb_change_tail", [60_000, 0]), ENOMEM);
}

#[test]
fn what_no_device_did_is_not_there() {
    let mut packet = packet(60);
    let cases = [
        ("csum_update", 0, -524),
        ("csum_level", 0, -13),
        ("csum_level", 1, 0),
        ("csum_level", 4, EINVAL),
        ("get_cgroup_classid", 0, 0),
        ("get_route_realm", 0, 0),
    ];
    for (name, arg, expected) in cases {
        assert_eq!(on(&mut packet, name, [arg, 0]), expected, "{name}({arg})");
    }
    assert_eq!(on(&mut packet, "skb_change_type", [4, 0]), EINVAL);
    assert_eq!(on(&mut packet, "skb_change_type", [3, 0]), 0);
    assert_eq!(packet.skb().pkt_type, 3);
}

#[test]
fn a_flow_has_one_hash_in_both_directions() {
    let udp = |from: (u8, u8), to: (u8, u8)| {
        let mut bytes = vec![0; 60];
        bytes[12..15].copy_from_slice(&[8, 0, 0x45]);
        bytes[14 + 9] = 17;
        (bytes[14 + 15], bytes[14 + 19]) = (from.0, to.0);
        (bytes[14 + 21], bytes[14 + 23]) = (from.1, to.1);
        bytes
    };
    let hash = |bytes: &[u8]| on(&mut Packet::new(bytes).unwrap(), "get_hash_recalc", [0; 2]);
    let one = hash(&udp((1, 10), (2, 20)));
    assert!(one > 0);
    assert_eq!(hash(&udp((2, 20), (1, 10))), one);
    let others = [udp((1, 20), (2, 10)), udp((1, 10), (3, 20)), udp((1, 11), (2, 20))];
    assert!(others.iter().any(|bytes| hash(bytes) != one));
    let mut packet = packet(60);
    assert_eq!(on(&mut packet, "set_hash", [77, 0]), 0);
    assert_eq!(on(&mut packet, "get_hash_recalc", [0; 2]), 77);
}

/// What a text is parsed to: the result, and the number.
fn parsed(name: &str, text: &str, flags: u64) -> (i64, i64) {
    let mut bytes = text.as_bytes().to_vec();
    let mut number = [0x5555_5555i64];
    let result = call(name, [address(&mut bytes), text.len() as u64, flags, address(&mut number)]);
    (result, number[0])
}

#[test]
fn numbers_are_parsed_as_the_kernel_does() {
    let signed = [
        ("12", 0, (2, 12)),
        ("  -12x", 0, (5, -12)),
        ("0x1fz", 0, (4, 31)),
        ("0x1f", 16, (4, 31)),
        ("1f", 16, (2, 31)),
        ("017", 0, (3, 15)),
        ("018", 0, (2, 1)),
        ("0xg", 0, (1, 0)),
        ("9", 8, (EINVAL, 0)),
        ("", 0, (EINVAL, 0)),
        ("-", 0, (EINVAL, 0)),
        ("+1", 0, (EINVAL, 0)),
        ("1", 2, (EINVAL, 0)),
        ("1", 32, (EINVAL, 0)),
        ("9223372036854775807", 10, (19, i64::MAX)),
        ("-9223372036854775808", 10, (20, i64::MIN)),
        ("9223372036854775808", 10, (ERANGE, 0)),
        ("99999999999999999999", 10, (ERANGE, 0)),
    ];
    for (text, flags, expected) in signed {
        assert_eq!(parsed("strtol", text, flags), expected, "{text:?} {flags}");
    }
    assert_eq!(parsed("strtoul", "18446744073709551615", 10), (20, -1));
    assert_eq!(parsed("strtoul", "-1", 10), (EINVAL, 0));
    assert_eq!(parsed("strtoul", "18446744073709551616", 10), (ERANGE, 0));
}

#[test]
fn there_are_no_sockets_and_no_routes() {
    const ENODEV: i64 = -19;
    let mut packet = packet(60);
    let mut params = [0x55u8; 64];
    let at = address(&mut params);
    let fib =
        |packet: &mut Packet, len, flags| call_on(packet, View::Link, "bpf_fib_lookup", [at, len, flags, 0]);
    assert_eq!([fib(&mut packet, 63, 0), fib(&mut packet, 64, 64)], [EINVAL; 2]);
    assert_eq!(fib(&mut packet, 64, 3), ENODEV);
    assert_eq!(params, [0x55; 64]);
    for name in ["sk_lookup_tcp", "sk_lookup_udp", "skc_lookup_tcp"] {
        assert_eq!(call_on(&mut packet, View::Link, name, [at, 12, 0, 0]), 0, "{name}");
    }
}
