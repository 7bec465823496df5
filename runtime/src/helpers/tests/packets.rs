//! The bytes and the bounds of packets.

use super::super::load_packet;
use super::{address, call_on, frame};
use crate::context::{Packet, View};

const EFAULT: i64 = -14;
const EINVAL: i64 = -22;

/// What is loaded; nothing for an error.
type Bytes = Option<&'static [u8]>;

fn packet(len: usize) -> Packet {
    Packet::new(&frame(len)).expect("a frame")
}

#[test]
fn legacy_loads_count_from_three_places() {
    let (net, link) = (-0x10_0000, -0x20_0000);
    // Offset, size, then what a socket filter and a classifier load from a
    // frame of 74 bytes.
    let cases: [(i64, u64, i64, i64); 26] = [
        (0, 1, 0x40, 0xff),
        (0, 2, 0x4041, 0xffff),
        (0, 4, 0x4041_4243, 0xffff_ffff),
        (13, 2, 0x4d4e, 0x0040),
        (56, 4, 0x7879_7a7b, 0x6a6b_6c6d),
        (57, 4, -1, 0x6b6c_6d6e),
        (59, 1, 0x7b, 0x6d),
        (59, 2, -1, 0x6d6e),
        (60, 1, -1, 0x6e),
        (70, 4, -1, 0x7879_7a7b),
        (71, 4, -1, -1),
        (73, 1, -1, 0x7b),
        (74, 1, -1, -1),
        (-1, 1, -1, -1),
        (-0x1000, 1, -1, -1),
        (net, 4, 0x4041_4243, 0x4041_4243),
        (net + 56, 4, 0x7879_7a7b, 0x7879_7a7b),
        (net + 57, 4, -1, -1),
        (net + 60, 1, -1, -1),
        (net - 1, 1, -1, -1),
        (link, 4, 0xffff_ffff, 0xffff_ffff),
        (link + 12, 4, 0x0800_4041, 0x0800_4041),
        (link + 73, 1, 0x7b, 0x7b),
        (link + 74, 1, -1, -1),
        (link - 1, 1, -1, -1),
        (i32::MIN.into(), 4, -1, -1),
    ];
    let mut packet = packet(74);
    for (off, size, network, classifier) in cases {
        for (view, expected) in [(View::Network, network), (View::Link, classifier)] {
            let ctx = packet.enter(view);
            // SAFETY: the packet has filled its context.
            let loaded = unsafe { load_packet(ctx, off, size) };
            assert_eq!(loaded, expected, "{view:?} {off:#x} {size}");
        }
    }
}

#[test]
fn loading_bytes_fills_or_clears() {
    // Offset, size, what a socket filter and a classifier get; nothing for an
    // error.
    let cases: [(u64, usize, Bytes, Bytes); 9] = [
        (0, 4, Some(b"@ABC"), Some(&[0xff; 4])),
        (56, 4, Some(b"xyz{"), Some(b"jklm")),
        (57, 4, None, Some(b"klmn")),
        (60, 1, None, Some(b"n")),
        (70, 4, None, Some(b"xyz{")),
        (71, 4, None, None),
        (0x7fff_ffff, 4, None, None),
        (0x8000_0000, 4, None, None),
        (0xffff_ffff, 1, None, None),
    ];
    let mut packet = packet(74);
    for (off, len, network, classifier) in cases {
        for (view, expected) in [(View::Network, network), (View::Link, classifier)] {
            let mut to = [0x55; 8];
            let result = call_on(&mut packet, view, "skb_load_bytes", [off, address(&mut to), len as u64, 0]);
            assert_eq!(result, if expected.is_some() { 0 } else { EFAULT }, "{view:?} {off:#x} {len}");
            assert_eq!(to[..len], *expected.unwrap_or(&[0; 4][..len]));
            assert!(to[len..].iter().all(|byte| *byte == 0x55));
        }
    }
}

#[test]
fn loading_bytes_from_a_header_ignores_where_the_packet_starts() {
    let cases: [(u64, usize, u64, Bytes); 10] = [
        (0, 4, 0, Some(&[0xff; 4])),
        (0, 4, 1, Some(b"@ABC")),
        (0, 4, 2, None),
        (52, 4, 0, Some(b"fghi")),
        (53, 4, 0, None),
        (38, 4, 1, Some(b"fghi")),
        (39, 4, 1, None),
        (0xffff, 1, 0, None),
        (0x10000, 1, 0, None),
        (14, 2, 0, Some(b"@A")),
    ];
    let mut packet = packet(56);
    for (off, len, start, expected) in cases {
        for view in [View::Network, View::Link] {
            let mut to = [0x55; 4];
            let args = [off, address(&mut to), len as u64, start];
            let result = call_on(&mut packet, view, "skb_load_bytes_relative", args);
            assert_eq!(
                result,
                if expected.is_some() { 0 } else { EFAULT },
                "{view:?} {off:#x} {len} {start}"
            );
            assert_eq!(to[..len], *expected.unwrap_or(&[0; 4][..len]));
        }
    }
}

