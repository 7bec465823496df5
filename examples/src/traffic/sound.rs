//! Frames that a well-behaved host might send.

use etherparse::{
    ArpHardwareId, ArpOperation, ArpPacket, EtherType, IcmpEchoHeader, Icmpv4Type, Icmpv6Type, IpNumber,
    Ipv6RawExtHeader, TcpHeader,
};

use crate::block_list::{BLOCKED_PORTS, BLOCKED_V4, BLOCKED_V6, TCP};
use crate::frame::{self, Ip, Route, Tag};
use crate::rng::Rng;

const SERVICES_TCP: [u16; 4] = [22, 80, 443, 8080];
const SERVICES_UDP: [u16; 4] = [123, 443, 4789, 5353];
const DNS: u16 = 53;
const MTU: usize = 1500;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

/// How much a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Empty,
    Short,
    /// As much as an Ethernet frame takes.
    Full,
}

impl Length {
    /// A payload, in a packet whose headers take `headers` bytes.
    fn payload(self, rng: &mut Rng, headers: usize) -> Vec<u8> {
        let len = match self {
            Self::Empty => 0,
            Self::Short => 1 + rng.below(160),
            Self::Full => MTU - headers,
        };
        rng.bytes(len)
    }
}

/// Two ends of a conversation: one of 24 clients, which has one port, and the one
/// server and service that it talks to.
struct Talk {
    route: Route,
    ports: [u16; 2],
}

/// A talk in the direction of the service or back.
fn talk(rng: &mut Rng, family: Family, services: &[u16]) -> Talk {
    let client = rng.below(24);
    let route = route(family, 1 + client as u8, 1 + client as u8 % 4);
    let ports = [40_000 + client as u16, services[client / 4 % services.len()]];
    let forth = Talk { route, ports };
    if rng.below(3) == 0 { forth.reversed() } else { forth }
}

impl Talk {
    fn reversed(self) -> Self {
        let [from, to] = self.ports;
        let route = match self.route {
            Route::V4 { from, to } => Route::V4 { from: to, to: from },
            Route::V6 { from, to } => Route::V6 { from: to, to: from },
        };
        Self { route, ports: [to, from] }
    }
}

fn route(family: Family, client: u8, server: u8) -> Route {
    match family {
        Family::V4 => Route::V4 { from: [10, 0, 0, client], to: [10, 1, 0, server] },
        Family::V6 => Route::V6 { from: v6(1, client), to: v6(2, server) },
    }
}

/// 2001:db8:`net`::`host`
fn v6(net: u8, host: u8) -> [u8; 16] {
    [0x20, 0x01, 0x0d, 0xb8, 0, net, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]
}

fn ip_headers(family: Family) -> usize {
    match family {
        Family::V4 => 20,
        Family::V6 => 40,
    }
}

/// None for seven frames in ten, 802.1Q for two, QinQ in one of its two spellings for one.
fn tags(rng: &mut Rng) -> Vec<Tag> {
    let (outer, inner) = (1 + rng.below(4000) as u16, 1 + rng.below(4000) as u16);
    match rng.below(20) {
        0..14 => vec![],
        14..18 => vec![Tag::Customer(inner)],
        18 => vec![Tag::Service(outer), Tag::Customer(inner)],
        _ => vec![Tag::Customer(outer), Tag::Customer(inner)],
    }
}

/// The frame of a whole IP packet, tagged or not.
fn framed(rng: &mut Rng, route: Route, protocol: IpNumber, payload: &[u8]) -> Vec<u8> {
    frame::ip(&tags(rng), route, Ip::plain(protocol), payload)
}

fn tcp_header(rng: &mut Rng, [from, to]: [u16; 2]) -> TcpHeader {
    let mut header = TcpHeader::new(from, to, rng.bits() as u32, 0xfaf0);
    header.ack = true;
    header.acknowledgment_number = rng.bits() as u32;
    header
}

pub(super) fn tcp(rng: &mut Rng, family: Family, length: Length) -> Vec<u8> {
    let Talk { route, ports } = talk(rng, family, &SERVICES_TCP);
    let mut header = tcp_header(rng, ports);
    header.psh = true;
    let payload = length.payload(rng, ip_headers(family) + header.header_len());
    framed(rng, route, IpNumber::TCP, &frame::tcp(route, header, &payload))
}

/// With the options that a Linux host sends: a longer TCP header.
pub(super) fn tcp_syn(rng: &mut Rng, family: Family) -> Vec<u8> {
    let Talk { route, ports } = talk(rng, family, &SERVICES_TCP);
    let mut header = TcpHeader::new(ports[0], ports[1], rng.bits() as u32, 0xfaf0);
    header.syn = true;
    header.ack = rng.below(4) == 0;
    let options = [2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7, 1, 0];
    header.set_options_raw(&options).expect("12 bytes of options are allowed");
    framed(rng, route, IpNumber::TCP, &frame::tcp(route, header, &[]))
}

