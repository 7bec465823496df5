//! Captured packets: pcap files, read with either byte order and either
//! precision, and pcapng files; written as pcap.

use pcap_parser::nom::IResult;
use pcap_parser::{
    Block, LegacyPcapBlock, Linktype, PcapBlockOwned, PcapError, PcapHeader, PcapNGSlice, parse_pcap_frame,
    parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header,
};
use std::io::{self, Write};
use thiserror::Error;

/// The largest file that is read, in bytes.
pub(crate) const MAX_FILE: u64 = 1 << 30;

/// A packet, and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// Nanoseconds since 1970.
    pub(crate) time: u64,
    /// The bytes, from the Ethernet header on.
    pub(crate) data: &'a [u8],
}

/// Why a file is no capture that programs can run on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum CaptureError {
    /// Neither pcap nor pcapng.
    #[error("not a pcap or pcapng file")]
    Unknown,
    /// What follows so many packets can not be read.
    #[error("cut off or malformed after {0} packets")]
    Malformed(usize),
    /// Packets of another link type than Ethernet.
    #[error("packets of link type {0}: programs run on Ethernet frames (link type 1)")]
    LinkType(i32),
}

/// The packets of a file.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Frame<'_>>, CaptureError> {
    match parse_pcap_header(file) {
        Ok((rest, header)) => pcap(&header, rest),
        Err(_) => pcapng(file),
    }
}

type FrameParser = for<'a> fn(&'a [u8]) -> IResult<&'a [u8], LegacyPcapBlock<'a>, PcapError<&'a [u8]>>;

fn pcap<'a>(header: &PcapHeader, mut rest: &'a [u8]) -> Result<Vec<Frame<'a>>, CaptureError> {
    // The upper bits say whether frames end in a checksum.
    ethernet(Linktype(header.network.0 & 0xffff))?;
    let parse: FrameParser = match (header.is_modified_format(), header.is_bigendian()) {
        (true, _) => parse_pcap_frame_modified,
        (false, true) => parse_pcap_frame_be,
        (false, false) => parse_pcap_frame,
    };
    let unit = if header.is_nanosecond_precision() { 1 } else { 1000 };
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let (next, block) = parse(rest).map_err(|_| CaptureError::Malformed(frames.len()))?;
        let time = u64::from(block.ts_sec) * NANOSECONDS + u64::from(block.ts_usec) * unit;
        frames.push(Frame { time, data: block.data });
        rest = next;
    }
    Ok(frames)
}

const NANOSECONDS: u64 = 1_000_000_000;

fn ethernet(link: Linktype) -> Result<(), CaptureError> {
    if link == Linktype::ETHERNET { Ok(()) } else { Err(CaptureError::LinkType(link.0)) }
}

/// What is known of an interface of a pcapng file's current section.
struct Interface {
    link: Linktype,
    /// Units per second, and seconds to add.
    resolution: u64,
    offset: i64,
    /// The most bytes of a simple packet; 0 for all.
    snaplen: usize,
}

impl Interface {
    /// Nanoseconds since 1970.
    fn time(&self, high: u32, low: u32) -> u64 {
        let units = u128::from(high) << 32 | u128::from(low);
        let time = units * u128::from(NANOSECONDS) / u128::from(self.resolution.max(1));
        (time as u64).wrapping_add_signed(self.offset.wrapping_mul(NANOSECONDS as i64))
    }
}

fn pcapng(file: &[u8]) -> Result<Vec<Frame<'_>>, CaptureError> {
    let blocks = PcapNGSlice::from_slice(file).map_err(|_| CaptureError::Unknown)?;
    let (mut frames, mut interfaces) = (Vec::new(), Vec::new());
    for block in blocks {
        let malformed = CaptureError::Malformed(frames.len());
        let Ok(PcapBlockOwned::NG(block)) = block else { return Err(malformed) };
        match block {
            Block::SectionHeader(_) => interfaces.clear(),
            Block::InterfaceDescription(block) => interfaces.push(Interface {
                link: block.linktype,
                resolution: block.ts_resolution().ok_or(malformed)?,
                offset: block.ts_offset(),
                snaplen: block.snaplen as usize,
            }),
            Block::EnhancedPacket(block) => {
                let interface = interfaces.get(block.if_id as usize).ok_or(malformed)?;
                ethernet(interface.link)?;
                let time = interface.time(block.ts_high, block.ts_low);
                frames.push(Frame { time, data: cut(block.data, block.caplen) });
            }
            Block::SimplePacket(block) => {
                let interface = interfaces.first().ok_or(malformed)?;
                ethernet(interface.link)?;
                let snaplen = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen as u32 };
                frames.push(Frame { time: 0, data: cut(block.data, block.origlen.min(snaplen)) });
            }
            // Names, statistics and what else carries no packet.
            _ => {}
        }
    }
    Ok(frames)
}

/// A block's data without its padding.
fn cut(data: &[u8], len: u32) -> &[u8] {
    &data[..data.len().min(len as usize)]
}

/// Writes a pcap file of nanosecond precision.
pub(crate) struct Writer<W>(W);

impl<W: Write> Writer<W> {
    /// A file without packets.
    pub(crate) fn new(mut out: W) -> io::Result<Self> {
        let words: [u32; 6] = [0xa1b2_3c4d, 4 << 16 | 2, 0, 0, 1 << 20, 1];
        write_words(&mut out, &words)?;
        Ok(Self(out))
    }

    /// Adds a packet.
    pub(crate) fn write(&mut self, frame: Frame<'_>) -> io::Result<()> {
        let (seconds, rest) = (frame.time / NANOSECONDS, frame.time % NANOSECONDS);
        let len = frame.data.len() as u32;
        write_words(&mut self.0, &[seconds as u32, rest as u32, len, len])?;
        self.0.write_all(frame.data)
    }

    /// Everything is written, or it is an error.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn write_words(out: &mut impl Write, words: &[u32]) -> io::Result<()> {
    words.iter().try_for_each(|word| out.write_all(&word.to_le_bytes()))
}

#[cfg(test)]
mod tests;
