//! The firewall's block lists.
//!
//! | map | key | value |
//! |---|---|---|
//! | `blocked_v4` | 4 bytes: the source address as on the wire | u64: frames blocked by this entry |
//! | `blocked_v6` | 16 bytes: the source address as on the wire | the same |
//! | `blocked_ports` | 4 bytes: destination port (big-endian), protocol (6 or 17), 0 | the same |
//!
//! An entry blocks by being there; its value starts at any number, and the
//! firewall adds 1 for each frame. To block 203.0.113.66 and TCP port 23:
//!
//! ```text
//! --map blocked_v4:cb007142=0000000000000000
//! --map blocked_ports:00170600=0000000000000000
//! ```

use std::collections::BTreeSet;

/// The protocol number of TCP.
pub const TCP: u8 = 6;
/// The protocol number of UDP.
pub const UDP: u8 = 17;

/// The IPv4 sources that the traffic's blocked packets come from.
pub const BLOCKED_V4: [[u8; 4]; 3] = [[203, 0, 113, 66], [198, 51, 100, 7], [192, 0, 2, 123]];

/// The IPv6 sources that the traffic's blocked packets come from: 2001:db8:bad::1 and ::2.
pub const BLOCKED_V6: [[u8; 16]; 2] = [blocked_v6(1), blocked_v6(2)];

/// The blocked destination ports as (protocol, port): telnet, and SSDP over UDP.
pub const BLOCKED_PORTS: [(u8, u16); 2] = [(TCP, 23), (UDP, 1900)];

const fn blocked_v6(last: u8) -> [u8; 16] {
    [0x20, 0x01, 0x0d, 0xb8, 0x0b, 0xad, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]
}

/// One thing to block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// Frames from this IPv4 address.
    V4([u8; 4]),
    /// Frames from this IPv6 address.
    V6([u8; 16]),
    /// Frames to this port.
    Port {
        /// [`TCP`] or [`UDP`].
        protocol: u8,
        /// The destination port.
        port: u16,
    },
}

impl Entry {
    /// The map of `firewall.o` that holds such entries.
    pub fn map(&self) -> &'static str {
        match self {
            Self::V4(_) => "blocked_v4",
            Self::V6(_) => "blocked_v6",
            Self::Port { .. } => "blocked_ports",
        }
    }

    /// The entry's key in that map.
    pub fn key(&self) -> Vec<u8> {
        match *self {
            Self::V4(address) => address.to_vec(),
            Self::V6(address) => address.to_vec(),
            Self::Port { protocol, port } => {
                let [high, low] = port.to_be_bytes();
                vec![high, low, protocol, 0]
            }
        }
    }
}

/// What a firewall blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BlockList(BTreeSet<Entry>);

impl BlockList {
    /// The list that `traffic.pcap` is made for: [`BLOCKED_V4`], [`BLOCKED_V6`] and
    /// [`BLOCKED_PORTS`].
    pub fn of_traffic() -> Self {
        let v4 = BLOCKED_V4.map(Entry::V4);
        let v6 = BLOCKED_V6.map(Entry::V6);
        let ports = BLOCKED_PORTS.map(|(protocol, port)| Entry::Port { protocol, port });
        v4.into_iter().chain(v6).chain(ports).collect()
    }

    /// Whether `entry` is on the list.
    pub fn contains(&self, entry: &Entry) -> bool {
        self.0.contains(entry)
    }

    /// Every entry, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }
}

impl FromIterator<Entry> for BlockList {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        Self(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_the_bytes_that_the_documentation_shows() {
        assert_eq!(Entry::V4(BLOCKED_V4[0]).key(), [0xcb, 0x00, 0x71, 0x42]);
        assert_eq!(Entry::Port { protocol: TCP, port: 23 }.key(), [0x00, 0x17, 0x06, 0x00]);
        assert_eq!(Entry::V6(BLOCKED_V6[1]).key()[14..], [0, 2]);
    }

    #[test]
    fn the_traffics_list_holds_all_kinds() {
        let list = BlockList::of_traffic();
        assert_eq!(list.iter().count(), BLOCKED_V4.len() + BLOCKED_V6.len() + BLOCKED_PORTS.len());
        assert!(list.contains(&Entry::V6(BLOCKED_V6[0])));
        assert!(!list.contains(&Entry::V4([10, 0, 0, 1])));
    }
}