pub(super) fn udp(rng: &mut Rng, family: Family, length: Length) -> Vec<u8> {
    let Talk { route, ports } = talk(rng, family, &SERVICES_UDP);
    let payload = length.payload(rng, ip_headers(family) + 8);
    framed(rng, route, IpNumber::UDP, &frame::udp(route, ports, &payload))
}

/// A question for example.com, or as many bytes back.
pub(super) fn dns(rng: &mut Rng, family: Family) -> Vec<u8> {
    let Talk { route, ports } = talk(rng, family, &[DNS]);
    let id = rng.bytes(2);
    let rest = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01";
    framed(rng, route, IpNumber::UDP, &frame::udp(route, ports, &[&id[..], rest].concat()))
}

pub(super) fn ping(rng: &mut Rng, family: Family) -> Vec<u8> {
    let Talk { route, ports } = talk(rng, family, &[0]);
    let is_request = ports[1] == 0;
    let echo = IcmpEchoHeader { id: ports[0] | ports[1], seq: rng.below(100) as u16 };
    let payload = rng.bytes(56);
    let (protocol, message) = match route {
        Route::V4 { .. } => {
            let kind = if is_request { Icmpv4Type::EchoRequest(echo) } else { Icmpv4Type::EchoReply(echo) };
            (IpNumber::ICMP, frame::icmp(kind, &payload))
        }
        Route::V6 { from, to } => {
            let kind = if is_request { Icmpv6Type::EchoRequest(echo) } else { Icmpv6Type::EchoReply(echo) };
            (IpNumber::IPV6_ICMP, frame::icmpv6(from, to, kind, &payload))
        }
    };
    framed(rng, route, protocol, &message)
}

/// Protocols that the firewall has no class for; the last two are ICMP of the
/// other family, which means nothing.
pub(super) fn other_protocol(rng: &mut Rng, family: Family) -> Vec<u8> {
    let foreign = match family {
        Family::V4 => IpNumber::IPV6_ICMP,
        Family::V6 => IpNumber::ICMP,
    };
    let numbers = [IpNumber::GRE, IpNumber::SCTP, IpNumber::ENCAPSULATING_SECURITY_PAYLOAD, foreign];
    let protocol = rng.pick(&numbers);
    let Talk { route, .. } = talk(rng, family, &[0]);
    let payload = Length::Short.payload(rng, 0);
    framed(rng, route, protocol, &payload)
}

/// TCP behind 4 to 40 bytes of IPv4 options.
pub(super) fn ip_options(rng: &mut Rng) -> Vec<u8> {
    let Talk { route, ports } = talk(rng, Family::V4, &SERVICES_TCP);
    let header = tcp_header(rng, ports);
    let segment = frame::tcp(route, header, b"options");
    let mut ip = Ip::plain(IpNumber::TCP);
    ip.options = match rng.below(3) {
        0 => [0x94, 4, 0, 0].into(),                       // router alert
        1 => [7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0].into(), // record route
        _ => [1; 40].into(),                               // no-operation
    };
    frame::ip(&tags(rng), route, ip, &segment)
}

/// The first 64 bytes of a UDP datagram of 1000.
pub(super) fn first_fragment(rng: &mut Rng, family: Family) -> Vec<u8> {
    let Talk { route, ports } = talk(rng, family, &SERVICES_UDP);
    let payload = rng.bytes(992);
    let datagram = frame::udp(route, ports, &payload);
    fragment(rng, route, 0, true, &datagram[..64])
}

/// A part of a UDP datagram that starts with neither header nor, in half the
/// cases, enough bytes to hold one.
pub(super) fn later_fragment(rng: &mut Rng, family: Family) -> Vec<u8> {
    let Talk { route, .. } = talk(rng, family, &[0]);
    let len = rng.pick(&[4, 64]);
    let payload = rng.bytes(len);
    let offset = 8 + rng.below(100) as u16;
    fragment(rng, route, offset, len == 64, &payload)
}

fn fragment(rng: &mut Rng, route: Route, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    match route {
        Route::V4 { .. } => {
            let whole = Ip::plain(IpNumber::UDP);
            let ip = Ip { fragment_offset: offset, more_fragments: more, ..whole };
            frame::ip(&tags(rng), route, ip, payload)
        }
        Route::V6 { .. } => {
            let header = ipv6_fragment_header(rng, offset, more);
            let body = [&header[..], payload].concat();
            framed(rng, route, IpNumber::IPV6_FRAGMENTATION_HEADER, &body)
        }
    }
}

