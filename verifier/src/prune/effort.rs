//! How much is looked at where paths meet.
//!
//! In a loop where paths part all states are kept, and a program can make any number
//! of them that differ in what is looked at last: to compare each with each takes a time
//! that grows with the square of the walk. So there is as much to look at as programs
//! that are worth it need, and a part for each instruction; who needs more is compared
//! with the last few states only, in the end with none, and walked.

use super::order::Names;

/// So many values may be looked at, and so many for each instruction.
const FAIR: (u64, u64) = (20_000_000, 50);

/// With so many states is compared where more were looked at.
const FEW: usize = 16;

/// What was looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort(u64);

impl Effort {
    /// With how many states one may be compared, after so many instructions.
    pub(super) fn most(self, walked: u32) -> usize {
        let fair = FAIR.0 + FAIR.1 * u64::from(walked);
        match self.0 / fair {
            0 => usize::MAX,
            1 => FEW,
            2 => 1,
            _ => 0,
        }
    }

    /// Two states were compared.
    pub(super) const fn spend(&mut self, names: &Names) {
        self.0 += names.looked;
    }
}

#[cfg(test)]
mod tests {
    use super::{Effort, FAIR, FEW};

    #[test]
    fn who_looks_at_much_is_compared_with_few() {
        assert_eq!(Effort(FAIR.0 - 1).most(0), usize::MAX);
        assert_eq!(Effort(FAIR.0).most(0), FEW);
        assert_eq!(Effort(FAIR.0).most(1), usize::MAX);
        assert_eq!(Effort(2 * FAIR.0).most(0), 1);
        assert_eq!(Effort(u64::MAX).most(u32::MAX), 0);
    }
}
