//! The real structures behind the kernel's virtual contexts.
//!
//! A runtime fills one of these from a packet and passes its address in r1;
//! the rows of [`table`](super::table) say where each field of the virtual
//! context lies in it. Law: a scalar has the same bytes in both. An address is
//! a `u64` here, so that the structures are plain data: whoever fills one
//! answers for what the addresses point to.

/// The real structure behind `xdp_md`.
///
/// `data_hard_start <= data_meta <= data <= data_end <= data_hard_end`; where
/// there is no metadata, `data_meta` is `data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct XdpHost {
    /// The address of the first byte of the packet.
    pub data: u64,
    /// The address after its last byte.
    pub data_end: u64,
    /// The address of the first byte of the metadata, which ends at `data`.
    pub data_meta: u64,
    /// The address that `bpf_xdp_adjust_head` may move `data` back to.
    pub data_hard_start: u64,
    /// The address that `bpf_xdp_adjust_tail` may move `data_end` on to.
    pub data_hard_end: u64,
    /// The interface that the packet came in on.
    pub ingress_ifindex: u32,
    /// The receive queue.
    pub rx_queue_index: u32,
    /// The interface that the packet goes out on, for programs in a devmap.
    pub egress_ifindex: u32,
    /// For whoever runs the program; no program sees it.
    pub host_flags: u32,
}

/// The real structure behind `__sk_buff`: the addresses, then every scalar
/// with its own bytes.
///
/// `head <= data_meta <= data <= data_end <= end`, and `data_end - data` is at
/// most `len`: what of the packet lies in one piece. Where there is no
/// metadata, `data_meta` is `data`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SkBuffHost {
    /// The address of the first byte that packet pointers reach.
    pub data: u64,
    /// The address after the last byte that packet pointers reach.
    pub data_end: u64,
    /// The address of the first byte of the metadata, which ends at `data`.
    pub data_meta: u64,
    /// The address of the buffer that the packet lies in: room to grow.
    pub head: u64,
    /// The address after that buffer's last byte.
    pub end: u64,
    /// The socket, or 0.
    pub sk: u64,
    /// When the packet is to be delivered, in nanoseconds.
    pub tstamp: u64,
    /// When the hardware received it, in nanoseconds.
    pub hwtstamp: u64,
    /// The length of the packet, in bytes.
    pub len: u32,
    /// `PACKET_HOST`, `PACKET_BROADCAST` and so on.
    pub pkt_type: u32,
    /// The mark.
    pub mark: u32,
    /// The queue, as `__sk_buff` counts it.
    pub queue_mapping: u32,
    /// The protocol (an ethertype), in network order.
    pub protocol: u32,
    /// Whether a VLAN tag was taken off the packet.
    pub vlan_present: u32,
    /// That tag.
    pub vlan_tci: u32,
    /// That tag's protocol, in network order.
    pub vlan_proto: u32,
    /// The priority.
    pub priority: u32,
    /// The interface that the packet came in on.
    pub ingress_ifindex: u32,
    /// The interface that it is at.
    pub ifindex: u32,
    /// The index for traffic control.
    pub tc_index: u32,
    /// Room for programs.
    pub cb: [u32; 5],
    /// The flow hash.
    pub hash: u32,
    /// The class for traffic control.
    pub tc_classid: u32,
    /// The NAPI context that received it.
    pub napi_id: u32,
    /// The socket's address family.
    pub family: u32,
    /// The peer's IPv4 address, in network order.
    pub remote_ip4: u32,
    /// The own IPv4 address, in network order.
    pub local_ip4: u32,
    /// The peer's IPv6 address, in network order.
    pub remote_ip6: [u32; 4],
    /// The own IPv6 address, in network order.
    pub local_ip6: [u32; 4],
    /// The peer's port, in network order.
    pub remote_port: u32,
    /// The own port, in host order.
    pub local_port: u32,
    /// The length on the wire, in bytes.
    pub wire_len: u32,
    /// How many segments a GSO packet has.
    pub gso_segs: u32,
    /// The size of a segment, in bytes.
    pub gso_size: u32,
    /// What `tstamp` means.
    pub tstamp_type: u8,
    /// No program sees it.
    pub pad: [u8; 7],
    /// Where the link-layer header starts, in bytes from `head`; no program sees
    /// it, but the legacy packet loads count from it (`SKF_LL_OFF`).
    pub mac_header: u32,
    /// Where the network header starts, in bytes from `head`; as
    /// `mac_header` (`SKF_NET_OFF`).
    pub network_header: u32,
}

/// The real structure behind `sk_msg_md`.
///
/// `data <= data_end`, and `data_end - data` is at most `size`: what of the
/// message lies in one piece.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct SkMsgHost {
    /// The address of the first byte that packet pointers reach.
    pub data: u64,
    /// The address after the last byte that packet pointers reach.
    pub data_end: u64,
    /// The socket; never 0 where a program may look at it.
    pub sk: u64,
    /// The socket's address family.
    pub family: u32,
    /// The peer's IPv4 address, in network order.
    pub remote_ip4: u32,
    /// The own IPv4 address, in network order.
    pub local_ip4: u32,
    /// The peer's IPv6 address, in network order.
    pub remote_ip6: [u32; 4],
    /// The own IPv6 address, in network order.
    pub local_ip6: [u32; 4],
    /// The peer's port, in network order.
    pub remote_port: u32,
    /// The own port, in host order.
    pub local_port: u32,
    /// The size of the message, in bytes.
    pub size: u32,
}
