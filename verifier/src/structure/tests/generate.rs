//! Random programs that have a structure: subprograms, jumps back and forth,
//! pointers into the stack that are moved, spilled and passed.

use super::*;
use brolga_core::insn::Operand;
use brolga_core::{
    AluOp, AtomicOp, Callee, Code, Cond, Imm64, Insn, MapDef, MapIdx, MapInfo, Reg, Size, Width,
};

/// A small generator of numbers: xorshift.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// r0 to r9, some more often than others.
    fn reg(&mut self) -> Reg {
        let few = [Reg::R0, Reg::R1, Reg::R2, Reg::R6, Reg::R7];
        if self.below(4) == 0 { Reg::ALL[self.below(10)] } else { self.pick(&few) }
    }

    /// A register to go through: the frame pointer or another.
    fn base(&mut self) -> Reg {
        if self.below(2) == 0 { Reg::FP } else { self.reg() }
    }

    fn size(&mut self) -> Size {
        if self.below(2) == 0 { Size::B8 } else { self.pick(&Size::ALL) }
    }

    fn off(&mut self) -> i16 {
        -(8 * self.below(7) as i16) + self.pick(&[0, 0, 0, 0, 4, -4, 1])
    }

    fn value(&mut self) -> Operand {
        if self.below(3) == 0 { Operand::Imm(self.below(40) as i32 - 20) } else { Operand::Reg(self.reg()) }
    }
}

/// An instruction whose target, if it has one, is a number: of a line of its
/// subprogram for a jump, of a subprogram for a call.
enum Line {
    Plain(Insn),
    If(Reg, usize),
    Goto(usize),
    Call(usize),
}

/// The size of the keys of the map that generated programs have.
pub(super) const KEY: u32 = 12;

/// A program that passes [`check`]; `circles` says whether calls may go in one.
pub(super) fn program(rng: &mut Rng, circles: bool) -> Program {
    loop {
        let count = 1 + rng.below(3);
        let texts: Vec<Vec<Line>> =
            (0..count).map(|i| subprog(rng, if circles { 0 } else { i + 1 }, count)).collect();
        let mut aux = Aux::new(table::by_name("socket_filter").expect("a kind of program"));
        aux.maps.push(MapInfo::new(MapDef::hash(KEY, 8, 1)));
        aux.map_fds.insert(3, MapIdx(0));
        let program = Program { code: placed(&texts), aux };
        if check(&program).is_ok() {
            return program;
        }
    }
}

fn subprog(rng: &mut Rng, callee: usize, count: usize) -> Vec<Line> {
    let length = 4 + rng.below(20);
    let mut lines: Vec<Line> = (0..length).flat_map(|_| lines(rng, callee, count, length)).collect();
    lines.push(Line::Plain(Insn::Exit));
    lines
}

fn lines(rng: &mut Rng, callee: usize, count: usize, length: usize) -> Vec<Line> {
    let mov = |dst, src| Insn::Alu { op: AluOp::Mov, width: Width::W64, dst, src };
    let add = |dst, src| Insn::Alu { op: AluOp::Add, width: Width::W64, dst, src };
    let imm = |n: i32| Operand::Imm(n);
    let insn = match rng.below(16) {
        0 => return vec![Line::If(rng.reg(), rng.below(length))],
        1 if rng.below(4) == 0 => return vec![Line::Goto(rng.below(length))],
        2 if callee < count => return vec![Line::Call(callee + rng.below(count - callee))],
        3 | 4 => {
            let (dst, off) = (rng.reg(), rng.off().into());
            return vec![Line::Plain(mov(dst, Operand::Reg(Reg::FP))), Line::Plain(add(dst, imm(off)))];
        }
        5 => add(rng.reg(), imm(rng.off().into())),
        6 => add(rng.reg(), Operand::Reg(rng.reg())),
        7 => mov(rng.reg(), rng.value()),
        8 => return lookup(rng),
        9 => {
            let [length, fill] = [imm(8 * rng.below(4) as i32), Operand::Reg(rng.reg())];
            return [mov(Reg::R3, fill), mov(Reg::R4, length), Insn::Call(Callee::Helper(26))]
                .map(Line::Plain)
                .into();
        }
        10 => {
            let (op, width) = (rng.pick(&AtomicOp::ALL), rng.pick(&Width::ALL));
            Insn::Atomic { op, width, dst: rng.base(), off: rng.off(), src: rng.reg() }
        }
        11 | 12 => {
            Insn::Load { size: rng.size(), signed: false, dst: rng.reg(), src: rng.base(), off: rng.off() }
        }
        _ => Insn::Store { size: rng.size(), dst: rng.base(), off: rng.off(), src: rng.value() },
    };
    vec![Line::Plain(insn)]
}

fn lookup(rng: &mut Rng) -> Vec<Line> {
    let imm = Imm64::MapFd(3);
    let map = if rng.below(4) == 0 {
        Insn::Alu { op: AluOp::Mov, width: Width::W64, dst: Reg::R1, src: Operand::Reg(rng.reg()) }
    } else {
        Insn::LoadImm64 { dst: Reg::R1, imm }
    };
    vec![Line::Plain(map), Line::Plain(Insn::Call(Callee::Helper(1)))]
}

fn slots(line: &Line) -> u32 {
    match line {
        Line::Plain(insn) => insn.slots(),
        Line::If(..) | Line::Goto(_) | Line::Call(_) => 1,
    }
}

fn placed(texts: &[Vec<Line>]) -> Code {
    let mut at = 0;
    let mut places: Vec<Vec<u32>> = Vec::new();
    for text in texts {
        let place = |line| {
            at += slots(line);
            at - slots(line)
        };
        places.push(text.iter().map(place).collect());
    }
    let insns = texts.iter().zip(&places).flat_map(|(text, own)| {
        text.iter().zip(own).map(|(line, at)| {
            let to = |target: u32| target as i32 - *at as i32 - 1;
            match line {
                Line::Plain(insn) => *insn,
                Line::If(dst, line) => {
                    let (off, src) = (to(own[*line]) as i16, Operand::Imm(1));
                    Insn::JumpIf { cond: Cond::Eq, width: Width::W64, dst: *dst, src, off }
                }
                Line::Goto(line) => Insn::Jump { off: to(own[*line]), wide: false },
                Line::Call(subprog) => Insn::Call(Callee::Subprog(to(places[*subprog][0]))),
            }
        })
    });
    Code::from_insns(insns).expect("instructions that slots can hold")
}
