//! Frames that are truncated or contradict themselves: each is a sound frame
//! with one flaw.

use etherparse::{IcmpEchoHeader, Icmpv4Type, IpNumber, TcpHeader};

use crate::frame::{self, Ip, Route, Tag};
use crate::rng::Rng;

const L2: usize = 14;
const L4_OF_V4: usize = L2 + 20;
const L4_OF_V6: usize = L2 + 40;

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    EndsInTag,
    EndsInIpv4Header,
    Ipv4Version,
    Ipv4HeaderTooShort,
    Ipv4TotalBelowHeader,
    Ipv4PastEnd,
    EndsInTcpHeader,
    TcpHeaderTooShort,
    TcpHeaderPastEnd,
    EndsInUdpHeader,
    UdpLengthBelowHeader,
    UdpPastEnd,
    EndsInIcmpHeader,
    EndsInIpv6Header,
    Ipv6Version,
    Ipv6PastEnd,
    ExtensionPastEnd,
    EndsInExtension,
}

impl Flaw {
    pub(super) const ALL: [Self; 18] = [
        Self::EndsInTag,
        Self::EndsInIpv4Header,
        Self::Ipv4Version,
        Self::Ipv4HeaderTooShort,
        Self::Ipv4TotalBelowHeader,
        Self::Ipv4PastEnd,
        Self::EndsInTcpHeader,
        Self::TcpHeaderTooShort,
        Self::TcpHeaderPastEnd,
        Self::EndsInUdpHeader,
        Self::UdpLengthBelowHeader,
        Self::UdpPastEnd,
        Self::EndsInIcmpHeader,
        Self::EndsInIpv6Header,
        Self::Ipv6Version,
        Self::Ipv6PastEnd,
        Self::ExtensionPastEnd,
        Self::EndsInExtension,
    ];
}

/// A frame with `flaw`, from a host that is not blocked.
pub(super) fn frame(rng: &mut Rng, flaw: Flaw) -> Vec<u8> {
    match flaw {
        Flaw::EndsInTag => tagged(rng)[..L2 + 2].to_vec(),
        Flaw::EndsInIpv4Header => tcp4(rng)[..L4_OF_V4 - 1].to_vec(),
        Flaw::Ipv4Version => patched(tcp4(rng), L2, 0x55),
        Flaw::Ipv4HeaderTooShort => patched(tcp4(rng), L2, 0x44),
        Flaw::Ipv4TotalBelowHeader => patched(tcp4(rng), L2 + 3, 19),
        Flaw::Ipv4PastEnd => patched(tcp4(rng), L2 + 2, 0x10),
        Flaw::EndsInTcpHeader => carrying(rng, IpNumber::TCP, 19),
        Flaw::TcpHeaderTooShort => patched(tcp4(rng), L4_OF_V4 + 12, 0x40),
        Flaw::TcpHeaderPastEnd => patched(tcp4(rng), L4_OF_V4 + 12, 0xf0),
        Flaw::EndsInUdpHeader => carrying(rng, IpNumber::UDP, 7),
        Flaw::UdpLengthBelowHeader => patched(udp4(rng), L4_OF_V4 + 5, 7),
        Flaw::UdpPastEnd => patched(udp4(rng), L4_OF_V4 + 5, 0xff),
        Flaw::EndsInIcmpHeader => carrying(rng, IpNumber::ICMP, 7),
        Flaw::EndsInIpv6Header => udp6(rng)[..L4_OF_V6 - 1].to_vec(),
        Flaw::Ipv6Version => patched(udp6(rng), L2, 0x40),
        Flaw::Ipv6PastEnd => patched(udp6(rng), L2 + 4, 0x10),
        Flaw::ExtensionPastEnd => extension(rng, 8),
        Flaw::EndsInExtension => extension(rng, 4),
    }
}

fn patched(mut frame: Vec<u8>, at: usize, byte: u8) -> Vec<u8> {
    frame[at] = byte;
    frame
}

fn v4(rng: &mut Rng) -> Route {
    Route::V4 { from: [10, 0, 1, 1 + rng.below(24) as u8], to: [10, 1, 0, 1] }
}

fn v6(rng: &mut Rng) -> Route {
    let from = [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 + rng.below(24) as u8];
    Route::V6 { from, to: [0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] }
}

fn tagged(rng: &mut Rng) -> Vec<u8> {
    let route = v4(rng);
    let message = frame::icmp(Icmpv4Type::EchoRequest(IcmpEchoHeader { id: 1, seq: 1 }), b"tagged");
    frame::ip(&[Tag::Customer(100)], route, Ip::plain(IpNumber::ICMP), &message)
}

fn tcp4(rng: &mut Rng) -> Vec<u8> {
    let route = v4(rng);
    let header = TcpHeader::new(50_000, 80, rng.bits() as u32, 0xfaf0);
    frame::ip(&[], route, Ip::plain(IpNumber::TCP), &frame::tcp(route, header, b"flawed"))
}

fn udp4(rng: &mut Rng) -> Vec<u8> {
    let route = v4(rng);
    frame::ip(&[], route, Ip::plain(IpNumber::UDP), &frame::udp(route, [50_000, 123], b"flawed"))
}

fn udp6(rng: &mut Rng) -> Vec<u8> {
    let route = v6(rng);
    frame::ip(&[], route, Ip::plain(IpNumber::UDP), &frame::udp(route, [50_000, 123], b"flawed"))
}

/// An IPv4 packet of `protocol` with `len` bytes, too few for its header.
fn carrying(rng: &mut Rng, protocol: IpNumber, len: usize) -> Vec<u8> {
    let route = v4(rng);
    let payload = rng.bytes(len);
    frame::ip(&[], route, Ip::plain(protocol), &payload)
}

/// An IPv6 packet whose payload is the first `len` bytes of a 16-byte extension.
fn extension(rng: &mut Rng, len: usize) -> Vec<u8> {
    let route = v6(rng);
    let header = [17, 1, 1, 4, 0, 0, 0, 0];
    frame::ip(&[], route, Ip::plain(IpNumber::IPV6_DESTINATION_OPTIONS), &header[..len])
}
