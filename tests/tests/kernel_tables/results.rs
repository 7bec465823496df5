//! What programs may return, and how they may be loaded.

use super::{Ask, Differences, ask, kernel, kernel_types};
use brolga_core::prog_type::{ProgramType, Sleepable};
use brolga_tests::kernel::Kernel;

/// Past the last attach type of Linux 6.18.
const ATTACH_TYPES: u32 = 64;

const RESULTS: [i32; 9] = [i32::MIN, -4095, -1, 0, 1, 2, 3, 4, i32::MAX];

fn loads(kernel: Kernel, program_type: &ProgramType, result: i32, question: Ask<'_>) -> bool {
    let text = format!("r0 = {result}\nexit");
    ask(kernel, program_type, &text, Ask { log: 0, ..question }).loaded.is_some()
}

fn allowed_attach(program_type: &ProgramType, attach: u32) -> bool {
    program_type.attach_types.is_empty() || program_type.attach_types.contains(&attach)
}

#[test]
fn attach_types_are_allowed_as_the_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("attach types");
    for program_type in kernel_types() {
        for attach in 0..ATTACH_TYPES {
            let loaded = loads(kernel, program_type, 1, Ask { attach: Some(attach), ..Ask::default() });
            let of = || format!("{} attached as {attach}", program_type.name);
            differences.compare(allowed_attach(program_type, attach), loaded, of);
        }
    }
    differences.none_expected();
}

#[test]
fn results_are_allowed_as_the_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("results");
    for program_type in kernel_types() {
        for attach in (0..ATTACH_TYPES).filter(|a| allowed_attach(program_type, *a)) {
            for result in RESULTS {
                let row = program_type.returns(attach).is_none_or(|range| range.contains(&result));
                let loaded =
                    loads(kernel, program_type, result, Ask { attach: Some(attach), ..Ask::default() });
                let of = || format!("{} attached as {attach} returns {result}", program_type.name);
                differences.compare(row, loaded, of);
            }
        }
    }
    differences.none_expected();
}

#[test]
fn programs_sleep_as_the_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("sleepable");
    for program_type in kernel_types() {
        for flag in [false, true] {
            let row = match program_type.sleepable {
                Sleepable::No => !flag,
                Sleepable::Allowed => true,
                Sleepable::Required => flag,
            };
            let loaded = loads(kernel, program_type, 1, Ask { sleepable: Some(flag), ..Ask::default() });
            differences.compare(row, loaded, || format!("{} with the flag {flag}", program_type.name));
        }
    }
    differences.none_expected();
}
