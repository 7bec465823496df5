//! Whom a verified program may be linked for.
#![expect(unsafe_code, reason = "hooks, and a program that is said to be safe")]

use brolga_core::facts::{Facts, InsnFacts, Subprog};
use brolga_core::link::{Hooks, Links, RunState};
use brolga_core::prog_type::table;
use brolga_core::{Aux, LinkError, Pc, Program, Verified, asm};

unsafe extern "C-unwind" fn no_packet(_: u64, _: i64, _: u64) -> i64 {
    -1
}

unsafe extern "C-unwind" fn no_target(_: *mut RunState, _: u64, _: u64) -> u64 {
    0
}

unsafe extern "C-unwind" fn no_elem(_: u64, _: *mut u64, _: *mut u8) -> u64 {
    0
}

unsafe extern "C-unwind" fn processor(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

/// Links a program that was verified for so many processors, where there are so
/// many.
fn linked(verified: Option<u32>, found: u32) -> Result<(), LinkError> {
    let mut aux = Aux::new(table::by_name("raw").expect("a built-in type"));
    aux.processors = verified;
    let code = asm::assemble("r0 = 0\n exit").expect("a program");
    let row = InsnFacts { reached: true, ..InsnFacts::default() };
    let whole = Subprog { start: Pc::START, end: code.end(), stack: 0, reads_uninit_stack: false };
    let facts = Facts { insns: vec![row; code.len()].into(), subprogs: vec![whole] };
    // SAFETY: the program returns 0 and touches nothing.
    let verified = unsafe { Verified::assume(Program { code, aux }, facts) };
    let hooks = Hooks {
        load_packet: no_packet,
        tail_call: no_target,
        tail_run: no_target,
        next_elem: no_elem,
        processor,
        processors: found,
    };
    verified.link(&Links { helper: &|_| None, maps: &[], hooks }).map(drop)
}

#[test]
fn there_are_no_more_processors_than_it_was_verified_for() {
    assert_eq!(linked(None, 4), Ok(()));
    assert_eq!(linked(Some(4), 4), Ok(()));
    assert_eq!(linked(Some(5), 4), Ok(()));
    let error = linked(Some(3), 4);
    assert_eq!(error, Err(LinkError::Processors { verified: 3, found: 4 }));
    assert_eq!(error.unwrap_err().to_string(), "verified for 3 processors, and there are 4");
}
