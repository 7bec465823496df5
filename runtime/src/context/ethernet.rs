//! What the kernel reads from a frame's Ethernet header (`eth_type_trans`).

/// The length of an Ethernet header, in bytes.
pub(crate) const HEADER: usize = 14;

/// `ETH_P_802_3_MIN`: a type field below is a length.
const TYPES: u16 = 0x600;
/// `ETH_P_802_3`: a raw 802.3 frame.
const RAW_802_3: u16 = 1;
/// `ETH_P_802_2`: a frame with an LLC header.
const LLC: u16 = 4;

/// The protocol, in network order, as `skb->protocol` has it: the type field,
/// or a number of the kernel's own where that is a length.
pub(crate) fn protocol(frame: &[u8]) -> u32 {
    let Some(([.., high, low], rest)) = frame.split_first_chunk::<HEADER>() else { return 0 };
    let number = match u16::from_be_bytes([*high, *low]) {
        number if number >= TYPES => number,
        // Novell's frames have no LLC header: they start with a checksum that is
        // not used.
        _ if rest.starts_with(&[0xff, 0xff]) => RAW_802_3,
        _ => LLC,
    };
    u16::from_ne_bytes(number.to_be_bytes()).into()
}

/// Whom the frame is for, as `skb->pkt_type` has it on the loopback device, whose
/// own address is all zeros: `PACKET_HOST` 0, `PACKET_MULTICAST` 2,
/// `PACKET_OTHERHOST` 3.
pub(crate) fn pkt_type(frame: &[u8]) -> u32 {
    match frame {
        [0, 0, 0, 0, 0, 0, ..] => 0,
        [first, ..] if first & 1 != 0 => 2,
        _ => 3,
    }
}
