//! What `firewall.c` should decide, in plain Rust.
//!
//! Written from the firewall's specification rather than from its C, on slices
//! that cannot be read out of bounds: where the two disagree, one is wrong.

use std::collections::BTreeMap;

use crate::block_list::{BlockList, Entry, TCP, UDP};
use crate::bytes::{array, be16, byte};

const MAX_VLAN_TAGS: usize = 2;
const MAX_EXTENSIONS: usize = 4;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// What a frame carries: the index of its counter in the map `counters`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Not IPv4 or IPv6, behind at most two VLAN tags.
    NonIp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP over IPv4.
    Icmp,
    /// ICMPv6 over IPv6.
    Icmpv6,
    /// Another IP protocol.
    Other,
    /// A fragment but the first, which has no transport header.
    Fragment,
    /// Truncated, or with lengths that contradict each other.
    Malformed,
}

impl Class {
    /// Every class, in the order of the map's indices.
    pub const ALL: [Self; 8] = [
        Self::NonIp,
        Self::Tcp,
        Self::Udp,
        Self::Icmp,
        Self::Icmpv6,
        Self::Other,
        Self::Fragment,
        Self::Malformed,
    ];
}

/// The firewall's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// `XDP_DROP`.
    Drop = 1,
    /// `XDP_PASS`.
    Pass = 2,
}

/// Everything that the firewall does for one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The counter that takes the frame.
    pub class: Class,
    /// The entry of the block list that caught it, whose hits go up by one.
    pub blocked_by: Option<Entry>,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// Decides on `frame` as `firewall` does with its globals unchanged
/// (`drop_malformed` and `enforce` are 1).
pub fn firewall_model(frame: &[u8], list: &BlockList) -> Decision {
    let Summary { class, source, port } = Summary::of(frame);
    let blocked_by = [source, port].into_iter().flatten().find(|entry| list.contains(entry));
    let drop = blocked_by.is_some() || class == Class::Malformed;
    Decision { class, blocked_by, verdict: if drop { Verdict::Drop } else { Verdict::Pass } }
}

/// One value of the map `counters`: two u64 in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// Frames.
    pub packets: u64,
    /// Bytes in them, Ethernet header included.
    pub bytes: u64,
}

/// What the firewall's maps and globals hold after some frames, if they started
/// at zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The map `counters`, by [`Class`].
    pub counters: [Counter; Class::ALL.len()],
    /// The values of the three block lists that are not zero.
    pub hits: BTreeMap<Entry, u64>,
    /// The global `totals.passed`.
    pub passed: u64,
    /// The global `totals.dropped`; `totals.seen` is the sum of the two.
    pub dropped: u64,
}

impl Tally {
    /// Sends one more frame through the firewall.
    pub fn add(&mut self, frame: &[u8], list: &BlockList) -> Decision {
        let decision = firewall_model(frame, list);
        let counter = &mut self.counters[decision.class as usize];
        counter.packets += 1;
        counter.bytes += frame.len() as u64;
        if let Some(entry) = decision.blocked_by {
            *self.hits.entry(entry).or_default() += 1;
        }
        match decision.verdict {
            Verdict::Drop => self.dropped += 1,
            Verdict::Pass => self.passed += 1,
        }
        decision
    }
}

/// What can be learnt from a frame before any list is consulted.
struct Summary {
    class: Class,
    source: Option<Entry>,
    port: Option<Entry>,
}

impl Summary {
    fn of(frame: &[u8]) -> Self {
        match network(frame) {
            Some((0x0800, packet)) => ipv4(packet).map_or(Self::bare(Class::Malformed), Self::of_packet),
            Some((0x86dd, packet)) => ipv6(packet).map_or(Self::bare(Class::Malformed), Self::of_packet),
            Some(_) => Self::bare(Class::NonIp),
            None => Self::bare(Class::Malformed),
        }
    }

    fn bare(class: Class) -> Self {
        Self { class, source: None, port: None }
    }

    fn of_packet(packet: Packet<'_>) -> Self {
        let source = Some(packet.source);
        match packet.payload {
            Payload::LaterFragment => Self { class: Class::Fragment, source, port: None },
            Payload::Malformed => Self { class: Class::Malformed, source, port: None },
            Payload::Transport(transport) => match transport.class() {
                Some((class, port)) => Self { class, source, port },
                None => Self { class: Class::Malformed, source, port: None },
            },
        }
    }
}

/// An IP packet with a sound header.
struct Packet<'a> {
    source: Entry,
    payload: Payload<'a>,
}

enum Payload<'a> {
    Transport(Transport<'a>),
    LaterFragment,
    Malformed,
}

