//! The programs that the benches run: `programs/*.c`, as objects that clang 19 made
//! (`programs/build.sh`).
//!
//! Those in [`PROGRAMS`] are of type `raw`, section `raw`, function `entry`: r1
//! points to `mem_size` bytes, r2 holds that number, known when the program is
//! verified. They call no helper and have no map, so any engine can run them, and
//! `cc` compiles the same source to compare with. Those in [`HELPER_PROGRAMS`] call
//! helpers of the kernel.
//!
//! Where the expected results come from: `programs/native.sh` compiles each source
//! with `cc -O2`, runs it twice over the input that `fill` makes, and compares both
//! results with this table.

mod helpers;
mod input;
#[cfg(test)]
mod tests;

pub use helpers::{HELPER_PROGRAMS, HelperProgram, MapFill};

/// Bytes at an address that is a multiple of eight, as zero-copy ELF readers want.
#[repr(C, align(8))]
struct Aligned<T>(T);

macro_rules! object {
    ($name:literal) => {{
        const FILE: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/", $name, ".o"));
        const OBJECT: &$crate::programs::Aligned<[u8; FILE.len()]> = &$crate::programs::Aligned(
            *include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/programs/", $name, ".o")),
        );
        &OBJECT.0
    }};
}
use object;

/// A program of type `raw`.
#[derive(Clone, Copy, Debug)]
pub struct BenchProgram {
    /// The name of its source and object.
    pub name: &'static str,
    /// The object; the program is `entry` in section `raw`, subprograms are in `.text`.
    pub object: &'static [u8],
    /// How many bytes r1 points to, in bytes; the value of r2.
    pub mem_size: usize,
    /// Writes the input into `mem_size` bytes that are zero.
    pub fill: fn(&mut [u8]),
    /// r0 at the end, at the first run over the input and at every one after it.
    pub expected: u64,
}

impl BenchProgram {
    /// The memory to run over, with the input in it.
    pub fn input(&self) -> Vec<u8> {
        let mut mem = vec![0; self.mem_size];
        (self.fill)(&mut mem);
        mem
    }
}

macro_rules! programs {
    ($($name:literal, $mem_size:literal, $fill:ident, $expected:literal;)*) => {
        /// Every program of type `raw`, by name.
        pub static PROGRAMS: &[BenchProgram] = &[$(BenchProgram {
            name: $name,
            object: object!($name),
            mem_size: $mem_size,
            fill: input::$fill,
            expected: $expected,
        }),*];
    };
}

// Name, mem_size, input, expected.
programs! {
    "adler32", 1024, noise, 0x6689_f62d;
    "base64", 224, noise, 0x0501_cab9_73b8_95fc;
    "binary_search", 1088, sorted_and_keys, 0x9b5c_126b_f486_788c;
    "bits", 512, noise, 0x3642_3836_3dcd_8a52;
    "bubble_sort", 128, noise, 0xae82_3cbc_9fb9_0807;
    "calls", 512, noise, 0x6eae_914a_95a9_d23b;
    "chacha20", 128, noise, 0x9c12_0abc_1703_e7d5;
    "checksum", 1480, noise, 0x8e2a;
    "crc32_bitwise", 128, noise, 0xac90_d6ca;
    "crc32_rodata", 1024, noise, 0x5e0f_07c6;
    "crc32_table", 2048, table_and_noise, 0x5e0f_07c6;
    "decimal_parse", 256, decimals, 0x1e75_b92b;
    "fnv1a", 1024, noise, 0x3b04_918b_6a61_1d9e;
    "gcd", 128, common_factors, 0x0000_009c_4db8_fa80;
    "histogram", 1024, noise, 0x92fe_66bb_8107_057d;
    "http_parse", 256, request_line, 0x0000_0010_5310_b131;
    "insertion_sort", 128, noise, 0x42ff_ff98_b567_5154;
    "ipv4_parse", 64, ipv4_header, 0x0507_0500_05c8_1140;
    "jhash", 256, noise, 0xdfba_3629;
    "matmul", 768, noise, 0xd87c_28fa_4fd6_92cc;
    "memchr", 1024, zero_at_1000, 0x3e8;
    "memcpy", 2048, noise, 0x5b43_e7d3_75e5_ca49;
    "murmur3", 512, noise, 0x052c_d91d;
    "rc4", 336, noise, 0xe1b3_6792_4fe4_1a74;
    "selection_sort", 128, noise, 0x42ff_ff98_b567_5154;
    "sieve", 512, noise, 0x14;
    "siphash", 272, noise, 0xf6bb_e5de_9162_3d79;
    "strcmp", 512, strings, 0xfa03;
    "substring", 264, needle_and_hay, 0xf0;
    "sum_u64", 1024, noise, 0x1522_bf10_d128_14bc;
    "utf8", 256, text, 0x6a;
    "vmswitch", 128, noise, 0xf924_f843_2266_e2bd;
    "xxhash64", 1024, noise, 0x917e_2db1_438b_d3c6;
}
