//! `bpf_strncmp`.

use super::fail;
use super::memory::with_copy;
use rustix::io::Errno;

/// `(s1, s1_size, s2)`: less than, equal to or greater than 0, as `strncmp` of
/// `s1_size` bytes; `s2` ends with a NUL.
pub(super) unsafe extern "C-unwind" fn strncmp(
    s1: u64,
    s1_size: u64,
    s2: u64,
    _: u64,
    _: u64,
    _: u64,
) -> u64 {
    let compare = |left: &[u8]| {
        for (at, left) in left.iter().enumerate() {
            // SAFETY: by its prototype `s2` is a string with its NUL, behind
            // which the loop does not go.
            let right = unsafe { with_copy(s2 + at as u64, 1, |byte| byte[0]) }.unwrap_or(0);
            if *left != right || right == 0 {
                return (i64::from(*left) - i64::from(right)).signum() as u64;
            }
        }
        0
    };
    // SAFETY: by its prototype the helper gets `s1_size` readable bytes.
    let compared = unsafe { with_copy(s1, s1_size as u32 as usize, compare) };
    compared.unwrap_or(fail(Errno::NOMEM))
}
