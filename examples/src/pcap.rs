//! Writing the classic pcap file: a 24-byte header, then per packet a 16-byte
//! record header and the bytes. Little-endian, microseconds, Ethernet.

use std::io::{self, Write};

use crate::traffic::Packet;

const MAGIC_MICROSECONDS: u32 = 0xa1b2_c3d4;
const VERSION_MAJOR: u16 = 2;
const VERSION_MINOR: u16 = 4;
const SNAP_LEN: u32 = 65_535;
const LINKTYPE_ETHERNET: u32 = 1;

/// Writes `packets` as one pcap file; errors are those of `out`.
pub fn write(out: &mut impl Write, packets: &[Packet]) -> io::Result<()> {
    file_header(out)?;
    for packet in packets {
        record(out, packet)?;
    }
    Ok(())
}

/// The zeros are the time zone and the accuracy, which nobody uses.
fn file_header(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&MAGIC_MICROSECONDS.to_le_bytes())?;
    out.write_all(&VERSION_MAJOR.to_le_bytes())?;
    out.write_all(&VERSION_MINOR.to_le_bytes())?;
    for field in [0, 0, SNAP_LEN, LINKTYPE_ETHERNET] {
        out.write_all(&field.to_le_bytes())?;
    }
    Ok(())
}

fn record(out: &mut impl Write, packet: &Packet) -> io::Result<()> {
    let seconds = (packet.at_us / 1_000_000) as u32;
    let micros = (packet.at_us % 1_000_000) as u32;
    for field in [seconds, micros, packet.bytes.len() as u32, packet.wire_len] {
        out.write_all(&field.to_le_bytes())?;
    }
    out.write_all(&packet.bytes)
}