struct Transport<'a> {
    protocol: u8,
    bytes: &'a [u8],
    is_v6: bool,
    /// Only the first part of the datagram is here.
    fragmented: bool,
}

impl Transport<'_> {
    /// The class and the destination port; `None` if malformed.
    fn class(&self) -> Option<(Class, Option<Entry>)> {
        match (self.protocol, self.is_v6) {
            (TCP, _) => Some((Class::Tcp, Some(self.tcp()?))),
            (UDP, _) => Some((Class::Udp, Some(self.udp()?))),
            (ICMP, false) => self.icmp(Class::Icmp),
            (ICMPV6, true) => self.icmp(Class::Icmpv6),
            _ => Some((Class::Other, None)),
        }
    }

    fn tcp(&self) -> Option<Entry> {
        let header_len = usize::from(byte(self.bytes, 12)? >> 4) * 4;
        let sound = header_len >= 20 && header_len <= self.bytes.len();
        self.port().filter(|_| sound)
    }

    fn udp(&self) -> Option<Entry> {
        let len = usize::from(be16(self.bytes, 4)?);
        let fits = self.fragmented || len <= self.bytes.len();
        let sound = self.bytes.len() >= 8 && len >= 8 && fits;
        self.port().filter(|_| sound)
    }

    fn icmp(&self, class: Class) -> Option<(Class, Option<Entry>)> {
        (self.bytes.len() >= 8).then_some((class, None))
    }

    fn port(&self) -> Option<Entry> {
        Some(Entry::Port { protocol: self.protocol, port: be16(self.bytes, 2)? })
    }
}

/// The EtherType behind the VLAN tags and what follows it; `None` if truncated.
fn network(frame: &[u8]) -> Option<(u16, &[u8])> {
    let mut at = 12;
    let mut ethertype = be16(frame, at)?;
    for _ in 0..MAX_VLAN_TAGS {
        if !matches!(ethertype, 0x8100 | 0x88a8) {
            break;
        }
        at += 4;
        ethertype = be16(frame, at)?;
    }
    Some((ethertype, &frame[at + 2..]))
}

/// `None` if there is no sound IPv4 header, or the packet is longer than the frame.
fn ipv4(bytes: &[u8]) -> Option<Packet<'_>> {
    let header: [u8; 20] = array(bytes, 0)?;
    let header_len = usize::from(header[0] & 15) * 4;
    let total_len = usize::from(be16(&header, 2)?);
    if header[0] >> 4 != 4 || header_len < 20 {
        return None;
    }
    let payload = bytes.get(..total_len)?.get(header_len..)?;
    let fragment = be16(&header, 6)?;
    let transport =
        Transport { protocol: header[9], bytes: payload, is_v6: false, fragmented: fragment & 0x2000 != 0 };
    Some(Packet {
        source: Entry::V4(array(&header, 12)?),
        payload: if fragment & 0x1fff != 0 { Payload::LaterFragment } else { Payload::Transport(transport) },
    })
}

/// `None` if there is no sound IPv6 header, or the packet is longer than the frame.
fn ipv6(bytes: &[u8]) -> Option<Packet<'_>> {
    let header: [u8; 40] = array(bytes, 0)?;
    if header[0] >> 4 != 6 {
        return None;
    }
    let payload = bytes.get(40..)?.get(..usize::from(be16(&header, 4)?))?;
    let transport = Transport { protocol: header[6], bytes: payload, is_v6: true, fragmented: false };
    Some(Packet {
        source: Entry::V6(array(&header, 8)?),
        payload: behind_extensions(transport).unwrap_or(Payload::Malformed),
    })
}

/// Steps over at most [`MAX_EXTENSIONS`] extension headers; `None` if one is
/// truncated or there are more.
fn behind_extensions(mut at: Transport<'_>) -> Option<Payload<'_>> {
    for _ in 0..MAX_EXTENSIONS {
        let size = match at.protocol {
            0 | 43 | 60 => (usize::from(byte(at.bytes, 1)?) + 1) * 8,
            51 => (usize::from(byte(at.bytes, 1)?) + 2) * 4,
            44 => 8,
            _ => return Some(Payload::Transport(at)),
        };
        let rest = at.bytes.get(size..)?;
        if at.protocol == 44 {
            let fragment = be16(at.bytes, 2)?;
            if fragment & 0xfff8 != 0 {
                return Some(Payload::LaterFragment);
            }
            at.fragmented |= fragment & 1 != 0;
        }
        at.protocol = byte(at.bytes, 0)?;
        at.bytes = rest;
    }
    let is_extension = matches!(at.protocol, 0 | 43 | 44 | 51 | 60);
    (!is_extension).then_some(Payload::Transport(at))
}
