//! Solana's virtual machine, `solana-sbpf`, where it can run a program: its third
//! version, whose instructions are eBPF's, without atomics.
//!
//! It is measured at its fastest: it counts no instructions, translates no
//! addresses and puts nothing random between instructions, none of which its users
//! would have. So it takes addresses of the host, as the others do, and like them
//! it is trusted with programs that our own verifier has proven safe.

use crate::peers::{insns, source};
use crate::programs::BenchProgram;
use crate::timing::Runs;
use solana_sbpf::elf::Executable;
use solana_sbpf::memory_region::MemoryMapping;
use solana_sbpf::program::{BuiltinProgram, FunctionRegistry, SBPFVersion};
use solana_sbpf::verifier::RequisiteVerifier;
use solana_sbpf::vm::{Config, ContextObject, EbpfVm, ExecutionMode};
use std::hint::black_box;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Instant;

const VERSION: SBPFVersion = SBPFVersion::V3;

/// What a run has besides the program: nothing is counted, and no memory mapped.
struct Context(MemoryMapping);

impl ContextObject for Context {
    fn consume(&mut self, _: u64) {}

    fn get_remaining(&self) -> u64 {
        u64::MAX
    }

    fn active_mapping_ptr(&mut self) -> NonNull<MemoryMapping> {
        NonNull::from(&mut self.0)
    }
}

fn config() -> Config {
    Config {
        enable_address_translation: false,
        enable_instruction_meter: false,
        noop_instruction_rate: 0,
        sanitize_user_provided_values: false,
        ..Config::default()
    }
}

fn compiled(program: &BenchProgram) -> Option<(Executable<Context>, Arc<BuiltinProgram<Context>>)> {
    source(program)?;
    let loader = Arc::new(BuiltinProgram::new_loader(config()));
    let functions = FunctionRegistry::default();
    let executable =
        Executable::from_text_bytes(&insns(program), Arc::clone(&loader), VERSION, functions).ok()?;
    executable.verify::<RequisiteVerifier>().ok()?;
    executable.jit_compile().ok()?;
    Some((executable, loader))
}

/// A program in its compiler.
pub(crate) fn jit(program: &BenchProgram) -> Option<Runs> {
    let (executable, loader) = compiled(program)?;
    let mut context = Context(mapping()?);
    let config = config();
    let mut stack = vec![0_u64; config.stack_size() / 8];
    Some(Box::new(move |memory, times| {
        let mut last = 0;
        let mut vm = EbpfVm::new(Arc::clone(&loader), VERSION, &mut context, config.stack_size());
        let frame = stack.as_mut_ptr().expose_provenance() + config.stack_frame_size;
        let start = Instant::now();
        for _ in 0..times {
            let memory = black_box(&mut *memory);
            vm.registers[1] = memory.as_mut_ptr().expose_provenance() as u64;
            vm.registers[2] = memory.len() as u64;
            vm.registers[10] = frame as u64;
            let (_, result) = vm.execute_program(&executable, &mut ExecutionMode::Jit, &mut []);
            last = Result::from(result).unwrap_or(u64::MAX);
        }
        (black_box(last), start.elapsed())
    }))
}

#[expect(unsafe_code, reason = "a mapping is of regions that it believes to be there")]
fn mapping() -> Option<MemoryMapping> {
    // SAFETY: there are no regions.
    unsafe { MemoryMapping::new(vec![], &config(), VERSION) }.ok()
}
