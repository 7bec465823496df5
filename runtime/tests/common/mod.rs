//! What several tests start from.

#![allow(dead_code, unreachable_pub, reason = "each test uses a part")]

use brolga::core::asm::assemble;
use brolga::{Engine, EngineKind, Load, Program, ProgramType};

/// The bytes of a program in the kernel's syntax.
pub fn code(text: &str) -> Vec<u8> {
    assemble(text).unwrap_or_else(|e| panic!("{e} in:\n{text}")).encode()
}

/// A `raw` program over `mem_size` bytes, for both engines.
pub fn raw(engine: &Engine, text: &str, mem_size: u32) -> Program {
    let load = Load::new().license("GPL").mem_size(mem_size).engine(EngineKind::Both);
    load_as(engine, &ProgramType::raw(), text, load)
}

pub fn load_as(engine: &Engine, prog_type: &ProgramType, text: &str, load: Load) -> Program {
    engine.load(prog_type, &code(text), load).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// What both engines say of a program over memory, which they agree on.
pub fn both(program: &Program, memory: &mut [u8]) -> u64 {
    let mut copy = memory.to_vec();
    let interp = program.run_mem_on(EngineKind::Interp, &mut copy).expect("a run of the interpreter");
    let native = program.run_mem_on(EngineKind::Jit, memory).expect("a run of native code");
    assert_eq!((native, &*memory), (interp, &*copy), "native code and the interpreter disagree");
    native
}
