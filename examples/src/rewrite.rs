//! What the programs of `rewrite.c` should make of a frame.

use crate::block_list::{TCP, UDP};
use crate::bytes::{array, be16, byte};

const L2: usize = 14;
const IP_CHECKSUM: usize = L2 + 10;
const FROM: usize = L2 + 12;
const TO: usize = L2 + 16;
const L4: usize = L2 + 20;

/// The program `echo`: the reply to an ICMP echo request (`XDP_TX`), or `None`
/// if the frame is passed on as it is (`XDP_PASS`).
pub fn echo_model(frame: &[u8]) -> Option<Vec<u8>> {
    let is_ping = is_plain_ipv4(frame)? && byte(frame, L2 + 9)? == 1;
    let icmp: [u8; 8] = array(frame, L4)?;
    if !is_ping || icmp[..2] != [8, 0] {
        return None;
    }
    let mut reply = frame.to_vec();
    swap(&mut reply, 0, 6, 6);
    swap(&mut reply, FROM, TO, 4);
    reply[L2 + 8] = 64;
    put(&mut reply, IP_CHECKSUM, 0);
    let header_sum = sum(&reply[L2..L4]);
    put(&mut reply, IP_CHECKSUM, !header_sum);
    reply[L4] = 0;
    update(&mut reply, L4 + 2, &[8, 0], &[0, 0]);
    Some(reply)
}

/// The program `nat` with `from` -> `to` in `nat_table`: the frame with its
/// destination replaced, or `None` if it is left as it is. `XDP_PASS` either way.
pub fn nat_model(frame: &[u8], from: [u8; 4], to: [u8; 4]) -> Option<Vec<u8>> {
    if !is_plain_ipv4(frame)? || array(frame, TO)? != from {
        return None;
    }
    let mut out = frame.to_vec();
    out[TO..TO + 4].copy_from_slice(&to);
    update(&mut out, IP_CHECKSUM, &from, &to);
    let protocol = frame[L2 + 9];
    if let Some(at) = transport_checksum(frame, protocol) {
        update(&mut out, at, &from, &to);
        if protocol == UDP && out[at..at + 2] == [0, 0] {
            put(&mut out, at, 0xffff);
        }
    }
    Some(out)
}

/// Whether the frame is untagged IPv4 without options and no later fragment.
fn is_plain_ipv4(frame: &[u8]) -> Option<bool> {
    let header: [u8; 20] = array(frame, L2)?;
    let later_fragment = be16(&header, 6)? & 0x1fff != 0;
    Some(be16(frame, 12)? == 0x0800 && header[0] == 0x45 && !later_fragment)
}

/// Where TCP's or UDP's checksum stands, if there is one to keep right.
fn transport_checksum(frame: &[u8], protocol: u8) -> Option<usize> {
    match protocol {
        TCP => array::<20>(frame, L4).map(|_| L4 + 16),
        UDP => array::<8>(frame, L4).filter(|udp| udp[6..] != [0, 0]).map(|_| L4 + 6),
        _ => None,
    }
}

/// Adjusts the checksum at `at` for bytes under it that changed (RFC 1624).
fn update(frame: &mut [u8], at: usize, from: &[u8], to: &[u8]) {
    let old = u16::from_be_bytes([frame[at], frame[at + 1]]);
    let without = add(!old, !sum(from));
    put(frame, at, !add(without, sum(to)));
}

/// The one's complement sum of `bytes`, of which there is an even number.
fn sum(bytes: &[u8]) -> u16 {
    bytes.chunks_exact(2).fold(0, |sum, pair| add(sum, u16::from_be_bytes([pair[0], pair[1]])))
}

fn add(a: u16, b: u16) -> u16 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u16::from(carry)
}

fn put(frame: &mut [u8], at: usize, value: u16) {
    frame[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

fn swap(frame: &mut [u8], a: usize, b: usize, len: usize) {
    let (left, right) = frame.split_at_mut(b);
    left[a..a + len].swap_with_slice(&mut right[..len]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic;
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};

    /// Whether etherparse, computing them anew, finds the IPv4, ICMP, TCP and UDP
    /// checksums that the frame has.
    fn checksums_hold(frame: &[u8]) -> bool {
        let sliced = SlicedPacket::from_ethernet(frame).unwrap();
        let Some(NetSlice::Ipv4(ip)) = sliced.net else { panic!("not IPv4") };
        let header = ip.header().to_header();
        let transport = match sliced.transport {
            Some(TransportSlice::Icmpv4(icmp)) => sum(icmp.slice()) == 0xffff,
            Some(TransportSlice::Tcp(tcp)) => {
                tcp.checksum() == tcp.to_header().calc_checksum_ipv4(&header, tcp.payload()).unwrap()
            }
            Some(TransportSlice::Udp(udp)) => {
                udp.checksum() == udp.to_header().calc_checksum_ipv4(&header, udp.payload()).unwrap()
            }
            Some(TransportSlice::Icmpv6(_)) | None => true,
        };
        transport && header.header_checksum == header.calc_header_checksum()
    }

    fn sound_frames() -> impl Iterator<Item = Vec<u8>> {
        let all = traffic::packets().into_iter().map(|packet| packet.bytes);
        all.filter(|frame| SlicedPacket::from_ethernet(frame).is_ok())
    }

    #[test]
    fn replies_have_right_checksums_and_swapped_addresses() {
        let mut replies = 0;
        for frame in sound_frames() {
            let Some(reply) = echo_model(&frame) else { continue };
            assert!(checksums_hold(&reply));
            assert_eq!((&reply[FROM..TO], &reply[..6]), (&frame[TO..L4], &frame[6..12]));
            replies += 1;
        }
        assert!(replies >= 10, "{replies} pings");
    }

    #[test]
    fn translated_frames_keep_right_checksums() {
        let mut translated = 0;
        for frame in sound_frames() {
            let Some(out) = nat_model(&frame, [10, 1, 0, 1], [10, 2, 0, 7]) else { continue };
            assert_eq!(out[TO..L4], [10, 2, 0, 7]);
            let is_first_fragment = frame[L2 + 6] & 0x20 != 0;
            assert!(is_first_fragment || checksums_hold(&out));
            translated += 1;
        }
        assert!(translated >= 50, "{translated} frames");
    }
}
