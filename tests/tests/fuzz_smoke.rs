//! The fuzz targets on a few hundred inputs of a simple generator, and on those
//! that a person would try first.

use brolga_tests::examine::Verdict;
use brolga_tests::{fuzzing, generate};

#[test]
fn decode() {
    for seed in 0..2000 {
        fuzzing::decode(&generate::bytes(seed, (seed % 64) as usize));
        fuzzing::decode(&generate::from_seed(seed % 200).code.encode());
    }
}

#[test]
fn asm() {
    for text in ["", "r0 = 0\nexit", "l:\nif w0 s> 7 goto l\nexit", "\u{ff}", "goto goto", "call pc+0"] {
        fuzzing::asm(text.as_bytes());
    }
    for seed in 0..200 {
        fuzzing::asm(&generate::bytes(seed, 64));
        fuzzing::asm(&generate::from_seed(seed).code.encode());
    }
}

#[test]
fn contain() {
    let verdicts = (0..60).filter_map(|seed| fuzzing::contain(&generate::bytes(seed, 1024)));
    let accepted = verdicts.filter(|v| matches!(v, Verdict::Accepted(_))).count();
    assert!(accepted > 30, "only {accepted} of 60 were accepted");
}

#[test]
fn diff() {
    let verdicts = (0..60).filter_map(|seed| fuzzing::diff(&generate::bytes(seed + 1000, 1024)));
    let accepted = verdicts.filter(|v| matches!(v, Verdict::Accepted(_))).count();
    assert!(accepted > 40, "only {accepted} of 60 were accepted");
}
