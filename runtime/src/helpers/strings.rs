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

/// The length of a string, in bytes, its NUL not counted.
///
/// # Safety
///
/// There is a NUL at the address or after it, and every byte up to it is as
/// [`with_copy`] says.
pub(super) unsafe fn length(addr: u64) -> usize {
    // SAFETY: no byte behind the NUL is looked at.
    let is_nul = |at: &usize| unsafe { with_copy(addr + *at as u64, 1, |byte| byte[0] == 0) } != Some(false);
    (0..).find(is_nul).unwrap_or(0)
}
