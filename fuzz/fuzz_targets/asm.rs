//! See `brolga_tests::fuzzing::asm`.
#![no_main]

use brolga_tests::fuzzing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzzing::asm(bytes));
