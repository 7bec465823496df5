//! What `count_flows` of `flows.c` should find in a frame.

use crate::block_list::{TCP, UDP};
use crate::bytes::{array, be16};

/// Bytes in a key of the map `flows`: source and destination (16 each, an IPv4
/// address in the first 4), source and destination port (big-endian, 2 each),
/// protocol, family (4 or 6), two zeros.
pub const KEY_LEN: usize = 40;

/// The flow that a frame belongs to; `None` if `count_flows` skips it. Its
/// `skb->protocol` is taken to be the frame's first EtherType.
pub fn flow_key_model(frame: &[u8]) -> Option<[u8; KEY_LEN]> {
    let mut at = 14;
    let mut ethertype = be16(frame, 12)?;
    for _ in 0..2 {
        if matches!(ethertype, 0x8100 | 0x88a8) {
            ethertype = be16(frame, at + 2)?;
            at += 4;
        }
    }
    match ethertype {
        0x0800 => ipv4_key(frame.get(at..)?),
        0x86dd => ipv6_key(frame.get(at..)?),
        _ => None,
    }
}

fn ipv4_key(packet: &[u8]) -> Option<[u8; KEY_LEN]> {
    let header: [u8; 20] = array(packet, 0)?;
    let mut key = [0; KEY_LEN];
    key[..4].copy_from_slice(&header[12..16]);
    key[16..20].copy_from_slice(&header[16..20]);
    (key[36], key[37]) = (header[9], 4);
    let later_fragment = be16(&header, 6)? & 0x1fff != 0;
    let transport = usize::from(header[0] & 15) * 4;
    if later_fragment { Some(key) } else { with_ports(key, packet, transport) }
}

fn ipv6_key(packet: &[u8]) -> Option<[u8; KEY_LEN]> {
    let header: [u8; 40] = array(packet, 0)?;
    let mut key = [0; KEY_LEN];
    key[..32].copy_from_slice(&header[8..]);
    (key[36], key[37]) = (header[6], 6);
    with_ports(key, packet, 40)
}

fn with_ports(mut key: [u8; KEY_LEN], packet: &[u8], transport: usize) -> Option<[u8; KEY_LEN]> {
    if matches!(key[36], TCP | UDP) {
        key[32..36].copy_from_slice(&array::<4>(packet, transport)?);
    }
    Some(key)
}
