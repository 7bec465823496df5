//! A case on the live kernel.

use super::run::Left;
use super::{Case, CaseError, Outcome};
use crate::kernel::{Kernel, Request, Verdict};
use brolga_core::prog_type::table;

/// Asks the kernel what the case says it answers.
pub(super) fn ask(case: &Case) -> Result<Outcome, CaseError> {
    let Some(kernel) = Kernel::open() else { return Ok(Outcome::Skipped) };
    let verdict = load(case, kernel)?;
    match (&verdict.loaded, &case.reject) {
        (Some(_), None) => run_all(case, kernel, verdict).map(|()| Outcome::Passed),
        (Some(_), Some(_)) => Err(CaseError::Unmet("the kernel accepts it".into())),
        (None, None) => Err(CaseError::Unmet(format!("the kernel rejects it: {}", verdict.reason()))),
        (None, Some(expected)) if expected.agrees(verdict.reason()) => Ok(Outcome::Passed),
        (None, Some(expected)) => {
            let words = verdict.reason();
            Err(CaseError::Unmet(format!("the kernel says {words:?}, not {:?}", expected.words)))
        }
    }
}

/// The last line of the kernel's log, where it rejects the case.
pub(super) fn words(case: &Case) -> Option<String> {
    let verdict = load(case, Kernel::open()?).ok()?;
    verdict.loaded.is_none().then(|| verdict.reason().trim().to_owned())
}

fn load(case: &Case, kernel: Kernel) -> Result<Verdict, CaseError> {
    let number = table::by_name(&case.prog_type).and_then(|t| t.number);
    let number = number.ok_or_else(|| CaseError::Unmet("the kernel has no such type of program".into()))?;
    let request = Request {
        prog_type: number,
        code: &case.assembly.code,
        license: &case.license,
        attach: case.attach,
        flags: case.flags,
        maps: &case.maps,
        log: 1,
    };
    let failed = |error| CaseError::Unmet(format!("no map: {error}"));
    let verdict = kernel.load_with(&request, &case.funcs).map_err(failed)?;
    for (map, slot) in &case.own_slots {
        verdict.loaded.as_ref().map_or(Ok(()), |loaded| loaded.put_itself(*map, *slot)).map_err(failed)?;
    }
    Ok(verdict)
}

fn run_all(case: &Case, kernel: Kernel, verdict: Verdict) -> Result<(), CaseError> {
    let mut verdict = verdict;
    for (index, run) in case.runs.iter().enumerate() {
        if index > 0 && !case.maps.is_empty() {
            verdict = load(case, kernel)?;
        }
        let Some(loaded) = &verdict.loaded else {
            return Err(CaseError::Unmet("the kernel accepts it only once".into()));
        };
        let ran = loaded.run(&case.input(run));
        let ran =
            ran.map_err(|error| CaseError::Unmet(format!("line {}: no test run: {error}", run.line)))?;
        case.meets(run, &Left { r0: ran.retval.into(), bytes: ran.packet })?;
    }
    Ok(())
}
