//! The inputs, each by a formula.
//!
//! [`noise`] is SplitMix64 from seed 1, as little-endian words; the others are
//! built on it or on nothing.

/// Noise throughout.
pub(super) fn noise(mem: &mut [u8]) {
    let mut state = 1u64;
    for word in mem.chunks_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes()[..word.len()]);
    }
}

/// The CRC-32 of each byte as 256 words, then noise.
pub(super) fn table_and_noise(mem: &mut [u8]) {
    let (table, data) = mem.split_at_mut(1024);
    for (byte, entry) in (0u32..).zip(table.chunks_exact_mut(4)) {
        let crc = (0..8).fold(byte, |crc, _| crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg()));
        entry.copy_from_slice(&crc.to_le_bytes());
    }
    noise(data);
}

/// 256 rising words, 16 apart on average, then 16 keys among them.
pub(super) fn sorted_and_keys(mem: &mut [u8]) {
    noise(mem);
    for (at, word) in (0u32..).zip(mem.chunks_exact_mut(4)) {
        let noise = u32::from(word[0]) | u32::from(word[1]) << 8;
        let value = if at < 256 { at * 16 + (noise & 15) } else { noise & 4095 };
        word.copy_from_slice(&value.to_le_bytes());
    }
}

/// `7919 * i % 100000` for i = 1, 2, .. with commas between them, cut at the end.
pub(super) fn decimals(mem: &mut [u8]) {
    let text = (1..=64).map(|i| format!("{},", 7919 * i % 100_000)).collect::<String>();
    mem.copy_from_slice(&text.as_bytes()[..mem.len()]);
}

/// 16 words below 2^32, each a multiple of 12.
pub(super) fn common_factors(mem: &mut [u8]) {
    noise(mem);
    for word in mem.chunks_exact_mut(8) {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(word);
        let value = (u64::from_le_bytes(bytes) >> 36) * 12;
        word.copy_from_slice(&value.to_le_bytes());
    }
}

/// A request line of 194 bytes and its line end; zeros behind it.
pub(super) fn request_line(mem: &mut [u8]) {
    let query = "&item=crane".repeat(14);
    let line = format!("GET /birds/list.html?page=7{query} HTTP/1.1\r\n");
    mem[..line.len()].copy_from_slice(line.as_bytes());
}

/// A header of 60 bytes for a UDP packet of 1480, 40 of them options that do
/// nothing, with its checksum.
pub(super) fn ipv4_header(mem: &mut [u8]) {
    mem[..60].fill(1);
    mem[..20]
        .copy_from_slice(&[0x4f, 0, 0x05, 0xc8, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0, 10, 1, 2, 3, 10, 4, 5, 6]);
    let sum: u32 = mem[..60].chunks_exact(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    mem[10..12].copy_from_slice(&checksum.to_be_bytes());
}

/// Noise without a zero but at byte 1000.
pub(super) fn zero_at_1000(mem: &mut [u8]) {
    noise(mem);
    mem.iter_mut().for_each(|byte| *byte |= 1);
    mem[1000] = 0;
}

/// `abababac`, then letters a and b by noise, with the needle 240 bytes in.
pub(super) fn needle_and_hay(mem: &mut [u8]) {
    const NEEDLE: &[u8; 8] = b"abababac";
    noise(mem);
    mem.iter_mut().for_each(|byte| *byte = b'a' + (*byte & 1));
    mem[..8].copy_from_slice(NEEDLE);
    mem[248..256].copy_from_slice(NEEDLE);
}

/// Two strings of 255 letters that differ at byte 250.
pub(super) fn strings(mem: &mut [u8]) {
    for (at, byte) in mem.iter_mut().enumerate() {
        *byte = if at % 256 == 255 { 0 } else { b'a' + (at % 256 % 26) as u8 };
    }
    mem[256 + 250] = b'A';
}

/// Characters of one to four bytes in turn, then six of one.
pub(super) fn text(mem: &mut [u8]) {
    let text = "a\u{e9}\u{20ac}\u{10348}".repeat(25) + "crane!";
    mem.copy_from_slice(text.as_bytes());
}
