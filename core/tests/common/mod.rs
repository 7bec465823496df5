//! Every form of instruction, over representative fields or random ones.

#![allow(dead_code, reason = "each test crate uses its part")]

use brolga_core::{
    AluOp, AtomicOp, Callee, Cond, Imm64, Insn, Operand, Order, PacketAt, Reg, Size, SpaceCast, Width,
};
use proptest::prelude::*;
use proptest::sample::select;

/// Immediates at the edges.
pub(crate) const IMMS: [i32; 9] = [0, 1, -1, 5, 64, 0x7fff, -0x8000, i32::MIN, i32::MAX];
/// Offsets at the edges.
pub(crate) const OFFS: [i16; 6] = [0, 1, -1, 8, i16::MIN, i16::MAX];

/// Fewer of them, for the forms with many other fields.
const FEW_OFFS: [i16; 3] = [-1, i16::MIN, i16::MAX];
const WIDTHS: [Width; 2] = Width::ALL;
const SPACE_CASTS: [SpaceCast; 2] = [SpaceCast::ToKernel, SpaceCast::ToUser];
const SWAPPED: [Size; 3] = [Size::B2, Size::B4, Size::B8];
const NARROW: [Size; 3] = [Size::B1, Size::B2, Size::B4];

/// Every instruction form, over all registers and representative fields: some
/// tens of thousands, in no order that matters.
pub(crate) fn forms() -> Vec<Insn> {
    [alu(), moves(), loads(), stores(), atomics(), packets(), jumps(), calls(), imm64s()].concat()
}

fn pairs() -> impl Iterator<Item = (Reg, Reg)> {
    Reg::ALL.into_iter().flat_map(|dst| Reg::ALL.into_iter().map(move |src| (dst, src)))
}

fn operands() -> impl Iterator<Item = Operand> {
    Reg::ALL.into_iter().map(Operand::Reg).chain(IMMS.into_iter().map(Operand::Imm))
}

fn alu() -> Vec<Insn> {
    let mut out = Vec::new();
    for (op, width) in AluOp::ALL.into_iter().flat_map(|op| WIDTHS.map(|w| (op, w))) {
        for dst in Reg::ALL {
            out.extend(operands().map(|src| Insn::Alu { op, width, dst, src }));
        }
    }
    out
}

fn moves() -> Vec<Insn> {
    let mut out = Vec::new();
    for dst in Reg::ALL {
        out.extend(WIDTHS.map(|width| Insn::Neg { width, dst }));
        for order in Order::ALL {
            out.extend(SWAPPED.map(|size| Insn::Swap { order, size, dst }));
        }
    }
    for (dst, src) in pairs() {
        out.extend([Size::B1, Size::B2].map(|from| Insn::MovSx { width: Width::W32, from, dst, src }));
        out.extend(NARROW.map(|from| Insn::MovSx { width: Width::W64, from, dst, src }));
        out.extend(SPACE_CASTS.map(|cast| Insn::AddrSpaceCast { cast, dst, src }));
    }
    out
}

fn loads() -> Vec<Insn> {
    let mut out = Vec::new();
    for ((dst, src), off) in pairs().flat_map(|p| OFFS.map(|off| (p, off))) {
        out.extend(Size::ALL.map(|size| Insn::Load { size, signed: false, dst, src, off }));
        out.extend(NARROW.map(|size| Insn::Load { size, signed: true, dst, src, off }));
        out.extend(Size::ALL.map(|size| Insn::LoadAcquire { size, dst, src, off }));
    }
    out
}

fn stores() -> Vec<Insn> {
    let mut out = Vec::new();
    for (dst, off) in Reg::ALL.into_iter().flat_map(|dst| OFFS.map(|off| (dst, off))) {
        for src in operands() {
            out.extend(Size::ALL.map(|size| Insn::Store { size, dst, off, src }));
        }
        for src in Reg::ALL {
            out.extend(Size::ALL.map(|size| Insn::StoreRelease { size, dst, off, src }));
        }
    }
    out
}

