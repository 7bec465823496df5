//! What the socket filters of `filter.c` should return for a frame that starts
//! with its Ethernet header.

use crate::block_list::{TCP, UDP};
use crate::bytes::{be16, byte};

const L2: usize = 14;
const SNAP_LEN: u32 = 128;
const WHOLE_PACKET: u32 = 0x40000;
const DNS: u16 = 53;

/// The program `dns`: 128 for DNS over UDP over IPv4 in an untagged frame, else 0.
pub fn dns_model(frame: &[u8]) -> u32 {
    dns_ports(frame).filter(|ports| ports.contains(&DNS)).map_or(0, |_| SNAP_LEN)
}

/// Source and destination port. The second load happens only where the first
/// port does not decide, so a frame that ends between them may still match.
fn dns_ports(frame: &[u8]) -> Option<[u16; 2]> {
    let is_udp = be16(frame, 12)? == 0x0800 && byte(frame, L2 + 9)? == UDP;
    if !is_udp || be16(frame, L2 + 6)? & 0x1fff != 0 {
        return None;
    }
    let transport = L2 + usize::from(byte(frame, L2)? & 15) * 4;
    let from = be16(frame, transport)?;
    let to = if from == DNS { 0 } else { be16(frame, transport + 2)? };
    Some([from, to])
}

/// The program `tcp_syn`: 0x40000 for a whole TCP header with SYN and without ACK,
/// over IPv4 or IPv6 without extension headers in an untagged frame, else 0.
pub fn tcp_syn_model(frame: &[u8]) -> u32 {
    match tcp_flags(frame) {
        Some(flags) if flags & 0x12 == 0x02 => WHOLE_PACKET,
        Some(_) | None => 0,
    }
}

fn tcp_flags(frame: &[u8]) -> Option<u8> {
    let (protocol, transport) = match be16(frame, 12)? {
        0x0800 => {
            let header = frame.get(L2..L2 + 20)?;
            let first = be16(header, 6)? & 0x1fff == 0;
            first.then_some((header[9], L2 + usize::from(header[0] & 15) * 4))?
        }
        0x86dd => (byte(frame, L2 + 6)?, L2 + 40),
        _ => return None,
    };
    let header = frame.get(transport..transport + 20)?;
    (protocol == TCP).then(|| header[13])
}
