//! The packets of `traffic.pcap`: the same on every machine and at every call.
//!
//! A table says how many packets of which kind there are; a generator with a
//! fixed seed puts them in order and fills in hosts, ports, tags and payloads.

mod broken;
mod sound;

use crate::rng::Rng;
use broken::Flaw;
use sound::{Family, Length};

const SEED: u64 = 0x6272_6f6c_6761;
/// 2026-01-01T00:00:00Z.
const START_US: u64 = 1_767_225_600_000_000;

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// When, in microseconds since 1970.
    pub at_us: u64,
    /// Its length on the wire in bytes: more than `bytes` holds if the capture cut it.
    pub wire_len: u32,
    /// The frame from its Ethernet header on, without check sequence.
    pub bytes: Vec<u8>,
}

/// A kind of packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recipe {
    Tcp(Family, Length),
    TcpSyn(Family),
    Udp(Family, Length),
    Dns(Family),
    Ping(Family),
    OtherProtocol(Family),
    IpOptions,
    FirstFragment(Family),
    LaterFragment(Family),
    /// This many IPv6 extension headers.
    Extensions(usize),
    Arp,
    NotIp,
    TripleTagged,
    BlockedSource(Family),
    BlockedPort,
    /// Sound on the wire, cut by the capture.
    Snapped,
    /// Shorter than an Ethernet header.
    Runt,
    Broken(Flaw),
}

use Family::{V4, V6};
use Length::{Empty, Full, Short};

const SOUND: [(Recipe, usize); 32] = [
    (Recipe::Tcp(V4, Short), 180),
    (Recipe::Tcp(V6, Short), 90),
    (Recipe::Tcp(V4, Full), 80),
    (Recipe::Tcp(V6, Full), 40),
    (Recipe::TcpSyn(V4), 50),
    (Recipe::TcpSyn(V6), 25),
    (Recipe::Udp(V4, Short), 120),
    (Recipe::Udp(V6, Short), 60),
    (Recipe::Udp(V4, Empty), 12),
    (Recipe::Udp(V6, Empty), 8),
    (Recipe::Dns(V4), 60),
    (Recipe::Dns(V6), 20),
    (Recipe::Ping(V4), 50),
    (Recipe::Ping(V6), 40),
    (Recipe::OtherProtocol(V4), 30),
    (Recipe::OtherProtocol(V6), 10),
    (Recipe::IpOptions, 40),
    (Recipe::FirstFragment(V4), 12),
    (Recipe::LaterFragment(V4), 24),
    (Recipe::FirstFragment(V6), 6),
    (Recipe::LaterFragment(V6), 12),
    (Recipe::Extensions(1), 12),
    (Recipe::Extensions(2), 12),
    (Recipe::Extensions(4), 12),
    (Recipe::Extensions(5), 4),
    (Recipe::Arp, 24),
    (Recipe::NotIp, 12),
    (Recipe::TripleTagged, 6),
    (Recipe::BlockedSource(V4), 90),
    (Recipe::BlockedSource(V6), 40),
    (Recipe::BlockedPort, 24),
    (Recipe::Snapped, 12),
];

const RUNTS: usize = 6;
const OF_EACH_FLAW: usize = 4;

/// Every packet of the trace, in the order of time.
pub fn packets() -> Vec<Packet> {
    let mut rng = Rng::new(SEED);
    let mut recipes = recipes();
    rng.shuffle(&mut recipes);
    let mut at_us = START_US;
    recipes
        .into_iter()
        .map(|recipe| {
            at_us += 1 + rng.below(2_000) as u64;
            recipe.packet(at_us, &mut rng)
        })
        .collect()
}

fn recipes() -> Vec<Recipe> {
    let flaws = Flaw::ALL.map(|flaw| (Recipe::Broken(flaw), OF_EACH_FLAW));
    SOUND
        .into_iter()
        .chain(flaws)
        .chain([(Recipe::Runt, RUNTS)])
        .flat_map(|(recipe, count)| std::iter::repeat_n(recipe, count))
        .collect()
}

impl Recipe {
    fn packet(self, at_us: u64, rng: &mut Rng) -> Packet {
        let mut bytes = self.frame(rng);
        let wire_len = bytes.len() as u32;
        if self == Self::Snapped {
            bytes.truncate(64);
        }
        Packet { at_us, wire_len, bytes }
    }

    fn frame(self, rng: &mut Rng) -> Vec<u8> {
        match self {
            Self::Tcp(family, length) => sound::tcp(rng, family, length),
            Self::TcpSyn(family) => sound::tcp_syn(rng, family),
            Self::Udp(family, length) => sound::udp(rng, family, length),
            Self::Dns(family) => sound::dns(rng, family),
            Self::Ping(family) => sound::ping(rng, family),
            Self::OtherProtocol(family) => sound::other_protocol(rng, family),
            Self::IpOptions => sound::ip_options(rng),
            Self::FirstFragment(family) => sound::first_fragment(rng, family),
            Self::LaterFragment(family) => sound::later_fragment(rng, family),
            Self::Extensions(count) => sound::extensions(rng, count),
            Self::Arp => sound::arp(rng),
            Self::NotIp => sound::not_ip(rng),
            Self::TripleTagged => sound::triple_tagged(rng),
            Self::BlockedSource(family) => sound::blocked_source(rng, family),
            Self::BlockedPort => sound::blocked_port(rng),
            Self::Snapped => sound::tcp(rng, V4, Full),
            Self::Runt => {
                let len = 1 + rng.below(13);
                rng.bytes(len)
            }
            Self::Broken(flaw) => broken::frame(rng, flaw),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockList, Class, Verdict, firewall_model};

    /// What the firewall should see in a recipe's frames; `None` where it varies.
    fn class(recipe: Recipe) -> Option<Class> {
        match recipe {
            Recipe::Tcp(..) | Recipe::TcpSyn(_) | Recipe::IpOptions => Some(Class::Tcp),
            Recipe::Udp(..) | Recipe::Dns(_) | Recipe::FirstFragment(_) => Some(Class::Udp),
            Recipe::Ping(V4) => Some(Class::Icmp),
            Recipe::Ping(V6) => Some(Class::Icmpv6),
            Recipe::OtherProtocol(_) => Some(Class::Other),
            Recipe::LaterFragment(_) => Some(Class::Fragment),
            Recipe::Extensions(count) => Some(if count <= 4 { Class::Udp } else { Class::Malformed }),
            Recipe::Arp | Recipe::NotIp | Recipe::TripleTagged => Some(Class::NonIp),
            Recipe::Snapped | Recipe::Runt | Recipe::Broken(_) => Some(Class::Malformed),
            Recipe::BlockedSource(_) | Recipe::BlockedPort => None,
        }
    }

    #[test]
    fn every_recipe_makes_what_its_name_says() {
        let (mut rng, list) = (Rng::new(1), BlockList::of_traffic());
        for recipe in recipes() {
            let decision = firewall_model(&recipe.packet(0, &mut rng).bytes, &list);
            let is_blocked = matches!(recipe, Recipe::BlockedSource(_) | Recipe::BlockedPort);
            assert_eq!(decision.blocked_by.is_some(), is_blocked, "{recipe:?}");
            let class = class(recipe).unwrap_or(decision.class);
            assert_eq!(decision.class, class, "{recipe:?}");
            let drop = is_blocked || class == Class::Malformed;
            assert_eq!(decision.verdict == Verdict::Drop, drop, "{recipe:?}");
        }
    }

    #[test]
    fn packets_are_in_the_order_of_time() {
        assert!(packets().is_sorted_by_key(|packet| packet.at_us));
    }
}