fn atomics() -> Vec<Insn> {
    let mut out = Vec::new();
    for ((dst, src), off) in pairs().flat_map(|p| FEW_OFFS.map(|off| (p, off))) {
        for op in AtomicOp::ALL {
            out.extend(WIDTHS.map(|width| Insn::Atomic { op, width, dst, off, src }));
        }
    }
    out
}

fn packets() -> Vec<Insn> {
    let at = || Reg::ALL.into_iter().map(PacketAt::Ind).chain([PacketAt::Abs]);
    let each = |imm| at().flat_map(move |at| NARROW.map(|size| Insn::LoadPacket { size, at, imm }));
    IMMS.into_iter().flat_map(each).collect()
}

fn jumps() -> Vec<Insn> {
    let mut out = vec![Insn::Exit];
    out.extend(OFFS.map(|off| Insn::Jump { off: off.into(), wide: false }));
    out.extend(IMMS.map(|off| Insn::Jump { off, wide: true }));
    out.extend(OFFS.map(|off| Insn::MayGoto { off }));
    for (cond, width) in Cond::ALL.into_iter().flat_map(|cond| WIDTHS.map(|w| (cond, w))) {
        for (dst, off) in Reg::ALL.into_iter().flat_map(|dst| FEW_OFFS.map(|off| (dst, off))) {
            out.extend(operands().map(|src| Insn::JumpIf { cond, width, dst, src, off }));
        }
    }
    out
}

fn calls() -> Vec<Insn> {
    let mut out = Vec::new();
    for imm in IMMS {
        out.extend([Callee::Helper(imm), Callee::Subprog(imm)].map(Insn::Call));
        out.extend(OFFS.map(|btf| Insn::Call(Callee::Kfunc { id: imm, btf })));
    }
    out.extend((0..300).map(|number| Insn::Call(Callee::Helper(number))));
    out
}

fn imm64s() -> Vec<Insn> {
    let mut out = Vec::new();
    for (low, high) in IMMS.into_iter().flat_map(|low| IMMS.map(|high| (low, high))) {
        let off = high as u32;
        let imms = [
            Imm64::Value(u64::from(off) << 32 | u64::from(low as u32)),
            Imm64::MapFd(low),
            Imm64::MapValue { fd: low, off },
            Imm64::BtfId { id: low, btf_fd: high },
            Imm64::Func(low),
            Imm64::MapIdx(low),
            Imm64::MapIdxValue { idx: low, off },
        ];
        for dst in Reg::ALL {
            out.extend(imms.map(|imm| Insn::LoadImm64 { dst, imm }));
        }
    }
    out
}

fn reg() -> impl Strategy<Value = Reg> {
    select(&Reg::ALL[..])
}

fn width() -> impl Strategy<Value = Width> {
    select(&WIDTHS[..])
}

fn size() -> impl Strategy<Value = Size> {
    select(&Size::ALL[..])
}

fn narrow() -> impl Strategy<Value = Size> {
    select(&NARROW[..])
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![reg().prop_map(Operand::Reg), any::<i32>().prop_map(Operand::Imm)]
}

/// A random instruction of any form, jumps going anywhere.
pub(crate) fn any_insn() -> impl Strategy<Value = Insn> {
    prop_oneof![8 => computing(), 6 => accessing(), 6 => going(0x7fff)]
}

/// A random program whose jumps mostly land in it.
pub(crate) fn any_program() -> impl Strategy<Value = Vec<Insn>> {
    let insn = || prop_oneof![3 => computing(), 2 => accessing(), 4 => going(20)];
    prop::collection::vec(insn(), 1..60)
}

