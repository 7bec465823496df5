//! Every operator in machine code against its only meaning, its `eval`.

mod common;

use brolga_core::{AluOp, Cond, Insn, Operand, Order, Pc, Reg, Size, Width};
use brolga_jit::Options;
use common::{Build, EDGES, images, pairs, run, variants};

const LOAD_A: Insn = Insn::Load { size: Size::B8, signed: false, dst: Reg::R2, src: Reg::R1, off: 0 };
const LOAD_B: Insn = Insn::Load { size: Size::B8, signed: false, dst: Reg::R3, src: Reg::R1, off: 8 };
const RETURN: Insn =
    Insn::Alu { op: AluOp::Mov, width: Width::W64, dst: Reg::R0, src: Operand::Reg(Reg::R2) };

/// `op(a, b)` with a in r2 and b in r3, from memory; the result from r2.
fn program(op: Insn) -> Build {
    Build::insns([LOAD_A, LOAD_B, op, RETURN, Insn::Exit])
}

fn check(name: &str, build: impl Fn() -> Build, eval: impl Fn(u64, u64) -> u64, options: &Options) {
    for image in images(&build().link(), options) {
        for (a, b) in pairs() {
            let memory = [a, b];
            let got = run(&image, memory.as_ptr() as u64, 16);
            assert_eq!(got, eval(a, b), "{name} of {a:#x} and {b:#x} with {options:?}");
        }
    }
}

#[test]
fn alu_of_registers() {
    for options in variants() {
        for op in AluOp::ALL {
            for width in Width::ALL {
                let insn = Insn::Alu { op, width, dst: Reg::R2, src: Operand::Reg(Reg::R3) };
                check(&insn.to_string(), || program(insn), |a, b| op.eval(width, a, b), &options);
            }
        }
    }
}

#[test]
fn alu_of_one_register() {
    for op in AluOp::ALL {
        for width in Width::ALL {
            let insn = Insn::Alu { op, width, dst: Reg::R2, src: Operand::Reg(Reg::R2) };
            check(&insn.to_string(), || program(insn), |a, _| op.eval(width, a, a), &Options::default());
        }
    }
}

#[test]
fn alu_with_an_immediate() {
    let edges = EDGES.map(|e| e as i32).into_iter().chain([10, 1000, 641, -10, 6_700_417, i32::MIN + 1]);
    let edges: Vec<i32> = edges.collect();
    for options in [Options::default(), variants()[1]] {
        for op in AluOp::ALL {
            for width in Width::ALL {
                for &imm in &edges {
                    let insn = Insn::Alu { op, width, dst: Reg::R2, src: Operand::Imm(imm) };
                    let eval = |a, _| op.eval(width, a, imm as u64);
                    check(&insn.to_string(), || program(insn), eval, &options);
                }
            }
        }
    }
}

/// What the compiler knows already it computes itself.
#[test]
fn alu_of_known_numbers() {
    for options in [Options::default(), variants()[1]] {
        for op in AluOp::ALL {
            for width in Width::ALL {
                let mut results = [0_u64; EDGES.len() * EDGES.len()];
                let image = &images(&known(op, width).link(), &options)[0];
                run(image, results.as_mut_ptr() as u64, 0);
                for ((a, b), result) in pairs().zip(results) {
                    assert_eq!(result, op.eval(width, a, b), "{op:?} {width:?} {a:#x} {b:#x}");
                }
            }
        }
    }
}

/// Stores the result of every pair, one after the other.
fn known(op: AluOp, width: Width) -> Build {
    use brolga_core::Imm64::Value;
    let load = |dst, value| Insn::LoadImm64 { dst, imm: Value(value) };
    let insn = Insn::Alu { op, width, dst: Reg::R2, src: Operand::Reg(Reg::R3) };
    let store = |i: i16| Insn::Store { size: Size::B8, dst: Reg::R1, off: 8 * i, src: Operand::Reg(Reg::R2) };
    let one = |((a, b), i)| [load(Reg::R2, a), load(Reg::R3, b), insn, store(i)];
    Build::insns(pairs().zip(0..).flat_map(one).chain([load(Reg::R0, 0), Insn::Exit]))
}

#[test]
fn division_where_the_divisor_was_proven() {
    for op in [AluOp::Div, AluOp::Mod, AluOp::Sdiv, AluOp::Smod] {
        for width in Width::ALL {
            let insn = Insn::Alu { op, width, dst: Reg::R2, src: Operand::Reg(Reg::R3) };
            let mut build = program(insn);
            build.nonzero.insert(Pc(2));
            for image in images(&build.link(), &Options::default()) {
                for (a, b) in pairs().filter(|(_, b)| width.zero_extend(*b) != 0) {
                    let memory = [a, b];
                    let got = run(&image, memory.as_ptr() as u64, 16);
                    assert_eq!(got, op.eval(width, a, b), "{insn} of {a:#x} and {b:#x}");
                }
            }
        }
    }
}

