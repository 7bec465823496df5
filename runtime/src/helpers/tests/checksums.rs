//! Internet checksums.

use super::super::csum;
use super::{address, call, call_on};
use crate::context::{Packet, View};

const EFAULT: i64 = -14;
const EINVAL: i64 = -22;

fn diff(from: &[u8], to: &[u8], seed: u32) -> i64 {
    let (mut old, mut new) = (from.to_vec(), to.to_vec());
    let pointer = |bytes: &mut Vec<u8>| if bytes.is_empty() { 0 } else { address(bytes) };
    let (old, new) = (pointer(&mut old), pointer(&mut new));
    call("csum_diff", [old, from.len() as u64, new, to.len() as u64, seed.into()])
}

/// The sum of bytes by RFC 1071, word by word; an odd byte is padded.
fn rfc_1071(bytes: &[u8]) -> u64 {
    let word = |pair: &[u8]| u64::from(u16::from_ne_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    bytes.chunks(2).map(word).sum()
}

#[test]
fn known_headers_sum_up() {
    // The example of RFC 1071's section 3, in memory order.
    let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
    assert_eq!((diff(&[], &bytes, 0) as u16).to_ne_bytes(), [0xdd, 0xf2]);
    // An IPv4 header with its checksum sums up to all ones.
    let header =
        [0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7];
    assert_eq!(diff(&[], &header, 0), 0xffff);
}

#[test]
fn sums_are_those_of_the_definition() {
    let bytes: Vec<u8> = (0..1200u32).map(|at| (at * at / 7 + 3) as u8).collect();
    for len in [4, 8, 20, 40, 64, 512, 600, 1, 2, 3, 5, 6, 7] {
        for seed in [0, 1, 0xffff, 0x10000, 0xffff_ffff, 0x1234_5678] {
            let (from, to) = (&bytes[..len], &bytes[len..2 * len]);
            let same = |sum: i64, expected: u64| {
                assert!((0..=0xffff).contains(&sum), "a sum has 16 bits");
                assert_eq!(sum as u64 % 0xffff, expected % 0xffff, "{len} {seed:#x}");
            };
            // In ones' complement minus is times -1 modulo 0xffff.
            let (minus_old, new, seed_sum) = (rfc_1071(from) * 0xfffe, rfc_1071(to), u64::from(seed));
            same(diff(&[], to, seed), new + seed_sum);
            same(diff(from, &[], seed), minus_old + seed_sum);
            same(diff(from, to, seed), new + minus_old + seed_sum);
        }
    }
}

#[test]
fn sums_are_those_of_the_kernel() {
    let ones = [0xff; 8];
    let zeros = [0; 8];
    let counting: Vec<u8> = (0..12).collect();
    assert_eq!(diff(&[], &[], 0), 0);
    assert_eq!(diff(&[], &[], 0x1_0002), 3);
    assert_eq!(diff(&[], &[], 0xffff_ffff), 0xffff);
    assert_eq!(diff(&[], &zeros, 0), 0);
    assert_eq!(diff(&[], &ones, 0), 0xffff);
    assert_eq!(diff(&zeros, &[], 0), 0);
    assert_eq!(diff(&ones, &[], 0), 0);
    assert_eq!(diff(&ones, &ones, 0), 0xffff);
    assert_eq!(diff(&zeros, &zeros, 0), 0xffff);
    assert_eq!(diff(&counting[..1], &[], 5), 5);
    assert_eq!(diff(&counting[..3], &counting[3..7], 5), 2315);
    assert_eq!(diff(&[], &counting[..2], 5), 261);
    assert_eq!(diff(&counting[..6], &counting[6..12], 5), 4631);
}

#[test]
fn sizes_have_32_bits() {
    let mut bytes = [1u8; 4];
    let high = 1 << 32;
    assert_eq!(call("csum_diff", [0, high, address(&mut bytes), high + 4, high]), diff(&[], &[1; 4], 0));
}

#[test]
fn adding_wraps_around_once() {
    assert_eq!(csum::add(0xffff_ffff, 1), 1);
    assert_eq!(csum::add(0xffff_ffff, 0xffff_ffff), 0xffff_ffff);
    assert_eq!(csum::sub(5, 5), 0xffff_ffff);
    assert_eq!([csum::fold(0), csum::fold(0xffff_ffff), csum::fold(0x1_fffe)], [0, 0xffff, 0xffff]);
}

/// A frame that has a checksum at 24.
fn packet(sum: u16) -> Packet {
    let mut frame = [0; 56];
    frame[24..26].copy_from_slice(&sum.to_le_bytes());
    Packet::new(&frame).expect("a frame")
}

/// A checksum, what changed from what to what, the flags, the checksum then.
type Case = (u16, u64, u64, u64, u16);

fn check(name: &str, cases: &[Case]) {
    for (sum, from, to, flags, expected) in cases {
        let mut packet = packet(*sum);
        assert_eq!(call_on(&mut packet, View::Link, name, [24, *from, *to, *flags]), 0);
        let mut bytes = [0; 56];
        bytes[24..26].copy_from_slice(&expected.to_le_bytes());
        assert_eq!(packet.bytes(), bytes, "{name}({sum:#x}, {from:#x}, {to:#x}, {flags:#x})");
    }
}

#[cfg(target_endian = "little")]
#[rustfmt::skip]
const L3: [Case; 26] = [
    (0xffff, 0xa6a3, 0, 0x2, 0xa6a3),
    (0x5d9d, 0, 0, 0x0, 0x5d9d),
    (1, 0, 0, 0x0, 1),
    (0xd3ac, 0, 0xf28c, 0x0, 0xe11f),
    (0, 0xffff, 0, 0x4, 0),
    (0xffff, 0x6b4c, 0xffff_ffff, 0x2, 0x6b4c),
    (0xffff, 0, 0xffff_ffff, 0x0, 0),
    (0x18f1, 0xffff, 1, 0x4, 0x18f0),
    (0xae2e, 1, 0xffff_ffff, 0x2, 0xae2f),
    (0xffff, 0, 0xb2f1, 0x0, 0x4d0e),
    (0x4cdd, 0xffff_ffff, 0xe009, 0x2, 0x6cd3),
    (0, 0, 0xffff_ffff, 0x0, 0),
    (1, 0x13de_ef86_ab10_31d0, 0xa09, 0x2, 0x27c8),
    (0xfffe, 0xb1fe, 0x7f26_144b_9828_9fcd, 0x2, 0x1230),
    (0, 0, 0x451a_bd81, 0x0, 0xfd63),
    (0, 0x4f42_6dcb, 0x93f4_48b3_a5aa_3c81, 0x4, 0xdae1),
    (0xfffe, 0, 1, 0x4, 0xfffd),
    (0xffff, 0x37dc_76fb_0f17_a300, 0xffff_ffff, 0x4, 0xb217),
    (0xffff, 0, 0xffff, 0x2, 0),
    (1, 1, 0xd1bc_52d9_230d_977e, 0x4, 0x4576),
    (0xfffe, 1, 0xffff, 0x4, 0),
    (0, 0, 0, 0x0, 0),
    (0x7c26, 0, 1, 0x0, 0x7c25),
    (0xfffe, 0x5190_88f5, 0x2020_3626_f3fe_39c0, 0x4, 0xacc5),
    (0x83f7, 0x74e6_9a5d_0dd2_7a65, 0x74e6_9a5d_0dd2_7a65, 0x4, 0x83f7),
    (0xf3ae, 1, 0x6623_7a04, 0x2, 0x79ab),
];

#[cfg(target_endian = "little")]
#[rustfmt::skip]
const L4: [Case; 26] = [
    (0, 0, 0xffff, 0x10, 0),
    (0xfffe, 0xffff, 0xd75, 0x34, 0xf289),
    (0xfffe, 0x687, 1, 0x34, 0x685),
    (0xfffe, 0, 0x1f72_96ab_7961_fd92, 0x14, 0x890a),
    (1, 0, 0x4fd5_8dbe, 0x22, 0x7242),
    (0xfffe, 0, 0xffff, 0x22, 0xfffe),
    (0xf373, 0, 0xea05_7543_8b0d_590b, 0x14, 0xf5b),
    (0xfffe, 0, 0xffff_ffff, 0x60, 0xfffe),
    (0xfffe, 0x5b0e, 0x8857_f9a4_3908_f227, 0x4, 0x2fdd),
    (0xfffe, 0, 0xc9d4_88b1_cfbf_3360, 0x60, 0xfcde),
    (0xffff, 0xbd68_5167_6693_4036, 0xffff, 0x64, 0xa6c9),
    (0x332d, 0, 0xfd56_a926_076b_3e36, 0x22, 0xf4f6),
    (1, 0xffff_ffff, 1, 0x12, 0),
    (0xfffe, 1, 0xffff, 0x14, 0),
    (0xffff, 0x9c3a_23cd_e67a_9b75, 0, 0x22, 0x9b75),
    (0xfffe, 0, 1, 0x64, 0xfffd),
    (0xffff, 0x2db3_997f, 0xffff_ffff, 0x22, 0x997f),
    (1, 0xbe4c_5ce6, 0xffff, 0x22, 0x5ce7),
    (0xffff, 0, 0x7721_6e9e_e7a4_6309, 0x0, 0xb551),
    (0xffff, 0x988a_f3fb, 0xffff_ffff, 0x34, 0x8c86),
    (0x27e9, 0x57a_40b2, 0x57a_40b2, 0x24, 0x27e9),
    (0x1a4f, 0xfc8e_80b3_6f0e_2289, 0xffff, 0x62, 0x3cd8),
    (0xffff, 0, 0xffff, 0x0, 0),
    (0xc380, 0xffff, 0, 0x14, 0xc380),
    (0xfffe, 0xa997, 1, 0x22, 0xa995),
    (0xd3bf, 0, 0x82b3_3599_8604_8719, 0x4, 0xc6a1),
];

#[cfg(target_endian = "little")]
#[test]
fn checksums_in_packets_are_corrected_as_the_kernel_does() {
    check("l3_csum_replace", &L3);
    check("l4_csum_replace", &L4);
}

#[test]
fn a_checksum_of_zero_means_none_where_it_says_so() {
    // 0 stays 0, or is corrected where that is enforced; nothing becomes 0.
    check(
        "l4_csum_replace",
        &[(0, 3, 5, 0x22, 0), (0, 3, 5, 0x62, 0xfffd), (1, 0, 1, 0x22, 0xffff), (1, 0, 1, 2, 0)],
    );
}

#[test]
fn places_and_flags_are_checked() {
    // Offset, old and new value, flags, results for the IPv4 header and for what
    // follows it.
    let cases = [
        (25, 0, 0, 2, EFAULT, EFAULT),
        (24, 1, 0, 0, EINVAL, EINVAL),
        (24, 0, 0, 1, EINVAL, EINVAL),
        (24, 0, 0, 3, EINVAL, EINVAL),
        (24, 0, 0, 8, EINVAL, EINVAL),
        (24, 0, 0, 0x10, EINVAL, 0),
        (24, 0, 0, 0x20, EINVAL, 0),
        (24, 0, 0, 0x80, EINVAL, 0),
        (24, 0, 0, 0x82, EINVAL, 0),
        (24, 0, 0, 0x100, EINVAL, EINVAL),
        (54, 1, 2, 2, 0, 0),
        (55, 1, 2, 2, EFAULT, EFAULT),
        (56, 1, 2, 2, EFAULT, EFAULT),
        (0x10000, 0, 1, 2, EFAULT, EFAULT),
        (0xffff, 0, 1, 2, EFAULT, EFAULT),
        (0xffff_fffe, 1, 2, 2, EFAULT, EFAULT),
    ];
    for (off, from, to, flags, l3, l4) in cases {
        for (name, expected) in [("l3_csum_replace", l3), ("l4_csum_replace", l4)] {
            let mut packet = packet(0x1234);
            let result = call_on(&mut packet, View::Link, name, [off, from, to, flags]);
            assert_eq!(result, expected, "{name} at {off:#x}, {from} to {to}, {flags:#x}");
        }
    }
}
