//! Tests of packets. What they expect is what the live kernel (6.18) showed in
//! `BPF_PROG_TEST_RUN`.

use super::*;
use brolga_core::prog_type::table;

fn frame(destination: [u8; 6], ethertype: u16, rest: &[u8]) -> Vec<u8> {
    [&destination[..], &[2, 0, 0, 0, 0, 1], &ethertype.to_be_bytes(), rest].concat()
}

const BROADCAST: [u8; 6] = [0xff; 6];
const OTHER: [u8; 6] = [2, 0x10, 0, 0, 0, 0];

/// A number as it lies in a field that is in network order.
fn network_order(number: u16) -> u32 {
    u16::from_ne_bytes(number.to_be_bytes()).into()
}

#[test]
fn the_ethernet_header_decides_protocol_and_type() {
    let rest = [7; 60];
    let cases = [
        (frame(BROADCAST, 0x0800, &rest), network_order(0x0800), 2),
        (frame([0; 6], 0x86dd, &rest), network_order(0x86dd), 0),
        (frame(OTHER, 0x0800, &rest), network_order(0x0800), 3),
        (frame([1, 0, 0x5e, 0, 0, 1], 0x8100, &rest), network_order(0x8100), 2),
        (frame(OTHER, 0x0600, &rest), network_order(0x0600), 3),
        (frame(OTHER, 0x05ff, &rest), network_order(4), 3),
        (frame(OTHER, 5, &[0xff; 60]), network_order(1), 3),
        (frame(OTHER, 5, &[0x42, 0xff, 0]), network_order(4), 3),
        (frame(OTHER, 5, &[]), network_order(4), 3),
    ];
    for (frame, protocol, pkt_type) in cases {
        let packet = Packet::new(&frame).unwrap();
        assert_eq!((packet.skb().protocol, packet.skb().pkt_type), (protocol, pkt_type), "{frame:x?}");
    }
    assert_eq!(Packet::new(&frame(OTHER, 0x0800, &[])).unwrap().skb().protocol.to_ne_bytes(), [8, 0, 0, 0]);
}

#[test]
fn lengths_are_checked() {
    assert_eq!(Packet::new(&[]).err(), Some(PacketError::TooShort(0)));
    assert_eq!(Packet::new(&[0; 13]).err(), Some(PacketError::TooShort(13)));
    assert_eq!(Packet::new(&[0; 14]).unwrap().bytes(), [0; 14]);
    let longest = vec![1; Packet::MAX_LEN];
    assert_eq!(Packet::new(&longest).unwrap().bytes(), longest);
    let longer = vec![1; Packet::MAX_LEN + 1];
    assert_eq!(Packet::new(&longer).err(), Some(PacketError::TooLong(Packet::MAX_LEN + 1)));
}

#[test]
fn an_xdp_context_is_what_the_kernel_makes() {
    let bytes = frame(BROADCAST, 0x0800, &[9; 60]);
    let mut packet = Packet::new(&bytes).unwrap();
    let address = packet.enter(View::Xdp);
    let xdp = *packet.xdp();
    assert_eq!(address, std::ptr::from_ref(packet.xdp()) as u64);
    assert_eq!(xdp.data, packet.bytes().as_ptr() as u64);
    assert_eq!(xdp.data_end - xdp.data, 74);
    assert_eq!(xdp.data_meta, xdp.data);
    // How far `bpf_xdp_adjust_head` and `bpf_xdp_adjust_tail` could go.
    assert_eq!(xdp.data - xdp.data_hard_start, 216);
    assert_eq!(xdp.data_hard_end - xdp.data, 3520);
    assert_eq!((xdp.ingress_ifindex, xdp.rx_queue_index, xdp.egress_ifindex), (1, 0, 0));
}

#[test]
fn a_long_frame_has_no_room_to_grow_at_its_end() {
    let mut packet = Packet::new(&[0; 9001]).unwrap();
    packet.enter(View::Xdp);
    assert_eq!(packet.xdp().data_hard_end, packet.xdp().data_end);
    packet.refill(&[0; 60]).unwrap();
    packet.enter(View::Xdp);
    assert_eq!(packet.xdp().data_hard_end - packet.xdp().data, 3520);
}

#[test]
fn an_skb_starts_where_its_kind_says() {
    let bytes = frame(OTHER, 0x0800, &[9; 60]);
    let mut packet = Packet::new(&bytes).unwrap();
    for (view, len) in [(View::Link, 74), (View::Network, 60)] {
        let address = packet.enter(view);
        let skb = *packet.skb();
        assert_eq!(address, std::ptr::from_ref(packet.skb()) as u64);
        assert_eq!((skb.len, skb.data_end - skb.data), (len, len.into()), "{view:?}");
        assert_eq!(skb.data_end, packet.bytes().as_ptr_range().end as u64);
        assert_eq!(skb.data_meta, skb.data);
        assert_eq!(skb.head + u64::from(skb.mac_header), packet.bytes().as_ptr() as u64);
        assert_eq!(skb.head + u64::from(skb.network_header), packet.bytes()[14..].as_ptr() as u64);
        assert!(skb.head <= skb.data && skb.data_end <= skb.end);
        packet.leave(view);
        assert_eq!(packet.bytes(), bytes);
    }
}

