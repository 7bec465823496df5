//! A packet in memory of its own.

use super::{SkBuffHost, View, XdpHost, ethernet};
use std::ops::Range;
use thiserror::Error;
use zerocopy::IntoBytes;

/// Why bytes can not be a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PacketError {
    /// Fewer bytes than an Ethernet header has.
    #[error("a packet of {0} bytes is shorter than an Ethernet header (14 bytes)")]
    TooShort(usize),
    /// More bytes than [`Packet::MAX_LEN`].
    #[error("a packet of {0} bytes is longer than {max} bytes", max = Packet::MAX_LEN)]
    TooLong(usize),
}

/// A frame, from its Ethernet header on, and what else programs may know of it.
///
/// Running a program on it may change all of that.
#[derive(Clone, Debug)]
pub struct Packet {
    /// The frame with room before and after it.
    memory: Vec<u64>,
    /// Where in `memory` the frame is, in bytes.
    data: Range<usize>,
    /// How many bytes of metadata lie before the frame.
    metadata: usize,
    xdp: XdpHost,
    pub(super) skb: SkBuffHost,
    /// The frame's first bytes when `skb` was last made to say what follows from
    /// them; nothing where it may say something else since.
    classified: Option<Head>,
}

/// The bytes that what is known of a frame follows from: the Ethernet header
/// and two after it.
type Head = (u64, u64);

/// `XDP_PACKET_HEADROOM`: where a new frame starts, in bytes.
const HEADROOM: usize = 256;
/// `sizeof(struct xdp_frame)`: how much of the headroom the kernel keeps for
/// itself.
const RESERVED: usize = 40;
/// Where a frame ends at the latest, in bytes, unless it is longer by itself: a
/// page less `struct skb_shared_info`.
const PAGE_END: usize = 4096 - 320;

impl Packet {
    /// The longest packet, in bytes.
    pub const MAX_LEN: usize = 1 << 20;

    /// A packet of these bytes that came in on interface 1 (the loopback
    /// interface), everything else as `BPF_PROG_TEST_RUN` has it: the protocol
    /// and the packet type by the Ethernet header, the rest zero.
    ///
    /// # Errors
    ///
    /// Where it is shorter than an Ethernet header or longer than
    /// [`MAX_LEN`](Self::MAX_LEN).
    pub fn new(frame: &[u8]) -> Result<Self, PacketError> {
        let (xdp, skb) = Default::default();
        let memory = Vec::new();
        let mut packet = Self { memory, data: 0..0, metadata: 0, xdp, skb, classified: None };
        packet.refill(frame)?;
        Ok(packet)
    }

    /// Makes this a [`new`](Self::new) packet of these bytes, in the memory that
    /// it has where that is enough.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new); the packet is then what it was.
    pub fn refill(&mut self, frame: &[u8]) -> Result<(), PacketError> {
        match frame.len() {
            len @ 0..ethernet::HEADER => return Err(PacketError::TooShort(len)),
            len if len > Self::MAX_LEN => return Err(PacketError::TooLong(len)),
            _ => {}
        }
        let end = HEADROOM + frame.len();
        let words = end.max(PAGE_END).div_ceil(8);
        if self.memory.len() < words {
            self.memory.resize(words, 0);
        }
        self.data = HEADROOM..end;
        self.metadata = 0;
        self.bytes_mut().copy_from_slice(frame);
        self.xdp = XdpHost { ingress_ifindex: 1, ..XdpHost::default() };
        self.skb = SkBuffHost { ifindex: 1, ..SkBuffHost::default() };
        self.classify();
        Ok(())
    }

