//! The log's form is the kernel's.

use brolga_core::asm::assemble;
use brolga_core::{Aux, Program, prog_type};
use brolga_verifier::{LogLevel, Options, verify};

fn log(text: &str, level: LogLevel) -> String {
    let prog_type = prog_type::table::by_name("socket_filter").expect("a kernel program type");
    let program = Program { code: assemble(text).expect("a program"), aux: Aux::new(prog_type) };
    let options = Options { log: level, ..Options::default() };
    match verify(program, &options) {
        Ok(accepted) => accepted.report.log,
        Err(failure) => failure.report.log,
    }
}

#[test]
fn nothing_is_logged_unless_asked_for() {
    assert_eq!(log("r0 = 0\nexit", LogLevel::Off), "");
}

#[test]
fn the_full_log_says_what_each_instruction_changed() {
    let text = "r0 = *(u32 *)(r1 + 0)\nr0 &= 7\n*(u64 *)(r10 - 8) = r0\nif r0 == 3 goto +1\nr0 = 0\nexit";
    let log = log(text, LogLevel::Full);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[0], "0: R1=ctx() R10=fp0", "{log}");
    assert_eq!(
        lines[2],
        "1: (57) r0 &= 7                       ; R0=scalar(smin=smin32=0,smax=umax=smax32=umax32=7,var_off=(0x0; 0x7))",
        "{log}"
    );
    assert!(lines[3].contains("; R0=scalar(id=1,") && lines[3].contains(" fp-8=scalar(id=1,"), "{log}");
    assert!(log.contains("\nfrom 3 to 5: R0=3 "), "{log}");
    assert!(log.contains("processed 7 insns (limit 1000000)"), "{log}");
}

#[test]
fn a_rejection_ends_the_log_with_the_kernels_words() {
    let log = log("r0 = r3\nexit", LogLevel::Brief);
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[..3], ["0: R1=ctx() R10=fp0", "0: (bf) r0 = r3", "R3 !read_ok"]);
}
