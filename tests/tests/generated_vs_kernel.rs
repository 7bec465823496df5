//! The generator makes programs that a verifier should mostly accept: asked of
//! the live kernel.

use brolga_tests::examine::{for_kernel, request};
use brolga_tests::generate;
use brolga_tests::kernel::Kernel;

const PROGRAMS: u64 = 300;

#[test]
fn most_generated_programs_are_accepted_by_the_kernel() {
    let Some(kernel) = Kernel::open() else {
        println!("skipped: no bpf(2)");
        return;
    };
    let accepted = (0..PROGRAMS).filter(|seed| is_accepted(kernel, *seed)).count() as u64;
    assert!(accepted * 100 >= PROGRAMS * 70, "only {accepted} of {PROGRAMS} were accepted");
}

fn is_accepted(kernel: Kernel, seed: u64) -> bool {
    let program = for_kernel(kernel, &generate::from_seed(seed));
    let request = request(&program, u32::from(std::env::var_os("SHOW").is_some()));
    let verdict = kernel.load_with(&request, &program.funcs).expect("maps can be made");
    if verdict.loaded.is_none() && request.log > 0 {
        println!("{seed}: {} insns: {}", program.code.len(), verdict.reason());
    }
    verdict.loaded.is_some()
}