/// RFC 8200, section 4.5, in front of UDP. Not etherparse's: version 0.19 puts the
/// last bits of the offset and the M flag elsewhere.
fn ipv6_fragment_header(rng: &mut Rng, offset: u16, more: bool) -> [u8; 8] {
    let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
    let id = rng.bits() as u32;
    let [a, b, c, d] = id.to_be_bytes();
    [IpNumber::UDP.0, 0, high, low, a, b, c, d]
}

/// UDP behind `count` IPv6 extension headers of random kinds.
pub(super) fn extensions(rng: &mut Rng, count: usize) -> Vec<u8> {
    let Talk { route, ports } = talk(rng, Family::V6, &SERVICES_UDP);
    let mut next = IpNumber::UDP;
    let mut body = frame::udp(route, ports, b"extended");
    for _ in 0..count {
        (next, body) = extended(rng, next, &body);
    }
    framed(rng, route, next, &body)
}

/// `body` behind one more extension header, and that header's number.
fn extended(rng: &mut Rng, next: IpNumber, body: &[u8]) -> (IpNumber, Vec<u8>) {
    let kinds = [
        IpNumber::IPV6_HEADER_HOP_BY_HOP,
        IpNumber::IPV6_ROUTE_HEADER,
        IpNumber::IPV6_DESTINATION_OPTIONS,
        IpNumber::AUTHENTICATION_HEADER,
    ];
    let kind = rng.pick(&kinds);
    if kind == IpNumber::AUTHENTICATION_HEADER {
        return (kind, frame::authenticated(next, body));
    }
    let padding: &[u8] =
        if rng.below(2) == 0 { &[1, 4, 0, 0, 0, 0] } else { &[1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] };
    let header = Ipv6RawExtHeader::new_raw(next, padding).expect("6 and 14 bytes fill 8 and 16");
    (kind, [&header.to_bytes(), body].concat())
}

pub(super) fn arp(rng: &mut Rng) -> Vec<u8> {
    let (asker, wanted) = ([10, 0, 0, 1 + rng.below(24) as u8], [10, 1, 0, 1]);
    let packet = ArpPacket::new(
        ArpHardwareId::ETHERNET,
        EtherType::IPV4,
        ArpOperation::REQUEST,
        &[2, 0, 0, 0, 0, 1],
        &asker,
        &[0; 6],
        &wanted,
    );
    let packet = packet.expect("both addresses have the lengths of their kind").to_bytes();
    frame::ethernet(&tags(rng), EtherType::ARP, &packet)
}

/// LLDP, MPLS, and a number that nobody uses.
pub(super) fn not_ip(rng: &mut Rng) -> Vec<u8> {
    let ether_type = EtherType(rng.pick(&[0x88cc, 0x8847, 0x9000]));
    let payload = rng.bytes(46);
    frame::ethernet(&tags(rng), ether_type, &payload)
}

/// One tag more than the firewall looks behind.
pub(super) fn triple_tagged(rng: &mut Rng) -> Vec<u8> {
    let Talk { route, ports } = talk(rng, Family::V4, &SERVICES_UDP);
    let datagram = frame::udp(route, ports, b"deep");
    frame::ip(
        &[Tag::Service(1), Tag::Customer(2), Tag::Customer(3)],
        route,
        Ip::plain(IpNumber::UDP),
        &datagram,
    )
}

/// TCP, UDP or a ping from an address on the block list.
pub(super) fn blocked_source(rng: &mut Rng, family: Family) -> Vec<u8> {
    let server = 1 + rng.below(4) as u8;
    let route = match family {
        Family::V4 => Route::V4 { from: rng.pick(&BLOCKED_V4), to: [10, 1, 0, server] },
        Family::V6 => Route::V6 { from: rng.pick(&BLOCKED_V6), to: v6(2, server) },
    };
    let ports = [50_000 + rng.below(16) as u16, rng.pick(&SERVICES_TCP)];
    let payload = Length::Short.payload(rng, 0);
    if rng.below(3) == 0 {
        framed(rng, route, IpNumber::UDP, &frame::udp(route, ports, &payload))
    } else {
        let header = tcp_header(rng, ports);
        framed(rng, route, IpNumber::TCP, &frame::tcp(route, header, &payload))
    }
}

/// From a welcome host to a blocked port.
pub(super) fn blocked_port(rng: &mut Rng) -> Vec<u8> {
    let family = rng.pick(&[Family::V4, Family::V6]);
    let (protocol, port) = rng.pick(&BLOCKED_PORTS);
    let route = route(family, 1 + rng.below(24) as u8, 1);
    let ports = [50_000, port];
    if protocol == TCP {
        let header = tcp_header(rng, ports);
        framed(rng, route, IpNumber::TCP, &frame::tcp(route, header, b"login"))
    } else {
        framed(rng, route, IpNumber::UDP, &frame::udp(route, ports, b"M-SEARCH"))
    }
}
