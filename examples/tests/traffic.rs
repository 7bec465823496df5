//! `traffic.pcap` is what the generator writes, and holds what it is meant to.

use std::collections::BTreeMap;

use brolga_examples::{BlockList, Tally, pcap, traffic};
use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::{LegacyPcapBlock, PcapCapture};

static TRACE: &[u8] = include_bytes!("../traffic.pcap");

fn records() -> Vec<LegacyPcapBlock<'static>> {
    let capture = PcapCapture::from_file(TRACE).unwrap();
    assert!(!capture.header.is_bigendian() && !capture.header.is_nanosecond_precision());
    assert_eq!((capture.header.version_major, capture.header.version_minor), (2, 4));
    assert_eq!(capture.header.network, pcap_parser::Linktype::ETHERNET);
    capture.blocks
}

#[test]
fn regenerating_gives_the_committed_bytes() {
    let mut written = Vec::new();
    pcap::write(&mut written, &traffic::packets()).unwrap();
    assert!(written == TRACE, "run: cargo run -p brolga-examples --bin gen-pcap");
}

#[test]
fn another_parser_reads_every_packet_back() {
    let (records, packets) = (records(), traffic::packets());
    assert_eq!(records.len(), packets.len());
    for (record, packet) in records.iter().zip(&packets) {
        assert_eq!(record.data, packet.bytes);
        assert_eq!((record.caplen as usize, record.origlen), (packet.bytes.len(), packet.wire_len));
        assert_eq!(u64::from(record.ts_sec) * 1_000_000 + u64::from(record.ts_usec), packet.at_us);
    }
}

/// What a frame shows to a parser that is not ours.
fn features(frame: &[u8]) -> Vec<&'static str> {
    let Ok(packet) = LaxSlicedPacket::from_ethernet(frame) else { return vec!["runt"] };
    let mut found = vec![["untagged", "one tag", "two tags", "three tags"][packet.link_exts.len()]];
    found.extend(packet.stop_err.is_some().then_some("unparsable"));
    match &packet.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            found.push("IPv4");
            found.extend(ip.header().is_fragmenting_payload().then_some("IPv4 fragment"));
            found.extend((!ip.header().options().is_empty()).then_some("IPv4 options"));
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            found.push("IPv6");
            found.extend(ip.is_payload_fragmented().then_some("IPv6 fragment"));
            let behind = ip.payload().ip_number;
            found.extend((ip.header().next_header() != behind).then_some("IPv6 extensions"));
        }
        Some(LaxNetSlice::Arp(_)) => found.push("ARP"),
        None => found.push("no network"),
    }
    found.push(match &packet.transport {
        Some(TransportSlice::Tcp(_)) => "TCP",
        Some(TransportSlice::Udp(_)) => "UDP",
        Some(TransportSlice::Icmpv4(_)) => "ICMP",
        Some(TransportSlice::Icmpv6(_)) => "ICMPv6",
        None => "no transport",
    });
    found.extend((frame.len() >= 1514).then_some("full"));
    found.extend((frame.len() <= 42).then_some("tiny"));
    found
}

const MIX: [(&str, usize); 21] = [
    ("untagged", 899),
    ("one tag", 250),
    ("two tags", 134),
    ("three tags", 6),
    ("IPv4", 815),
    ("IPv4 options", 40),
    ("IPv4 fragment", 36),
    ("IPv6", 414),
    ("IPv6 extensions", 54),
    ("IPv6 fragment", 18),
    ("ARP", 24),
    ("no network", 36),
    ("TCP", 626),
    ("UDP", 376),
    ("ICMP", 53),
    ("ICMPv6", 47),
    ("no transport", 187),
    ("full", 120),
    ("tiny", 53),
    ("unparsable", 68),
    ("runt", 6),
];

#[test]
fn the_trace_holds_the_mix_it_promises() {
    let records = records();
    let mut counts = BTreeMap::new();
    for feature in records.iter().flat_map(|record| features(record.data)) {
        *counts.entry(feature).or_insert(0) += 1;
    }
    assert_eq!(counts, BTreeMap::from(MIX));
    assert_eq!(records.len(), 1295);
    assert_eq!(records.iter().filter(|record| record.caplen < record.origlen).count(), 12);
    assert!(TRACE.len() < 500_000);
}

/// Linux 6.18 gave the same verdicts, counters and hits when the kernel ran
/// `firewall.o` over the trace (all but the runts, which it takes no packet from).
#[test]
fn the_firewalls_model_tallies_what_the_kernel_counted() {
    let (list, mut tally) = (BlockList::of_traffic(), Tally::default());
    for record in records() {
        tally.add(record.data, &list);
    }
    let packets = tally.counters.map(|counter| counter.packets);
    assert_eq!(packets, [42, 606, 387, 50, 40, 40, 36, 94]);
    let bytes = tally.counters.map(|counter| counter.bytes);
    assert_eq!(bytes, [2140, 242205, 41921, 4992, 4784, 4655, 2652, 5200]);
    let hits: Vec<(&str, u64)> = tally.hits.iter().map(|(entry, hits)| (entry.map(), *hits)).collect();
    let of = |map| hits.iter().filter(|(name, _)| *name == map).map(|(_, hits)| hits).copied().collect();
    let (v4, v6, ports): (Vec<u64>, Vec<u64>, Vec<u64>) =
        (of("blocked_v4"), of("blocked_v6"), of("blocked_ports"));
    assert_eq!((v4, v6, ports), (vec![42, 25, 23], vec![15, 25], vec![15, 9]));
    assert_eq!((tally.passed, tally.dropped), (1047, 248));
}
