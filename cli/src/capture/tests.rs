//! Files made by hand.

use super::{CaptureError, Frame, Writer, read};

const TIME: u64 = 1_700_000_000 * 1_000_000_000 + 5000;

/// A pcap file of one packet, each word written by `word`.
fn pcap(magic: u32, fraction: u32, word: fn(u32) -> [u8; 4], half: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mut file = word(magic).to_vec();
    file.extend([half(2), half(4)].concat());
    for value in [0, 0, 65535, 1, 1_700_000_000, fraction, 3, 60] {
        file.extend(word(value));
    }
    file.extend([1, 2, 3]);
    file
}

#[test]
fn either_byte_order_and_precision_is_read() {
    let expected = Ok(vec![Frame { time: TIME, data: &[1, 2, 3] }]);
    assert_eq!(read(&pcap(0xa1b2_c3d4, 5, u32::to_le_bytes, u16::to_le_bytes)), expected);
    assert_eq!(read(&pcap(0xa1b2_c3d4, 5, u32::to_be_bytes, u16::to_be_bytes)), expected);
    assert_eq!(read(&pcap(0xa1b2_3c4d, 5000, u32::to_le_bytes, u16::to_le_bytes)), expected);
    assert_eq!(read(&pcap(0xa1b2_3c4d, 5000, u32::to_be_bytes, u16::to_be_bytes)), expected);
}

#[test]
fn what_is_written_is_read() {
    let mut file = Vec::new();
    let frames = vec![Frame { time: TIME + 7, data: &[9; 60] }, Frame { time: 0, data: &[] }];
    let mut writer = Writer::new(&mut file).unwrap();
    frames.iter().for_each(|frame| writer.write(*frame).unwrap());
    writer.finish().unwrap();
    assert_eq!(read(&file), Ok(frames));
}

#[test]
fn no_cut_panics_and_each_within_a_packet_is_seen() {
    let file = pcap(0xa1b2_c3d4, 5, u32::to_le_bytes, u16::to_le_bytes);
    for len in 0..24 {
        assert_eq!(read(&file[..len]), Err(CaptureError::Unknown), "{len} bytes");
    }
    assert_eq!(read(&file[..24]), Ok(vec![]));
    for len in 25..file.len() {
        assert_eq!(read(&file[..len]), Err(CaptureError::Malformed(0)), "{len} bytes");
    }
}

#[test]
fn a_length_past_the_end_is_malformed() {
    let mut file = pcap(0xa1b2_c3d4, 5, u32::to_le_bytes, u16::to_le_bytes);
    file[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(read(&file), Err(CaptureError::Malformed(0)));
}

#[test]
fn other_link_types_are_refused() {
    let mut file = pcap(0xa1b2_c3d4, 5, u32::to_le_bytes, u16::to_le_bytes);
    file[20] = 113;
    assert_eq!(read(&file), Err(CaptureError::LinkType(113)));
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let len = (body.len() + 12) as u32;
    [&kind.to_le_bytes(), &len.to_le_bytes(), body, &len.to_le_bytes()[..]].concat()
}

/// A pcapng file: a section, an interface, an enhanced and a simple packet.
fn pcapng() -> Vec<u8> {
    let section = [0x1a2b_3c4du32.to_le_bytes().as_slice(), &[1, 0, 0, 0], &[0xff; 8]].concat();
    let interface = [1u8, 0, 0, 0, 0, 0, 0, 0];
    let micros = TIME / 1000;
    let words = [0, (micros >> 32) as u32, micros as u32, 3, 3];
    let mut packet: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
    packet.extend([1, 2, 3, 0]);
    let simple = [2u8, 0, 0, 0, 8, 9, 0, 0];
    [block(0x0a0d_0d0a, &section), block(1, &interface), block(6, &packet), block(3, &simple)].concat()
}

#[test]
fn pcapng_is_read() {
    let expected = vec![Frame { time: TIME, data: &[1, 2, 3] }, Frame { time: 0, data: &[8, 9] }];
    assert_eq!(read(&pcapng()), Ok(expected));
}

#[test]
fn no_damage_to_pcapng_panics() {
    let whole = pcapng();
    for at in 0..whole.len() {
        _ = read(&whole[..at]);
        for value in [0, 1, 0x7f, 0xff] {
            let mut damaged = whole.clone();
            damaged[at] = value;
            _ = read(&damaged);
        }
    }
}
