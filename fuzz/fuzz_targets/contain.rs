//! See `brolga_tests::fuzzing::contain`.
#![no_main]

use brolga_tests::fuzzing;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    match fuzzing::contain(bytes) {
        Some(_) => Corpus::Keep,
        None => Corpus::Reject,
    }
});
