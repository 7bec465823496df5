//! The eight bytes of an instruction, with their fields (RFC 9669, section 3).

/// A register field as it is encoded: 0 to 15, of which 11 to 15 name nothing.
pub type RawReg = u8;

/// One encoded slot: `struct bpf_insn` of the kernel's UAPI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Slot {
    /// The opcode: class in the low three bits.
    pub code: u8,
    /// The destination register field (low four bits of the second byte).
    pub dst: RawReg,
    /// The source register field (high four bits of the second byte).
    pub src: RawReg,
    /// The offset field.
    pub off: i16,
    /// The immediate field.
    pub imm: i32,
}

impl Slot {
    /// The size of a slot in bytes.
    pub const BYTES: usize = 8;

    /// The slot that these little-endian bytes hold.
    #[must_use]
    pub const fn from_bytes(b: [u8; Self::BYTES]) -> Self {
        Self {
            code: b[0],
            dst: b[1] & 0x0f,
            src: b[1] >> 4,
            off: i16::from_le_bytes([b[2], b[3]]),
            imm: i32::from_le_bytes([b[4], b[5], b[6], b[7]]),
        }
    }

    /// The little-endian bytes of the slot.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::BYTES] {
        let (off, imm) = (self.off.to_le_bytes(), self.imm.to_le_bytes());
        [self.code, (self.src << 4) | (self.dst & 0x0f), off[0], off[1], imm[0], imm[1], imm[2], imm[3]]
    }

    /// The slots that these bytes hold; nothing where their number is no
    /// multiple of eight.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Vec<Self>> {
        let (chunks, rest) = bytes.as_chunks::<{ Self::BYTES }>();
        rest.is_empty().then(|| chunks.iter().map(|b| Self::from_bytes(*b)).collect())
    }
}