    /// The frame, from its Ethernet header on.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.memory.as_bytes()[self.data.clone()]
    }

    /// The same, to be changed. What the Ethernet header says stays in
    /// [`skb`](Self::skb) as it was.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.memory.as_mut_bytes()[self.data.clone()]
    }

    /// The metadata that an XDP program put before the frame.
    #[must_use]
    pub fn metadata(&self) -> &[u8] {
        &self.memory.as_bytes()[self.data.start - self.metadata..self.data.start]
    }

    /// What `xdp_md` is made of. Its addresses mean nothing between runs.
    #[must_use]
    pub const fn xdp(&self) -> &XdpHost {
        &self.xdp
    }

    /// The same, to be changed. Its addresses are set anew for every run.
    pub const fn xdp_mut(&mut self) -> &mut XdpHost {
        &mut self.xdp
    }

    /// What `__sk_buff` is made of, after a run as the program left it. Its
    /// addresses mean nothing between runs.
    #[must_use]
    pub const fn skb(&self) -> &SkBuffHost {
        &self.skb
    }

    /// The same, to be changed. Its addresses, `len`, `sk` and where its headers
    /// start are set anew for every run.
    pub const fn skb_mut(&mut self) -> &mut SkBuffHost {
        self.classified = None;
        &mut self.skb
    }

    /// Prepares the structure for a view and returns its address. A program may
    /// use that, and what it points to, until the packet is used otherwise.
    #[inline]
    pub(crate) fn enter(&mut self, view: View) -> u64 {
        let base = self.memory.as_mut_ptr().expose_provenance() as u64;
        match view {
            View::Xdp => self.enter_xdp(base),
            View::Link => self.enter_skb(base, 0),
            View::Network => self.enter_skb(base, ethernet::HEADER),
        }
    }

    /// Takes over what a program made of the packet, after [`enter`](Self::enter)
    /// for the same view.
    #[inline]
    pub(crate) fn leave(&mut self, view: View) {
        match view {
            View::Xdp => {
                // Most programs change none of that.
                if !self.is_unchanged() {
                    self.leave_xdp();
                }
            }
            View::Link => {
                let SkBuffHost { data_meta, data, data_end, .. } = self.skb;
                self.take_range(data_meta, data, data_end);
            }
            // What precedes the network header is still the same frame's.
            View::Network => {}
        }
    }

    /// Whether an XDP program left the packet as it was, as far as anything is
    /// known of it. Field by field, for what was just written in parts is slow to
    /// read as a whole.
    #[inline]
    fn is_unchanged(&self) -> bool {
        let base = self.memory.as_ptr().addr() as u64;
        let Range { start, end } = self.data;
        self.xdp.data.wrapping_sub(base) == start as u64
            && self.xdp.data_end.wrapping_sub(base) == end as u64
            && self.xdp.data.wrapping_sub(self.xdp.data_meta) == self.metadata as u64
            && self.head().is_some_and(|(first, second)| {
                self.classified.is_some_and(|(a, b)| a == first && b == second)
            })
    }

    /// The frame's first bytes, and what lies behind it where it is shorter.
    #[inline]
    fn head(&self) -> Option<Head> {
        let head: &[u8; 16] = self.memory.as_bytes().get(self.data.start..)?.first_chunk()?;
        let half = |at: usize| u64::from_ne_bytes(std::array::from_fn(|i| head[at + i]));
        Some((half(0), half(8)))
    }

    #[cold]
    #[inline(never)]
    fn leave_xdp(&mut self) {
        let XdpHost { data_meta, data, data_end, .. } = self.xdp;
        self.take_range(data_meta, data, data_end);
        self.classify();
    }

    #[inline]
    fn enter_xdp(&mut self, base: u64) -> u64 {
        let limit = (self.memory.len() * 8) as u64;
        let xdp = &mut self.xdp;
        xdp.data = base + self.data.start as u64;
        xdp.data_end = base + self.data.end as u64;
        xdp.data_meta = xdp.data - self.metadata as u64;
        xdp.data_hard_start = base + RESERVED as u64;
        xdp.data_hard_end = base + limit.min(self.data.end.max(PAGE_END) as u64);
        (&raw mut self.xdp).expose_provenance() as u64
    }

    /// `pulled` bytes of headers precede what the program sees.
    fn enter_skb(&mut self, base: u64, pulled: usize) -> u64 {
        self.classified = None;
        let pulled = pulled.min(self.data.len());
        let start = self.data.start + pulled;
        let skb = &mut self.skb;
        skb.data = base + start as u64;
        skb.data_end = base + self.data.end as u64;
        skb.data_meta = if pulled == 0 { skb.data - self.metadata as u64 } else { skb.data };
        skb.head = base;
        skb.end = base + (self.memory.len() * 8) as u64;
        skb.sk = 0;
        skb.len = (self.data.end - start) as u32;
        skb.mac_header = self.data.start as u32;
        skb.network_header = (self.data.start + ethernet::HEADER) as u32;
        (&raw mut self.skb).expose_provenance() as u64
    }

    fn take_range(&mut self, data_meta: u64, data: u64, data_end: u64) {
        let base = self.memory.as_ptr().addr() as u64;
        let limit = (self.memory.len() * 8) as u64;
        let within = base <= data_meta && data_meta <= data && data <= data_end && data_end <= base + limit;
        // Only an unverified program can have spoilt the addresses.
        if within {
            self.data = (data - base) as usize..(data_end - base) as usize;
            self.metadata = (data - data_meta) as usize;
        }
    }

    /// Sets what follows from the Ethernet header.
    fn classify(&mut self) {
        self.skb.protocol = ethernet::protocol(self.bytes());
        self.skb.pkt_type = ethernet::pkt_type(self.bytes());
        self.classified = self.head();
    }
}
