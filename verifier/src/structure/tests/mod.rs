//! Each rule on a small text, and the facts against their meaning on random
//! programs.

mod depth;
mod generate;
mod live;
mod marks;
mod rules;
mod run;
mod stack;

use super::*;
use brolga_core::prog_type::table;
use brolga_core::{Aux, asm};

/// The program of a socket filter, as an unnamed test would be loaded.
fn program(text: &str) -> Program {
    program_of("socket_filter", text)
}

fn program_of(prog_type: &str, text: &str) -> Program {
    let prog_type = table::by_name(prog_type).expect("a kind of program");
    let code = asm::assemble(text).expect("a text that assembles");
    Program { code, aux: Aux::new(prog_type) }
}

/// The structure of a program that has one.
fn structure(text: &str) -> Structure {
    check(&program(text)).expect("a structure")
}

/// The words of the rejection, and the instruction that it names.
#[track_caller]
fn rejects(text: &str, at: impl Into<Option<u32>>, words: &str) {
    let reject = check(&program(text)).expect_err("a rejection");
    assert_eq!((reject.to_string().as_str(), reject.at), (words, at.into().map(Pc)));
}