#[test]
fn stored_bytes_are_in_the_packet() {
    let cases = [
        (0, 4, 0, 0),
        (52, 4, 0, 0),
        (53, 4, 0, EFAULT),
        (0, 4, 1, 0),
        (0, 4, 2, 0),
        (0, 4, 4, EINVAL),
        (0, 4, 8, EINVAL),
        (0x7fff_ffff, 1, 0, EFAULT),
        (0x8000_0000, 1, 0, EFAULT),
        (0xffff_ffff, 1, 0, EFAULT),
    ];
    for (off, len, flags, expected) in cases {
        let mut packet = packet(56);
        packet.skb_mut().hash = 7;
        let mut from = [0x88, 0x77, 0x66, 0x55];
        let args = [off, address(&mut from), len as u64, flags];
        assert_eq!(call_on(&mut packet, View::Link, "skb_store_bytes", args), expected);
        let mut bytes = frame(56);
        if expected == 0 {
            bytes[off as usize..off as usize + len].copy_from_slice(&from[..len]);
        }
        assert_eq!(packet.bytes(), bytes);
        assert_eq!(packet.skb().hash, if flags == 2 { 0 } else { 7 });
    }
}

#[test]
fn a_packet_lies_in_one_piece() {
    let mut packet = packet(56);
    packet.skb_mut().hash = 7;
    for (len, expected) in [(0, 0), (10, 0), (56, 0), (57, -12), (0xffff_ffff, -12)] {
        assert_eq!(call_on(&mut packet, View::Link, "skb_pull_data", [len, 0, 0, 0]), expected);
    }
    assert_eq!(packet.skb().hash, 7);
    assert_eq!(call_on(&mut packet, View::Link, "set_hash_invalid", [0; 4]), 0);
    assert_eq!(packet.skb().hash, 0);
}

/// Moves a bound of a frame of 74 bytes; the result, and the packet then.
fn moved(name: &str, by: i32) -> (i64, Packet) {
    let mut packet = packet(74);
    let result = call_on(&mut packet, View::Xdp, name, [u64::from(by as u32), 0, 0, 0]);
    (result, packet)
}

#[test]
fn the_head_moves_within_the_headroom() {
    for (by, expected) in [
        (-215, 0),
        (-216, 0),
        (-217, EINVAL),
        (-257, EINVAL),
        (59, 0),
        (60, 0),
        (61, EINVAL),
        (0, 0),
        (74, EINVAL),
    ] {
        let (result, packet) = moved("xdp_adjust_head", by);
        assert_eq!(result, expected, "{by}");
        let cut = if expected == 0 { by } else { 0 };
        assert_eq!(packet.bytes().len(), (74 - cut) as usize);
        assert!(packet.bytes().ends_with(&frame(74)[cut.max(0) as usize..]));
    }
}

#[test]
fn the_tail_grows_by_zeros() {
    let cases = [
        (-60, 0),
        (-61, EINVAL),
        (-59, 0),
        (-74, EINVAL),
        (-3520, EINVAL),
        (1, 0),
        (3446, 0),
        (3447, EINVAL),
    ];
    for (by, expected) in cases {
        let (result, packet) = moved("xdp_adjust_tail", by);
        assert_eq!(result, expected, "{by}");
        let len = if expected == 0 { 74 + by } else { 74 } as usize;
        let mut bytes = frame(74);
        bytes.resize(len, 0);
        assert_eq!(packet.bytes(), bytes);
    }
    // What was there before does not come back.
    let mut packet = packet(74);
    assert_eq!(call_on(&mut packet, View::Xdp, "xdp_adjust_tail", [-60i64 as u64, 0, 0, 0]), 0);
    assert_eq!(call_on(&mut packet, View::Xdp, "xdp_adjust_tail", [10, 0, 0, 0]), 0);
    assert_eq!(packet.bytes(), [&frame(74)[..14], &[0; 10]].concat());
}

#[test]
fn metadata_comes_in_words_before_the_packet() {
    let cases = [
        (-4, 0),
        (-32, 0),
        (-36, 0),
        (-216, 0),
        (-248, EINVAL),
        (-256, EINVAL),
        (-5, -13),
        (4, EINVAL),
        (0, 0),
    ];
    for (by, expected) in cases {
        let (result, packet) = moved("xdp_adjust_meta", by);
        assert_eq!(result, expected, "{by}");
        assert_eq!(packet.metadata().len(), if expected == 0 { -by } else { 0 } as usize);
        assert_eq!(packet.bytes(), frame(74));
    }
}

#[test]
fn metadata_moves_with_the_head() {
    for by in [-16i64, -4, 4, 14] {
        let mut packet = packet(74);
        assert_eq!(call_on(&mut packet, View::Xdp, "xdp_adjust_meta", [-8i64 as u64, 0, 0, 0]), 0);
        let before = packet.metadata().to_vec();
        assert_eq!(call_on(&mut packet, View::Xdp, "xdp_adjust_head", [by as u64, 0, 0, 0]), 0);
        assert_eq!((packet.metadata(), packet.bytes().len() as i64), (&before[..], 74 - by));
    }
    // The metadata needs room before the packet too.
    let mut packet = packet(74);
    assert_eq!(call_on(&mut packet, View::Xdp, "xdp_adjust_meta", [-8i64 as u64, 0, 0, 0]), 0);
    assert_eq!(call_on(&mut packet, View::Xdp, "xdp_adjust_head", [-209i64 as u64, 0, 0, 0]), EINVAL);
    assert_eq!(call_on(&mut packet, View::Xdp, "xdp_adjust_head", [-208i64 as u64, 0, 0, 0]), 0);
}
