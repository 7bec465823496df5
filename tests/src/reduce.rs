//! Makes a failing program small: whatever can be left out while it still
//! fails, is.

use crate::generate::Generated;
use brolga_core::insn::Flow;
use brolga_core::{AluOp, Callee, Code, Imm64, Insn, Operand, Pc, Width};

/// An instruction that does nothing.
const NOTHING: Insn = Insn::Jump { off: 0, wide: false };

/// The smallest program that was found for which `fails` still holds.
#[must_use]
pub fn reduce(program: &Generated, fails: &dyn Fn(&Generated) -> bool) -> Generated {
    let mut best = program.clone();
    loop {
        let before = best.code.clone();
        for pc in before.iter().map(|(pc, _)| pc).collect::<Vec<_>>().into_iter().rev() {
            for code in simpler(&best.code, pc) {
                let candidate = Generated { code, ..best.clone() };
                if candidate.code != best.code && fails(&candidate) {
                    best = candidate;
                    break;
                }
            }
        }
        let packed = without_nothings(&best);
        if fails(&packed) {
            best = packed;
        }
        if best.code == before {
            return best;
        }
    }
}

/// The program with something simpler in place of one instruction, the simplest
/// first.
fn simpler(code: &Code, pc: Pc) -> Vec<Code> {
    let Some(insn) = code.at(pc).filter(|i| **i != NOTHING) else { return Vec::new() };
    let nothing = vec![NOTHING; insn.slots() as usize];
    let mut candidates = vec![nothing];
    if let (Some(dst), 1) = (insn.defs().iter().next(), insn.slots())
        && insn.defs().iter().count() == 1
        // Else the two would take turns for ever.
        && !matches!(insn, Insn::Alu { op: AluOp::Mov, src: Operand::Imm(0 | 1), .. })
    {
        candidates.extend([0, 1].map(|imm| {
            let src = Operand::Imm(imm);
            vec![Insn::Alu { op: AluOp::Mov, width: Width::W64, dst, src }]
        }));
    }
    let replaced = |by: Vec<Insn>| {
        let before = code.iter().take_while(|(at, _)| *at < pc).map(|(_, i)| *i);
        let after = code.iter().skip_while(|(at, _)| *at <= pc).map(|(_, i)| *i);
        Code::from_insns(before.chain(by).chain(after)).ok()
    };
    candidates.into_iter().filter_map(replaced).collect()
}

/// The program without the instructions that do nothing.
fn without_nothings(program: &Generated) -> Generated {
    let code = &program.code;
    let mut place = vec![0; code.len() + 1];
    let mut at = 0;
    for (pc, insn) in code.iter() {
        for slot in 0..insn.slots() {
            place[pc.index() + slot as usize] = at;
        }
        at += if *insn == NOTHING { 0 } else { insn.slots() as i32 };
    }
    place[code.len()] = at;
    let moved = |pc: Pc, insn: &Insn| {
        let to = |off: i32| {
            let target = pc.jump(off).map_or(0, Pc::index).min(code.len());
            place[target] - place[pc.index()] - 1
        };
        retarget(*insn, &to)
    };
    let kept = code.iter().filter(|(_, i)| **i != NOTHING).map(|(pc, i)| moved(pc, i));
    let Ok(code) = Code::from_insns(kept) else { return program.clone() };
    let new_place = |at: &Pc| Pc(place.get(at.index()).map_or(0, |to| *to as u32));
    let funcs = program.funcs.iter().map(|(at, func)| (new_place(at), func.clone())).collect();
    Generated { code, maps: program.maps.clone(), funcs, frozen: program.frozen }
}

/// The same instruction with another distance.
fn retarget(insn: Insn, to: &dyn Fn(i32) -> i32) -> Insn {
    match (insn.flow(), insn) {
        (_, Insn::Jump { off, wide }) => Insn::Jump { off: to(off), wide },
        (_, Insn::JumpIf { cond, width, dst, src, off }) => {
            Insn::JumpIf { cond, width, dst, src, off: to(off.into()) as i16 }
        }
        (_, Insn::MayGoto { off }) => Insn::MayGoto { off: to(off.into()) as i16 },
        (Flow::Call(off), Insn::Call(Callee::Subprog(_))) => Insn::Call(Callee::Subprog(to(off))),
        (_, Insn::LoadImm64 { dst, imm: Imm64::Func(off) }) => {
            Insn::LoadImm64 { dst, imm: Imm64::Func(to(off)) }
        }
        (_, other) => other,
    }
}
