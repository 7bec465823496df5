//! Programs that do next to nothing, to see what calls cost.

/// `r0 = 0; exit`.
pub const EMPTY: [u8; 16] = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];

/// How many helper calls one run of [`calling`] makes.
pub const CALLS: usize = 32;

/// The number of a helper that returns its first argument.
pub const HELPER: i32 = 6001;

/// A program that calls a helper with its own result over and over.
#[must_use]
pub fn calling(helper: i32) -> Vec<u8> {
    let mut code = vec![0xb7, 1, 0, 0, 7, 0, 0, 0];
    for _ in 0..CALLS {
        code.extend([0x85, 0, 0, 0]);
        code.extend(helper.to_le_bytes());
        // r1 = r0, and what a helper leaves of r2 to r5 is not read.
        code.extend([0xbf, 0x01, 0, 0, 0, 0, 0, 0]);
    }
    code.extend([0x95, 0, 0, 0, 0, 0, 0, 0]);
    code
}

/// Runs one of these programs in rbpf.
#[expect(unsafe_code, reason = "rbpf's compiled code is run by an unsafe function")]
pub fn rbpf_run(vm: &rbpf::EbpfVmRaw<'_>, memory: &mut [u8]) -> u64 {
    // SAFETY: the programs here access no memory.
    unsafe { vm.execute_program_jit(memory).unwrap_or(0) }
}
