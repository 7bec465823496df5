//! The kernel's words for what is known of a number.

use std::fmt;

use super::scalar::Scalar;

/// A bound as the verifier log names it.
struct Bound {
    name: &'static str,
    value: u64,
    signed: bool,
    trivial: bool,
}

impl Bound {
    fn is_negative(&self) -> bool {
        self.signed && (self.value as i64) < 0
    }
}

/// Decimal for numbers of up to 16 bits, hexadecimal for greater ones.
struct Unsigned(u64);
struct Signed(i64);

impl fmt::Display for Unsigned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 <= u64::from(u16::MAX) { write!(f, "{}", self.0) } else { write!(f, "{:#x}", self.0) }
    }
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if i16::try_from(self.0).is_ok() { write!(f, "{}", self.0) } else { write!(f, "{:#x}", self.0) }
    }
}

impl Scalar {
    fn bounds(&self) -> [Bound; 8] {
        let bound = |name, value, signed, trivial| Bound { name, value, signed, trivial };
        // The log writes a negative 32-bit bound with 64 bits only where it
        // writes it in decimal.
        let narrow = |v: i32| if i16::try_from(v).is_ok() { v as i64 as u64 } else { u64::from(v as u32) };
        [
            bound("smin", self.smin as u64, true, self.smin == i64::MIN),
            bound("smax", self.smax as u64, true, self.smax == i64::MAX),
            bound("umin", self.umin, false, self.umin == 0),
            bound("umax", self.umax, false, self.umax == u64::MAX),
            bound("smin32", narrow(self.s32_min), true, self.s32_min == i32::MIN),
            bound("smax32", narrow(self.s32_max), true, self.s32_max == i32::MAX),
            bound("umin32", u64::from(self.u32_min), false, self.u32_min == 0),
            bound("umax32", u64::from(self.u32_max), false, self.u32_max == u32::MAX),
        ]
    }
}

/// The parts of the kernel's `scalar(..)`, separated by commas: the bounds that
/// say something, equal ones joined (`smin=umin=3`), then `var_off`. Empty for
/// an unknown number; a known one is the number alone.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(value) = self.as_const() {
            return Signed(value as i64).fmt(f);
        }
        let bounds = self.bounds();
        let mut done = bounds.each_ref().map(|bound| bound.trivial);
        let mut separator = "";
        for (at, bound) in bounds.iter().enumerate() {
            if done[at] {
                continue;
            }
            write!(f, "{separator}{}=", bound.name)?;
            separator = ",";
            // Minima stand at even places, maxima at odd ones.
            for (other_at, other) in bounds.iter().enumerate().skip(at + 2).step_by(2) {
                let equal = other.value == bound.value && other.is_negative() == bound.is_negative();
                if equal && !done[other_at] {
                    done[other_at] = true;
                    write!(f, "{}=", other.name)?;
                }
            }
            if bound.signed { Signed(bound.value as i64).fmt(f)? } else { Unsigned(bound.value).fmt(f)? }
        }
        if !self.tnum.is_unknown() {
            write!(f, "{separator}var_off={}", self.tnum)?;
        }
        Ok(())
    }
}