fn computing() -> impl Strategy<Value = Insn> {
    let alu = (select(&AluOp::ALL[..]), width(), reg(), operand())
        .prop_map(|(op, width, dst, src)| Insn::Alu { op, width, dst, src });
    let neg = (width(), reg()).prop_map(|(width, dst)| Insn::Neg { width, dst });
    let swap = (select(&Order::ALL[..]), select(&SWAPPED[..]), reg())
        .prop_map(|(order, size, dst)| Insn::Swap { order, size, dst });
    let movsx = (narrow(), reg(), reg()).prop_map(|(from, dst, src)| Insn::MovSx {
        width: Width::W64,
        from,
        dst,
        src,
    });
    let cast = (select(&SPACE_CASTS[..]), reg(), reg()).prop_map(|(cast, dst, src)| Insn::AddrSpaceCast {
        cast,
        dst,
        src,
    });
    let imm64 = (reg(), imm64()).prop_map(|(dst, imm)| Insn::LoadImm64 { dst, imm });
    prop_oneof![6 => alu, 1 => neg, 1 => swap, 1 => movsx, 1 => cast, 3 => imm64]
}

fn imm64() -> impl Strategy<Value = Imm64> {
    let numbers = (any::<i32>(), any::<i32>());
    prop_oneof![
        any::<u64>().prop_map(Imm64::Value),
        any::<i32>().prop_map(Imm64::MapFd),
        numbers.prop_map(|(fd, off)| Imm64::MapValue { fd, off: off as u32 }),
        numbers.prop_map(|(id, btf_fd)| Imm64::BtfId { id, btf_fd }),
        (-20..20).prop_map(Imm64::Func),
        any::<i32>().prop_map(Imm64::MapIdx),
        numbers.prop_map(|(idx, off)| Imm64::MapIdxValue { idx, off: off as u32 }),
    ]
}

fn accessing() -> impl Strategy<Value = Insn> {
    let place = || (reg(), reg(), any::<i16>());
    let load = (size(), place()).prop_map(|(size, (dst, src, off))| Insn::Load {
        size,
        signed: false,
        dst,
        src,
        off,
    });
    let loadsx = (narrow(), place()).prop_map(|(size, (dst, src, off))| Insn::Load {
        size,
        signed: true,
        dst,
        src,
        off,
    });
    let store = (size(), reg(), any::<i16>(), operand()).prop_map(|(size, dst, off, src)| Insn::Store {
        size,
        dst,
        off,
        src,
    });
    let atomic = (select(&AtomicOp::ALL[..]), width(), place())
        .prop_map(|(op, width, (dst, src, off))| Insn::Atomic { op, width, dst, off, src });
    let acquire =
        (size(), place()).prop_map(|(size, (dst, src, off))| Insn::LoadAcquire { size, dst, src, off });
    let release =
        (size(), place()).prop_map(|(size, (dst, src, off))| Insn::StoreRelease { size, dst, off, src });
    let at = prop_oneof![Just(PacketAt::Abs), reg().prop_map(PacketAt::Ind)];
    let packet = (narrow(), at, any::<i32>()).prop_map(|(size, at, imm)| Insn::LoadPacket { size, at, imm });
    prop_oneof![load, loadsx, store, atomic, acquire, release, packet]
}

fn going(far: i16) -> impl Strategy<Value = Insn> {
    let off = move || -far..=far;
    let goto = off().prop_map(|off| Insn::Jump { off: off.into(), wide: false });
    let gotol = off().prop_map(|off| Insn::Jump { off: off.into(), wide: true });
    let may_goto = off().prop_map(|off| Insn::MayGoto { off });
    let jump_if = (select(&Cond::ALL[..]), width(), reg(), operand(), off())
        .prop_map(|(cond, width, dst, src, off)| Insn::JumpIf { cond, width, dst, src, off });
    let subprog = off().prop_map(|off| Insn::Call(Callee::Subprog(off.into())));
    let helper = (-1..300).prop_map(|number| Insn::Call(Callee::Helper(number)));
    let kfunc = any::<(i32, i16)>().prop_map(|(id, btf)| Insn::Call(Callee::Kfunc { id, btf }));
    prop_oneof![goto, gotol, may_goto, jump_if, subprog, helper, kfunc, Just(Insn::Exit)]
}
