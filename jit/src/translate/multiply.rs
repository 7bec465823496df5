//! Multiplication by constants.

use super::Translator;
use brolga_core::Width;
use cranelift_codegen::ir::{InstBuilder, Value};

/// How a product is made of shifts and sums. All wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// `(x + (x << sum)) << shift`.
    Sum { sum: u32, shift: u32 },
    /// `(x << shift) - x`.
    Less { shift: u32 },
}

impl Way {
    /// The way to multiply by a number, where there is one of two steps.
    fn of(number: u64) -> Option<Self> {
        let shift = number.checked_ilog2()?.min(number.trailing_zeros());
        let odd = number >> shift;
        let power = |n: u64| n.is_power_of_two().then(|| n.trailing_zeros());
        let sum = power(odd - 1).filter(|sum| *sum > 0);
        // An address adds a shift of at most 3.
        let sum = sum.filter(|sum| *sum <= 3 || shift == 0).map(|sum| Self::Sum { sum, shift });
        let less = number.checked_add(1).and_then(power).filter(|shift| *shift > 1);
        sum.or(less.map(|shift| Self::Less { shift }))
    }

    #[cfg(test)]
    fn eval(self, x: u64) -> u64 {
        match self {
            Self::Sum { sum, shift } => x.wrapping_add(x << sum) << shift,
            Self::Less { shift } => (x << shift).wrapping_sub(x),
        }
    }
}

impl Translator<'_, '_> {
    /// The product of a value and a number, where that takes no multiplication.
    pub(super) fn product(&mut self, width: Width, x: Value, number: u64) -> Option<Value> {
        let shifted = |this: &mut Self, x: Value, by: u32| {
            let by = this.immediate(width, by.into());
            this.b.ins().ishl(x, by)
        };
        Some(match Way::of(width.zero_extend(number))? {
            Way::Sum { sum, shift } => {
                let high = shifted(self, x, sum);
                let odd = self.b.ins().iadd(x, high);
                if shift == 0 { odd } else { shifted(self, odd, shift) }
            }
            Way::Less { shift } if shift < width.bits() => {
                let high = shifted(self, x, shift);
                self.b.ins().isub(high, x)
            }
            Way::Less { .. } => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_products() {
        let numbers = (0..2000).chain((0..64).flat_map(|n| {
            let power = 1_u64 << n;
            [
                power.wrapping_sub(1),
                power,
                power.wrapping_add(1),
                power.wrapping_mul(5),
                power.wrapping_mul(9),
            ]
        }));
        for number in numbers {
            let Some(way) = Way::of(number) else { continue };
            for x in [0, 1, 2, 3, 77, u64::from(u32::MAX), 1 << 63, u64::MAX - 5] {
                assert_eq!(way.eval(x), x.wrapping_mul(number), "{number} {way:?}");
            }
        }
    }

    #[test]
    fn small_ones_take_two_steps() {
        assert_eq!(Way::of(5), Some(Way::Sum { sum: 2, shift: 0 }));
        assert_eq!(Way::of(10), Some(Way::Sum { sum: 2, shift: 1 }));
        assert_eq!(Way::of(31), Some(Way::Less { shift: 5 }));
        assert_eq!([0, 1, 2, 8, 11, 100].map(Way::of), [None; 6]);
    }
}
