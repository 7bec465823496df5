//! The bench programs in the live kernel, where it lets us load programs.
//!
//! A program of type `raw` becomes a socket filter whose memory is the value of
//! an array of one element: two instructions in front give it address and size.

use crate::programs::{BenchProgram, HelperProgram};
use crate::timing::Runs;
use brolga::Object;
use brolga::core::{AluOp, MapDef};
use brolga::core::{Code, Imm64, Insn, Operand, Reg, Width};
use brolga_tests::kernel::{Kernel, Loaded, Request};
use std::time::Duration;

/// `BPF_PROG_TYPE_SOCKET_FILTER`.
const SOCKET_FILTER: u32 = 1;
/// `BPF_PROG_TYPE_XDP`.
const XDP: u32 = 6;

/// The shortest packet that every type takes.
const PACKET: [u8; 64] = [0; 64];

/// A program that the kernel loaded.
#[derive(Debug)]
pub struct InKernel {
    program: Loaded,
    /// What the kernel took to load it.
    pub load: Duration,
}

/// A program and what it needs, as the kernel takes it.
struct Source {
    prog_type: u32,
    code: Code,
    maps: Vec<MapDef>,
    contents: Vec<(usize, Vec<u8>, Vec<u8>)>,
}

impl Source {
    fn load(&self, kernel: Kernel) -> Option<InKernel> {
        let Self { prog_type, code, maps, contents } = self;
        let request =
            Request { prog_type: *prog_type, code, license: "GPL", attach: 0, flags: 0, maps, log: 0 };
        let verdict = kernel.load(&request).ok()?;
        let program = verdict.loaded?;
        for (map, key, value) in contents {
            program.update(*map, key, value).ok()?;
        }
        Some(InKernel { program, load: verdict.took })
    }
}

/// A program of the table in the kernel, with its input.
///
/// # Panics
///
/// Where the object is not one of clang's.
#[must_use]
pub fn load(kernel: Kernel, bench: &BenchProgram) -> Option<InKernel> {
    let object = Object::parse(bench.object).expect("an object");
    let program = object.program("entry").expect("the program");
    let memory = MapDef::array(bench.mem_size as u32, 1).name("memory");
    let first = Imm64::MapIdxValue { idx: 0, off: 0 };
    let size = Operand::Imm(bench.mem_size as i32);
    let mut insns = vec![
        Insn::LoadImm64 { dst: Reg::R1, imm: first },
        Insn::Alu { op: AluOp::Mov, width: Width::W64, dst: Reg::R2, src: size },
    ];
    let code = Code::decode(&program.insns().ok()?).ok()?;
    insns.extend(code.iter().map(|(_, insn)| moved(insn, 1)));
    let used = program.maps().ok()?;
    let described = used.iter().map(|map| &object.maps()[*map]);
    let key = 0u32.to_ne_bytes().to_vec();
    let mut contents = vec![(0, key.clone(), bench.input())];
    let filled =
        described.clone().zip(1..).filter_map(|(map, at)| Some((at, key.clone(), map.contents.clone()?)));
    contents.extend(filled);
    let maps = [memory].into_iter().chain(described.map(|map| map.def.clone())).collect();
    Source { prog_type: SOCKET_FILTER, code: Code::from_insns(insns).ok()?, maps, contents }.load(kernel)
}

/// A program that calls helpers, in the kernel, its map filled.
///
/// # Panics
///
/// Where the object is not one of clang's.
#[must_use]
pub fn load_helper(kernel: Kernel, bench: &HelperProgram) -> Option<InKernel> {
    let object = Object::parse(bench.object).expect("an object");
    let program = object.program(bench.name).expect("the program");
    let code = Code::decode(&program.insns().ok()?).ok()?;
    let used = program.maps().ok()?;
    let maps = used.iter().map(|map| object.maps()[*map].def.clone()).collect();
    let mut contents = Vec::new();
    if let Some(fill) = bench.map {
        let at = used.iter().position(|map| object.maps()[*map].name == fill.name)?;
        contents.extend(
            (0..fill.entries)
                .map(fill.entry)
                .map(|(key, value)| (at, key.to_ne_bytes().to_vec(), value.to_ne_bytes().to_vec())),
        );
    }
    let prog_type = if bench.section == "xdp" { XDP } else { SOCKET_FILTER };
    Source { prog_type, code, maps, contents }.load(kernel)
}

/// What the kernel's own loop takes around one run: that of a program that does
/// nothing.
#[must_use]
pub fn empty(kernel: Kernel) -> Option<InKernel> {
    let code = Code::decode(&[0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]).ok()?;
    Source { prog_type: SOCKET_FILTER, code, maps: vec![], contents: vec![] }.load(kernel)
}

/// The instruction with its maps counted from `by` on.
fn moved(insn: &Insn, by: i32) -> Insn {
    match *insn {
        Insn::LoadImm64 { dst, imm: Imm64::MapIdx(idx) } => {
            Insn::LoadImm64 { dst, imm: Imm64::MapIdx(idx + by) }
        }
        Insn::LoadImm64 { dst, imm: Imm64::MapIdxValue { idx, off } } => {
            Insn::LoadImm64 { dst, imm: Imm64::MapIdxValue { idx: idx + by, off } }
        }
        other => other,
    }
}

impl InKernel {
    /// The 32 bits that the kernel says it returned.
    #[must_use]
    pub fn result(&self) -> Option<u32> {
        self.program.run(&PACKET).ok().map(|ran| ran.retval)
    }

    /// What the kernel holds for it, in bytes.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.program.memory()
    }

    /// Its runs; the memory that they work on is the kernel's.
    #[must_use]
    pub fn runs(self) -> Runs {
        Box::new(move |_, times| match self.program.run_often(&PACKET, times) {
            Ok((ran, each)) => (ran.retval.into(), each * times),
            Err(_) => (u64::MAX, Duration::MAX / 4),
        })
    }
}
