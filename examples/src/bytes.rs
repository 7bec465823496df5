//! Reading big-endian numbers out of a packet that may end early.

/// The 16-bit number at byte `at`, or `None` past the end.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_be_bytes)
}

/// The byte at `at`, or `None` past the end.
pub(crate) fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// The `N` bytes from `at`, or `None` if they pass the end.
pub(crate) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_stop_at_the_end() {
        let bytes = [1, 2, 3];
        assert_eq!(be16(&bytes, 1), Some(0x0203));
        assert_eq!(be16(&bytes, 2), None);
        assert_eq!(byte(&bytes, 2), Some(3));
        assert_eq!(byte(&bytes, 3), None);
        assert_eq!(array::<1>(&bytes, usize::MAX), None);
    }
}
