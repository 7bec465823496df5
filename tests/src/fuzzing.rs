//! What the fuzz targets do; each takes a fuzzer's bytes and panics where
//! something is wrong.

use crate::examine::{Problem, Questions, Verdict, examine, packets};
use crate::generate;
use arbitrary::Unstructured;
use brolga_core::asm::{KernelNames, assemble};
use brolga_core::{Code, disasm};

/// The decoder and the encoder are each other's inverse, on whatever decodes;
/// what does not is refused without a panic.
///
/// # Panics
///
/// Where they are not.
pub fn decode(bytes: &[u8]) {
    let Ok(code) = Code::decode(bytes) else { return };
    assert_eq!(code.encode(), bytes, "{code}");
}

/// What assembles, disassembles to text that assembles to the same; so does what
/// decodes.
///
/// # Panics
///
/// Where it does not.
pub fn asm(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for code in [assemble(&text).ok(), Code::decode(bytes).ok()].into_iter().flatten() {
        assert_eq!(assemble(&code.to_string()).as_ref(), Ok(&code));
        let listing = disasm::listing(&code, &KernelNames).to_string();
        assert_eq!(assemble(&listing).as_ref(), Ok(&code), "{listing}");
    }
}

/// No run of an accepted program leaves what was claimed, and both engines agree
/// on it.
///
/// # Panics
///
/// Where one does, or they do not.
pub fn contain(bytes: &[u8]) -> Option<Verdict> {
    let mut u = Unstructured::new(bytes);
    let mut program = generate::program(&mut u).ok()?;
    if u.ratio(1, 3).unwrap_or(false)
        && let Ok(Ok(code)) = generate::mutate(&program.code, &mut u)
    {
        program.code = code;
    }
    let seed = u.arbitrary().unwrap_or(0);
    match examine(&program, &packets(seed), Questions::default()) {
        Ok(verdict) => Some(verdict),
        // What was broken may be the number of a helper that the world has not.
        Err(Problem::Link(_)) => None,
        Err(problem) => panic!("{problem}\n{}", disasm::listing(&program.code, &KernelNames)),
    }
}

/// The same with the passes of the compiler, its tier, and whether the program has
/// what those passes look for, by the first four bytes.
///
/// # Panics
///
/// Where the engines do not agree.
pub fn diff(bytes: &[u8]) -> Option<Verdict> {
    let (choice, rest) = bytes.split_first_chunk()?;
    let choice = u32::from_le_bytes(*choice);
    let mut u = Unstructured::new(rest);
    let has = |bit: u32| choice >> bit & 1 == 1;
    let program = if has(30) { generate::program_with_idioms(&mut u) } else { generate::program(&mut u) };
    let program = program.ok()?;
    let tier = if has(31) { brolga_jit::Tier::Quick } else { brolga_jit::Tier::Best };
    let passes = brolga_jit::Passes::from_bits_truncate(choice);
    let jit = brolga_jit::Options { tier, passes, ..brolga_jit::Options::default() };
    let seed = u.arbitrary().unwrap_or(0);
    match examine(&program, &packets(seed), Questions { jit, ..Questions::default() }) {
        Ok(verdict) => Some(verdict),
        Err(problem) => panic!("{problem}\n{}", disasm::listing(&program.code, &KernelNames)),
    }
}
