//! The rows of helpers and program types, each asked of the live kernel.
//!
//! Where there is another kernel than the rows describe, or one that does not
//! allow `bpf(2)`, every test says so and passes.

mod args;
mod contexts;
mod helpers;
mod results;
mod sockets;

use brolga_core::prog_type::{ProgramType, Sleepable, table};
use brolga_core::{LoadFlags, MapDef, asm};
use brolga_tests::kernel::{Kernel, Request, Verdict};
use std::sync::Arc;

/// Helpers that a kernel may lack by its configuration: `bpf_probe_write_user`
/// (locked down), `bpf_override_return` (`CONFIG_BPF_KPROBE_OVERRIDE`).
const CONFIGURED: [i32; 2] = [36, 58];

/// The kernel, where it is one that the rows describe and lets us ask.
fn kernel() -> Option<Kernel> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    if !release.starts_with("6.18.") || cfg!(not(target_arch = "x86_64")) {
        println!("skipped: the rows are those of Linux 6.18 on x86-64, this is {}", release.trim());
        return None;
    }
    let kernel = Kernel::open();
    if kernel.is_none() {
        println!("skipped: no bpf(2)");
    }
    kernel
}

/// The kernel's program types.
fn kernel_types() -> impl Iterator<Item = &'static Arc<ProgramType>> {
    table::all().iter().filter(|t| t.number.is_some())
}

/// How a question differs from the usual one.
#[derive(Clone, Copy)]
struct Ask<'a> {
    /// The attach type; the usual one of the program type, where there is none.
    attach: Option<u32>,
    license: &'a str,
    sleepable: Option<bool>,
    maps: &'a [MapDef],
    log: u32,
}

impl Default for Ask<'_> {
    fn default() -> Self {
        Self { attach: None, license: "GPL", sleepable: None, maps: &[], log: 1 }
    }
}

/// An attach type that programs of this type can have.
fn usual_attach(program_type: &ProgramType) -> u32 {
    program_type.attach_types.first().copied().unwrap_or(0)
}

/// An attach type with which programs of this type may call the helper.
fn attach_for(program_type: &ProgramType, helper: i32) -> Option<u32> {
    let loads =
        |attach: &u32| program_type.attach_types.is_empty() || program_type.attach_types.contains(attach);
    (0..64).filter(loads).find(|attach| program_type.helper_as(*attach, helper).is_some())
}

/// What the kernel says of a program of this type; it may sleep where the type
/// demands that.
fn ask(kernel: Kernel, program_type: &ProgramType, text: &str, ask: Ask<'_>) -> Verdict {
    let code = asm::assemble(text).unwrap_or_else(|e| panic!("{e} in\n{text}"));
    let sleeps = ask.sleepable.unwrap_or(program_type.sleepable == Sleepable::Required);
    let request = Request {
        prog_type: program_type.number.expect("a type of the kernel's"),
        code: &code,
        license: ask.license,
        attach: ask.attach.unwrap_or_else(|| usual_attach(program_type)),
        flags: if sleeps { LoadFlags::SLEEPABLE.bits() } else { 0 },
        maps: ask.maps,
        log: ask.log,
    };
    kernel.load(&request).expect("maps can be made")
}

/// The differences between what the rows say and what the kernel does.
struct Differences {
    what: &'static str,
    asked: usize,
    found: Vec<String>,
}

impl Differences {
    fn new(what: &'static str) -> Self {
        Self { what, asked: 0, found: Vec::new() }
    }

    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, row: T, kernel: T, of: impl FnOnce() -> String) {
        self.asked += 1;
        if row != kernel {
            self.found.push(format!("{}: the row says {row:?}, the kernel {kernel:?}", of()));
        }
    }

    fn none_expected(self) {
        println!("{}: {} asked, {} differ", self.what, self.asked, self.found.len());
        assert!(self.asked > 0, "{}: nothing was asked", self.what);
        assert!(self.found.is_empty(), "{}:\n{}", self.what, self.found.join("\n"));
    }
}
