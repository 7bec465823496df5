//! Every engine beside every other in one run, as a table of ratios.
//!
//! The figures are the shortest of many interleaved rounds, through the public
//! interface of each engine, on programs that were checked to give the expected
//! result. A machine that does other things as well delays all of them alike.

mod call;
mod load;
mod memory;
mod run;
mod table;

use crate::native::Compiler;
use brolga_tests::kernel::Kernel;

/// What to measure, and beside what.
#[derive(Debug)]
pub struct Plan {
    /// How many rounds the shortest is taken of.
    pub rounds: usize,
    /// The names of the programs; all of them where there is none.
    pub only: Vec<String>,
    kernel: Option<Kernel>,
    compiler: Option<Compiler>,
}

impl Plan {
    /// The plan of a command line: a number is that of the rounds, other words
    /// are names of programs. What cargo passes besides is ignored.
    pub fn new(args: impl Iterator<Item = String>) -> Self {
        let mut plan = Self { rounds: 60, only: vec![], kernel: Kernel::open(), compiler: Compiler::find() };
        for arg in args.filter(|arg| !arg.starts_with('-')) {
            match arg.parse() {
                Ok(rounds) => plan.rounds = rounds,
                Err(_) => plan.only.push(arg),
            }
        }
        plan
    }

    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

/// Measures, and prints the tables.
pub fn print(plan: &Plan) {
    if plan.kernel.is_none() {
        println!("skipped: the kernel, for bpf(2) is not allowed here");
    }
    match &plan.compiler {
        Some(compiler) => println!("native code by {}", compiler.name()),
        None => println!("skipped: native code, for there is no C compiler"),
    }
    run::print(plan);
    run::print_helpers(plan);
    if plan.only.is_empty() {
        call::print(plan);
    }
    print_loading(plan);
    print_memory(plan);
}

/// Measures what programs and maps hold, and prints the tables.
pub fn print_memory(plan: &Plan) {
    memory::print(plan);
}

/// Measures what loading takes, and prints the tables.
pub fn print_loading(plan: &Plan) {
    load::print(plan);
    load::print_large(plan);
}