#[test]
fn other_fields_are_zero_unless_set() {
    let mut packet = Packet::new(&frame(OTHER, 0x0800, &[9; 60])).unwrap();
    packet.skb_mut().mark = 7;
    packet.skb_mut().sk = 0x1234;
    packet.enter(View::Link);
    let skb = *packet.skb();
    let known = SkBuffHost { ifindex: 1, mark: 7, protocol: network_order(0x0800), pkt_type: 3, ..skb };
    assert_eq!(skb, known);
    assert_eq!(skb.sk, 0, "no program gets an address from the host");
    assert_eq!(
        (skb.ingress_ifindex, skb.hash, skb.queue_mapping, skb.wire_len, skb.priority),
        (0, 0, 0, 0, 0)
    );
    packet.refill(&[0; 14]).unwrap();
    assert_eq!(packet.skb().mark, 0);
}

#[test]
fn what_a_program_moved_stays_moved() {
    let bytes = frame(OTHER, 0x0800, &[9; 60]);
    let mut packet = Packet::new(&bytes).unwrap();
    packet.enter(View::Xdp);
    // As if a program had cut off the Ethernet header and put in metadata.
    packet.xdp_mut().data += 14;
    packet.xdp_mut().data_end -= 10;
    packet.xdp_mut().data_meta = packet.xdp().data - 8;
    packet.leave(View::Xdp);
    assert_eq!(packet.bytes(), [9; 50]);
    assert_eq!(packet.metadata(), [&[2, 0, 0, 0, 0, 1, 8, 0][..]].concat());
    assert_eq!(packet.skb().protocol, network_order(0x0909));
    packet.enter(View::Link);
    assert_eq!(packet.skb().data - packet.skb().data_meta, 8);
    assert_eq!(packet.skb().len, 50);
    packet.refill(&bytes).unwrap();
    assert_eq!((packet.bytes(), packet.metadata()), (&bytes[..], &[][..]));
}

/// Whatever changed it: a program, the host, a program of another kind.
#[test]
fn after_an_xdp_run_the_header_says_what_the_frame_is() {
    let bytes = frame(OTHER, 0x0800, &[9; 60]);
    let mut packet = Packet::new(&bytes).unwrap();
    let kinds = |packet: &mut Packet| {
        packet.enter(View::Xdp);
        packet.leave(View::Xdp);
        (packet.skb().protocol, packet.skb().pkt_type)
    };
    assert_eq!(kinds(&mut packet), (network_order(0x0800), 3));
    packet.bytes_mut()[12] = 0x86;
    assert_eq!(kinds(&mut packet), (network_order(0x8600), 3));
    packet.bytes_mut()[0] = 1;
    assert_eq!(kinds(&mut packet), (network_order(0x8600), 2));
    packet.skb_mut().protocol = 7;
    assert_eq!(kinds(&mut packet), (network_order(0x8600), 2));
    packet.enter(View::Link);
    packet.skb.protocol = 7;
    packet.leave(View::Link);
    assert_eq!(kinds(&mut packet), (network_order(0x8600), 2));
    // A length, and the checksum behind it that is all ones.
    packet.bytes_mut()[12..16].copy_from_slice(&[0, 60, 0xff, 0xff]);
    assert_eq!(kinds(&mut packet), (network_order(1), 2));
    packet.bytes_mut()[15] = 0;
    assert_eq!(kinds(&mut packet), (network_order(4), 2));
}

#[test]
fn addresses_that_are_no_packet_are_not_taken_over() {
    let bytes = frame(OTHER, 0x0800, &[9; 60]);
    let mut packet = Packet::new(&bytes).unwrap();
    let spoils: [fn(&mut XdpHost); 5] = [
        |xdp| xdp.data = 0,
        |xdp| xdp.data_end += 1 << 32,
        |xdp| xdp.data_meta = xdp.data + 1,
        |xdp| xdp.data = xdp.data_end + 1,
        |xdp| xdp.data_meta = 8,
    ];
    for spoil in spoils {
        packet.enter(View::Xdp);
        spoil(packet.xdp_mut());
        packet.leave(View::Xdp);
        assert_eq!(packet.bytes(), bytes);
        assert_eq!(packet.metadata(), []);
    }
}

#[test]
fn refilling_uses_the_memory_there_is() {
    let mut packet = Packet::new(&[0; 60]).unwrap();
    packet.enter(View::Link);
    let head = packet.skb().head;
    for len in [14, 1500, 3520, 100] {
        packet.refill(&vec![1; len]).unwrap();
        packet.enter(View::Link);
        assert_eq!((packet.skb().head, packet.bytes().len()), (head, len));
    }
}

#[test]
fn kinds_have_their_views() {
    let view = |name| View::of(&table::by_name(name).expect("a program type"));
    assert_eq!(view("xdp"), Some(View::Xdp));
    assert_eq!(view("sched_cls"), Some(View::Link));
    assert_eq!(view("sched_act"), Some(View::Link));
    assert_eq!(view("socket_filter"), Some(View::Network));
    assert_eq!(view("cgroup_skb"), Some(View::Network));
    assert_eq!(view("raw"), None);
}
