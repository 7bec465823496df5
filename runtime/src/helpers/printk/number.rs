//! Numbers, pointers and addresses as text, as in the kernel's `vsnprintf`.

use super::text::Text;
use brolga_core::format::Spec;
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

/// Bytes with spaces before or after them.
pub(super) fn padded(text: &mut Text, spec: Spec, bytes: &[u8]) {
    let spaces = spec.width.saturating_sub(bytes.len());
    text.fill(b' ', if spec.left { 0 } else { spaces });
    text.push(bytes);
    text.fill(b' ', if spec.left { spaces } else { 0 });
}

/// A sign and digits, with zeros between them or spaces around them.
fn digits(text: &mut Text, spec: Spec, sign: &str, digits: &str) {
    if spec.left || !spec.zero {
        return padded(text, spec, [sign, digits].concat().as_bytes());
    }
    text.push(sign.as_bytes());
    text.fill(b'0', spec.width.saturating_sub(sign.len() + digits.len()));
    text.push(digits.as_bytes());
}

/// In decimal, with a sign.
pub(super) fn signed(text: &mut Text, spec: Spec, number: i64) {
    let sign = match number {
        ..0 => "-",
        _ if spec.plus => "+",
        _ if spec.space => " ",
        _ => "",
    };
    digits(text, spec, sign, &number.unsigned_abs().to_string());
}

/// In decimal, without a sign.
pub(super) fn unsigned(text: &mut Text, spec: Spec, number: u64) {
    digits(text, spec, "", &number.to_string());
}

/// In hexadecimal.
pub(super) fn hexadecimal(text: &mut Text, spec: Spec, number: u64, upper: bool) {
    let number = if upper { format!("{number:X}") } else { format!("{number:x}") };
    digits(text, spec, "", &number);
}

/// In hexadecimal, 16 digits unless a width is given.
pub(super) fn pointer(text: &mut Text, spec: Spec, number: u64) {
    let spec = if spec.width == 0 { Spec { width: 16, zero: true, ..spec } } else { spec };
    hexadecimal(text, spec, number, false);
}

/// What `%p` shows of an address: a number that is always the same for the same
/// address in one process, and says nothing of it. Null and error numbers are
/// shown as they are.
pub(super) fn hashed(addr: u64) -> u64 {
    static KEY: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let plain = addr == 0 || addr > u64::MAX - 4095;
    if plain { addr } else { u64::from(KEY.hash_one(addr) as u32) }
}

/// An IPv4 or IPv6 address: with separators as people write it, or as `%pi4` and
/// `%pi6` do.
pub(super) fn ip(address: &[u8], common: bool) -> String {
    let hex = |pair: &[u8]| pair.iter().map(|byte| format!("{byte:02x}")).collect();
    let decimal = |byte: &u8| if common { byte.to_string() } else { format!("{byte:03}") };
    match (address.len(), common) {
        (4, _) => address.iter().map(decimal).collect::<Vec<_>>().join("."),
        (_, true) => address.chunks(2).map(hex).collect::<Vec<String>>().join(":"),
        (_, false) => address.chunks(2).map(hex).collect::<Vec<String>>().concat(),
    }
}
