//! Which helpers each type of program may call, and under which licence.

use super::{Ask, CONFIGURED, Differences, ask, kernel, kernel_types};
use brolga_core::prog_type::ProgramType;

/// One number past the last helper, to see that the kernel knows no more.
const NUMBERS: std::ops::RangeInclusive<i32> = 0..=212;

/// What the kernel says of a helper that a program may not call.
const REFUSALS: [&str; 4] = [
    "cannot use helper",
    "invalid func",
    "helper call is not allowed in probe",
    "not supported for program type",
];

fn call(id: i32) -> String {
    format!("call {id}\nr0 = 0\nexit")
}

#[test]
fn every_type_may_call_the_helpers_of_its_set() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("helper sets");
    for program_type in kernel_types() {
        let some = [super::usual_attach(program_type)];
        let each = match (program_type.helpers_for.is_empty(), program_type.attach_types.is_empty()) {
            (true, _) => &some[..],
            (false, true) => &[0, 6, 18, 29],
            (false, false) => &program_type.attach_types,
        };
        for attach in each {
            for id in NUMBERS.filter(|id| !CONFIGURED.contains(id)) {
                let question = Ask { attach: Some(*attach), ..Ask::default() };
                let log = ask(kernel, program_type, &call(id), question).log;
                let refused = REFUSALS.iter().any(|words| log.contains(words));
                let of = || format!("{} attached as {attach} calls {id}", program_type.name);
                differences.compare(program_type.helper_as(*attach, id).is_some(), !refused, of);
            }
        }
    }
    differences.none_expected();
}

#[test]
fn the_names_are_the_kernels() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("helper names");
    let xdp = kernel_types().find(|t| t.name == "xdp").expect("xdp is in the table");
    for proto in brolga_core::helper::table::all() {
        let verdict = ask(kernel, xdp, &call(proto.id), Ask { log: 2, ..Ask::default() });
        let named = verdict.log.contains(&format!("{}#{}", proto.name, proto.id));
        differences.compare(true, named, || format!("{}: {}", proto.name, verdict.reason()));
    }
    differences.none_expected();
}

#[test]
fn helpers_are_for_gpl_programs_as_their_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("gpl_only");
    for program_type in kernel_types() {
        for proto in program_type.helpers.values().filter(|p| !CONFIGURED.contains(&p.id)) {
            let verdict = ask(
                kernel,
                program_type,
                &call(proto.id),
                Ask { license: "MIT", attach: super::attach_for(program_type, proto.id), ..Ask::default() },
            );
            let refused = verdict.log.contains("cannot call GPL-restricted function");
            differences
                .compare(proto.gpl_only, refused, || format!("{} in {}", proto.name, program_type.name));
        }
    }
    differences.none_expected();
}

#[test]
fn helpers_sleep_as_their_rows_say() {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new("may_sleep");
    let awake = |t: &&std::sync::Arc<ProgramType>| t.sleepable != brolga_core::prog_type::Sleepable::Required;
    for program_type in kernel_types().filter(awake) {
        for proto in program_type.helpers.values().filter(|p| !CONFIGURED.contains(&p.id)) {
            let question = Ask { attach: super::attach_for(program_type, proto.id), ..Ask::default() };
            let verdict = ask(kernel, program_type, &call(proto.id), question);
            let refused = verdict.log.contains("helper call might sleep in a non-sleepable prog");
            differences
                .compare(proto.may_sleep, refused, || format!("{} in {}", proto.name, program_type.name));
        }
    }
    differences.none_expected();
}
