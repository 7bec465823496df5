//! The processors that per-CPU values are for.

use std::sync::LazyLock;

/// How many processors there may ever be; their numbers are below.
pub(crate) fn possible() -> usize {
    static POSSIBLE: LazyLock<usize> = LazyLock::new(|| {
        let list = std::fs::read_to_string("/sys/devices/system/cpu/possible").ok();
        let known = list.as_deref().and_then(after_last);
        known.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into))
    });
    *POSSIBLE
}

/// How many processors there may ever be on this machine; their numbers are below.
/// It is the number of copies that a value of a per-CPU map has, and what a
/// program that is loaded may rely on (`nr_cpu_ids` in the kernel).
#[must_use]
pub fn count() -> u32 {
    u32::try_from(possible()).unwrap_or(u32::MAX)
}

/// The processor that this runs on, below [`possible`]. It may be another at
/// once.
pub(crate) fn current() -> usize {
    let (cpu, possible) = (rustix::thread::sched_getcpu(), possible());
    if cpu < possible { cpu } else { cpu % possible }
}

/// One more than the last number of a list like `0-3,8`.
fn after_last(list: &str) -> Option<usize> {
    let last = list.trim().rsplit([',', '-']).next()?;
    last.parse::<usize>().ok()?.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_end_with_the_last_processor() {
        let cases = [
            ("0\n", Some(1)),
            ("0-3\n", Some(4)),
            ("0-3,8", Some(9)),
            ("0,2-7", Some(8)),
            ("", None),
            ("x", None),
        ];
        for (list, expected) in cases {
            assert_eq!(after_last(list), expected, "{list:?}");
        }
    }

    #[test]
    fn the_current_processor_is_possible() {
        assert!(current() < possible());
    }
}