#[test]
fn negation() {
    for options in variants() {
        for width in Width::ALL {
            let insn = Insn::Neg { width, dst: Reg::R2 };
            check(&insn.to_string(), || program(insn), |a, _| AluOp::Sub.eval(width, 0, a), &options);
        }
    }
}

#[test]
fn sign_extension() {
    for options in variants() {
        for (width, from) in [
            (Width::W32, Size::B1),
            (Width::W32, Size::B2),
            (Width::W64, Size::B1),
            (Width::W64, Size::B2),
            (Width::W64, Size::B4),
        ] {
            let insn = Insn::MovSx { width, from, dst: Reg::R2, src: Reg::R3 };
            let eval = |_, b| width.zero_extend(from.sign_extend(b));
            check(&insn.to_string(), || program(insn), eval, &options);
        }
    }
}

#[test]
fn byte_order() {
    for options in variants() {
        for order in Order::ALL {
            for size in [Size::B2, Size::B4, Size::B8] {
                let insn = Insn::Swap { order, size, dst: Reg::R2 };
                check(&insn.to_string(), || program(insn), |a, _| order.eval(size, a), &options);
            }
        }
    }
}

/// Whether a branch is taken: 1 or 2.
fn branch(cond: Cond, width: Width, src: Operand) -> Build {
    let result = |imm| Insn::Alu { op: AluOp::Mov, width: Width::W64, dst: Reg::R0, src: Operand::Imm(imm) };
    let jump = Insn::JumpIf { cond, width, dst: Reg::R2, src, off: 2 };
    Build::insns([LOAD_A, LOAD_B, jump, result(2), Insn::Exit, result(1), Insn::Exit])
}

fn taken(cond: Cond, width: Width, a: u64, b: u64) -> u64 {
    if cond.eval(width, a, b) { 1 } else { 2 }
}

#[test]
fn jumps_on_registers() {
    for options in variants() {
        for cond in Cond::ALL {
            for width in Width::ALL {
                let build = || branch(cond, width, Operand::Reg(Reg::R3));
                let name = format!("{cond:?} {width:?}");
                check(&name, build, |a, b| taken(cond, width, a, b), &options);
            }
        }
    }
}

#[test]
fn jumps_on_an_immediate() {
    for cond in Cond::ALL {
        for width in Width::ALL {
            for imm in EDGES.map(|e| e as i32) {
                let name = format!("{cond:?} {width:?} {imm}");
                let build = || branch(cond, width, Operand::Imm(imm));
                let eval = |a, _| taken(cond, width, a, imm as u64);
                check(&name, build, eval, &Options::default());
            }
        }
    }
}

#[test]
fn loads() {
    let bytes: Vec<u8> = (0..32).map(|i: u8| i.wrapping_mul(73) ^ 0x91).collect();
    for options in variants() {
        for size in Size::ALL {
            for signed in [false, true].into_iter().filter(|s| !s || size != Size::B8) {
                for off in [0, 1, 3, 8, -8, -1] {
                    let insn = Insn::Load { size, signed, dst: Reg::R0, src: Reg::R1, off };
                    let start = (16 + off) as usize;
                    let at = &bytes[start..start + size.bytes() as usize];
                    let raw = at.iter().rev().fold(0, |v, b| v << 8 | u64::from(*b));
                    let want = if signed { size.sign_extend(raw) } else { raw };
                    for image in images(&Build::insns([insn, Insn::Exit]).link(), &options) {
                        assert_eq!(run(&image, bytes[16..].as_ptr() as u64, 0), want, "{insn}");
                    }
                }
            }
        }
    }
}

#[test]
fn stores() {
    let zero = Insn::Alu { op: AluOp::Mov, width: Width::W64, dst: Reg::R0, src: Operand::Imm(0) };
    for options in variants() {
        for size in Size::ALL {
            for src in [Operand::Reg(Reg::R3), Operand::Imm(-2), Operand::Imm(0x1234_5678)] {
                for off in [16, 19, 24, 31] {
                    let insn = Insn::Store { size, dst: Reg::R1, off, src };
                    for image in images(&Build::insns([LOAD_B, insn, zero, Insn::Exit]).link(), &options) {
                        for b in EDGES {
                            store_once(&image, b, size, off, src);
                        }
                    }
                }
            }
        }
    }
}

fn store_once(image: &brolga_jit::Image, b: u64, size: Size, off: i16, src: Operand) {
    let mut memory = [0xa5_u8; 48];
    memory[8..16].copy_from_slice(&b.to_le_bytes());
    let mut want = memory;
    let value = match src {
        Operand::Reg(_) => b,
        Operand::Imm(imm) => imm as u64,
    };
    let (start, len) = (off as usize, size.bytes() as usize);
    want[start..start + len].copy_from_slice(&value.to_le_bytes()[..len]);
    run(image, memory.as_mut_ptr() as u64, 48);
    assert_eq!(memory, want, "{size:?} at {off} of {src:?}, {b:#x}");
}
