//! The layers of a frame, built from the inside out with etherparse's headers.

use etherparse::{
    EtherType, Ethernet2Header, Icmpv4Header, Icmpv4Type, Icmpv6Header, Icmpv6Type, IpAuthHeader,
    IpFragOffset, IpNumber, Ipv4Header, Ipv4Options, Ipv6Header, SingleVlanHeader, TcpHeader, UdpHeader,
    VlanId,
};

const FITS: &str = "the traffic's payloads fit a 16-bit length";

/// Who sends to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    V4 { from: [u8; 4], to: [u8; 4] },
    V6 { from: [u8; 16], to: [u8; 16] },
}

/// What an IP header says beyond addresses and lengths.
#[derive(Clone, Debug)]
pub(crate) struct Ip {
    pub(crate) protocol: IpNumber,
    /// IPv4 only: option bytes.
    pub(crate) options: Ipv4Options,
    /// IPv4 only: offset in units of 8 bytes.
    pub(crate) fragment_offset: u16,
    /// IPv4 only.
    pub(crate) more_fragments: bool,
}

impl Ip {
    /// A whole packet without options.
    pub(crate) fn plain(protocol: IpNumber) -> Self {
        Self { protocol, options: Ipv4Options::new(), fragment_offset: 0, more_fragments: false }
    }
}

/// A VLAN tag with its VLAN's number: 802.1Q, or the 802.1ad one around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Customer(u16),
    Service(u16),
}

impl Tag {
    fn ether_type(self) -> EtherType {
        match self {
            Self::Customer(_) => EtherType::VLAN_TAGGED_FRAME,
            Self::Service(_) => EtherType::PROVIDER_BRIDGING,
        }
    }

    fn vlan(self) -> VlanId {
        match self {
            Self::Customer(id) | Self::Service(id) => VlanId::try_new(id).expect("VLANs are below 4096"),
        }
    }
}

/// An Ethernet frame around `payload`, with `tags` from the outside in.
pub(crate) fn ethernet(tags: &[Tag], ether_type: EtherType, payload: &[u8]) -> Vec<u8> {
    let inner = |at: usize| tags.get(at).map_or(ether_type, |tag| tag.ether_type());
    let header = Ethernet2Header {
        source: [0x02, 0, 0, 0, 0, 0x01],
        destination: [0x02, 0, 0, 0, 0, 0x02],
        ether_type: inner(0),
    };
    let mut frame = header.to_bytes().to_vec();
    for (at, tag) in tags.iter().enumerate() {
        let next = inner(at + 1);
        let tag = SingleVlanHeader { vlan_id: tag.vlan(), ether_type: next, ..Default::default() };
        frame.extend(tag.to_bytes());
    }
    frame.extend(payload);
    frame
}

/// The frame around an IP packet around `payload`.
pub(crate) fn ip(tags: &[Tag], route: Route, ip: Ip, payload: &[u8]) -> Vec<u8> {
    match route {
        Route::V4 { from, to } => ethernet(tags, EtherType::IPV4, &ipv4(from, to, ip, payload)),
        Route::V6 { from, to } => ethernet(tags, EtherType::IPV6, &ipv6(from, to, &ip, payload)),
    }
}

fn ipv4(source: [u8; 4], destination: [u8; 4], ip: Ip, payload: &[u8]) -> Vec<u8> {
    let mut header = Ipv4Header {
        time_to_live: 64,
        protocol: ip.protocol,
        options: ip.options,
        fragment_offset: IpFragOffset::try_new(ip.fragment_offset).expect("offsets are below 8192"),
        more_fragments: ip.more_fragments,
        source,
        destination,
        ..Ipv4Header::default()
    };
    header.set_payload_len(payload.len()).expect(FITS);
    header.header_checksum = header.calc_header_checksum();
    [&header.to_bytes(), payload].concat()
}

fn ipv6(source: [u8; 16], destination: [u8; 16], ip: &Ip, payload: &[u8]) -> Vec<u8> {
    let mut header =
        Ipv6Header { next_header: ip.protocol, hop_limit: 64, source, destination, ..Ipv6Header::default() };
    header.set_payload_length(payload.len()).expect(FITS);
    [&header.to_bytes(), payload].concat()
}

/// A TCP segment with its checksum.
pub(crate) fn tcp(route: Route, mut header: TcpHeader, payload: &[u8]) -> Vec<u8> {
    let checksum = match route {
        Route::V4 { from, to } => header.calc_checksum_ipv4_raw(from, to, payload),
        Route::V6 { from, to } => header.calc_checksum_ipv6_raw(from, to, payload),
    };
    header.checksum = checksum.expect(FITS);
    [&header.to_bytes(), payload].concat()
}

/// A UDP datagram with its checksum.
pub(crate) fn udp(route: Route, ports: [u16; 2], payload: &[u8]) -> Vec<u8> {
    let [source_port, destination_port] = ports;
    let length = u16::try_from(payload.len() + UdpHeader::LEN).expect(FITS);
    let mut header = UdpHeader { source_port, destination_port, length, checksum: 0 };
    let checksum = match route {
        Route::V4 { from, to } => header.calc_checksum_ipv4_raw(from, to, payload),
        Route::V6 { from, to } => header.calc_checksum_ipv6_raw(from, to, payload),
    };
    header.checksum = checksum.expect(FITS);
    [&header.to_bytes(), payload].concat()
}

/// An ICMP message with its checksum.
pub(crate) fn icmp(kind: Icmpv4Type, payload: &[u8]) -> Vec<u8> {
    [&Icmpv4Header::with_checksum(kind, payload).to_bytes(), payload].concat()
}

/// An ICMPv6 message with its checksum.
pub(crate) fn icmpv6(from: [u8; 16], to: [u8; 16], kind: Icmpv6Type, payload: &[u8]) -> Vec<u8> {
    let header = Icmpv6Header::with_checksum(kind, from, to, payload).expect(FITS);
    [&header.to_bytes(), payload].concat()
}

/// An authentication header with a 12-byte check value, in front of `payload`.
pub(crate) fn authenticated(next: IpNumber, payload: &[u8]) -> Vec<u8> {
    let header = IpAuthHeader::new(next, 0x100, 1, &[0xa5; 12]).expect("12 is a multiple of 4");
    [&header.to_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};

    #[test]
    fn layers_come_apart_again() {
        let route = Route::V4 { from: [10, 0, 0, 1], to: [10, 0, 0, 2] };
        let datagram = udp(route, [1000, 53], b"hello");
        let frame = ip(&[Tag::Service(7), Tag::Customer(8)], route, Ip::plain(IpNumber::UDP), &datagram);
        let sliced = SlicedPacket::from_ethernet(&frame).unwrap();
        let ids: Vec<u16> = sliced.vlan_ids().iter().map(|id| id.value()).collect();
        assert_eq!(ids, [7, 8]);
        assert_eq!(frame[12..14], [0x88, 0xa8]);
        let Some(TransportSlice::Udp(udp)) = sliced.transport else { panic!("no UDP") };
        assert_eq!((udp.destination_port(), udp.payload()), (53, &b"hello"[..]));
        let Some(NetSlice::Ipv4(ip)) = sliced.net else { panic!("no IPv4") };
        assert_eq!(ip.header().header_checksum(), ip.header().to_header().calc_header_checksum());
    }
}
