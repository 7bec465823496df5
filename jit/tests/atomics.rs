//! Every atomic form, in one thread and in several.

mod common;

use brolga_core::{AluOp, AtomicOp, Insn, Operand, Reg, Size, Width};
use brolga_jit::{Image, Options};
use common::{Build, EDGES, images, pairs, run, variants};

fn load(dst: Reg, off: i16) -> Insn {
    Insn::Load { size: Size::B8, signed: false, dst, src: Reg::R1, off }
}

fn store(off: i16, src: Reg) -> Insn {
    Insn::Store { size: Size::B8, dst: Reg::R1, off, src: Operand::Reg(src) }
}

/// Memory: [0] the cell, [1] r2, the operand, [2] r0; afterwards [3] r2 and [4]
/// r0.
fn program(insn: Insn) -> Build {
    Build::insns([
        load(Reg::R2, 8),
        load(Reg::R0, 16),
        insn,
        store(24, Reg::R2),
        store(32, Reg::R0),
        Insn::Exit,
    ])
}

fn run_on(image: &Image, memory: &mut [u64; 5]) {
    run(image, memory.as_mut_ptr() as u64, 40);
}

#[test]
fn read_modify_write() {
    for options in variants() {
        for op in AtomicOp::ALL {
            for width in Width::ALL {
                for off in [0, 4].into_iter().filter(|off| width == Width::W32 || off % 8 == 0) {
                    let insn = Insn::Atomic { op, width, dst: Reg::R1, off, src: Reg::R2 };
                    for image in images(&program(insn).link(), &options) {
                        for ((old, src), i) in pairs().zip(0..) {
                            // Sometimes what is expected is there.
                            let r0 = if i % 3 == 0 { old >> (8 * off) } else { EDGES[i % EDGES.len()] };
                            rmw(&image, (op, width, off), old, src, r0);
                        }
                    }
                }
            }
        }
    }
}

fn rmw(image: &Image, (op, width, off): (AtomicOp, Width, i16), cell: u64, src: u64, r0: u64) {
    let mut memory = [cell, src, r0, 0, 0];
    run_on(image, &mut memory);
    let shift = 8 * off as u32;
    let old = width.zero_extend(cell >> shift);
    let new = op.eval(width, old, src, r0);
    let keep = if width == Width::W64 { 0 } else { !(u64::from(u32::MAX) << shift) };
    let fetched = |into: bool, was: u64| if into && op.fetches() { old } else { was };
    let want = [
        (cell & keep) | (new << shift),
        src,
        r0,
        fetched(op != AtomicOp::Cmpxchg, src),
        fetched(op == AtomicOp::Cmpxchg, r0),
    ];
    assert_eq!(memory, want, "{op:?} {width:?} +{off} of {cell:#x}, {src:#x}, {r0:#x}");
}

#[test]
fn acquire_and_release() {
    for options in variants() {
        for size in Size::ALL {
            let acquire = Insn::LoadAcquire { size, dst: Reg::R2, src: Reg::R1, off: 0 };
            let release = Insn::StoreRelease { size, dst: Reg::R1, off: 8, src: Reg::R0 };
            let build = Build::insns([
                load(Reg::R0, 16),
                acquire,
                release,
                store(24, Reg::R2),
                store(32, Reg::R0),
                Insn::Exit,
            ]);
            for image in images(&build.link(), &options) {
                for (a, b) in pairs() {
                    let mut memory = [a, u64::MAX, b, 0, 0];
                    run_on(&image, &mut memory);
                    let stored = !size.mask() | size.zero_extend(b);
                    assert_eq!(memory, [a, stored, b, size.zero_extend(a), b], "{size:?}");
                }
            }
        }
    }
}

/// Four threads add to the same cells, in either width, with each form that
/// adds; nothing is lost.
#[test]
fn adding_from_several_threads() {
    const ROUNDS: i32 = 20_000;
    for width in Width::ALL {
        let add = Insn::Atomic { op: AtomicOp::Add, width, dst: Reg::R1, off: 0, src: Reg::R2 };
        let fetch = Insn::Atomic { op: AtomicOp::FetchAdd, width, dst: Reg::R1, off: 8, src: Reg::R4 };
        let mov = |dst, imm| Insn::Alu { op: AluOp::Mov, width: Width::W64, dst, src: Operand::Imm(imm) };
        let sub = Insn::Alu { op: AluOp::Sub, width: Width::W64, dst: Reg::R3, src: Operand::Imm(1) };
        let cond = brolga_core::Cond::Ne;
        let again = Insn::JumpIf { cond, width: Width::W64, dst: Reg::R3, src: Operand::Imm(0), off: -5 };
        let build = Build::insns([
            mov(Reg::R2, 1),
            mov(Reg::R3, ROUNDS),
            mov(Reg::R4, 1),
            add,
            fetch,
            sub,
            again,
            mov(Reg::R0, 0),
            Insn::Exit,
        ]);
        for image in images(&build.link(), &Options::default()) {
            let cells = [std::sync::atomic::AtomicU64::new(0), std::sync::atomic::AtomicU64::new(0)];
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| run(&image, cells.as_ptr() as u64, 16));
                }
            });
            let count = 4 * ROUNDS as u64;
            assert_eq!(cells.map(|c| c.into_inner()), [count, count]);
        }
    }
}
