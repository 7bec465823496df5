//! Assembler and disassembler are each other's inverse, in the kernel's syntax.

mod common;

use brolga_core::asm::{self, AsmCause, AsmError, KernelNames, Names, NoNames, assemble, assemble_with};
use brolga_core::disasm::{listing, log_line};
use brolga_core::{Callee, Code, DecodeError, Imm64, Insn, Pc, Reg, SlotError};
use common::{any_program, forms};
use proptest::prelude::*;
use std::borrow::Cow;

/// Two maps and a helper.
struct Few;

impl Names for Few {
    fn helper_name(&self, number: i32) -> Option<Cow<'_, str>> {
        (number == 6001).then_some(Cow::Borrowed("seen"))
    }

    fn helper_number(&self, name: &str) -> Option<i32> {
        (name == "seen").then_some(6001)
    }

    fn map_name(&self, fd: i32) -> Option<Cow<'_, str>> {
        match fd {
            3 => Some("hits".into()),
            4 => Some(".rodata".into()),
            5 => Some("two words".into()),
            _ => None,
        }
    }

    fn map_fd(&self, name: &str) -> Option<i32> {
        match name {
            "hits" => Some(3),
            ".rodata" => Some(4),
            "two words" => Some(5),
            _ => None,
        }
    }
}

/// The kernel's log of a whole program.
fn log(code: &Code, names: &dyn Names) -> String {
    code.iter().map(|(pc, insn)| format!("{}\n", log_line(pc, insn, names))).collect()
}

/// Every text that the disassembler makes of a program.
fn texts(code: &Code, names: &dyn Names) -> [String; 3] {
    let lines = code.iter().map(|(_, insn)| format!("{}\n", insn.display(names))).collect();
    [lines, listing(code, names).to_string(), log(code, names)]
}

fn assert_inverse(code: &Code, names: &dyn Names) {
    for text in texts(code, names) {
        match assemble_with(&text, names) {
            Ok(back) => assert!(back.code == *code, "{text}"),
            Err(e) => panic!("{e}\n{text}"),
        }
    }
}

#[test]
fn every_form_is_read_back() {
    let forms = forms();
    for insns in forms.chunks(1000) {
        let code = Code::from_insns(insns.iter().copied()).unwrap();
        assert_inverse(&code, &KernelNames);
        assert_eq!(code.to_string(), texts(&code, &KernelNames)[0]);
    }
    let named = |insn: &Insn| matches!(insn, Insn::Call(_) | Insn::LoadImm64 { .. });
    let named = Code::from_insns(forms.into_iter().filter(named)).unwrap();
    assert_inverse(&named, &NoNames);
    assert_inverse(&named, &Few);
}

proptest! {
    #[test]
    fn random_programs_are_read_back(insns in any_program()) {
        let code = Code::from_insns(insns).unwrap();
        assert_inverse(&code, &KernelNames);
        for (_, insn) in code.iter() {
            prop_assert_eq!(insn.to_string().parse(), Ok(*insn));
        }
    }

    #[test]
    fn random_text_never_panics(text in any::<String>()) {
        let _ = assemble(&text);
    }

    #[test]
    fn random_words_never_panic(words in prop::collection::vec(prop::sample::select(WORDS), 0..12)) {
        let _ = assemble(&words.concat());
        let _ = assemble(&words.join(" "));
    }

    /// Text with one character changed is refused, or is a program that is
    /// written and read back.
    #[test]
    fn mutated_text(insns in any_program(), at: prop::sample::Index, with in mutation(), which in 0usize..3) {
        let code = Code::from_insns(insns).unwrap();
        let text = &texts(&code, &KernelNames)[which];
        let at = at.index(text.len());
        let mutated = [&text[..at], &with, text.get(at + 1..).unwrap_or("")].concat();
        if let Ok(code) = assemble(&mutated) {
            assert_inverse(&code, &KernelNames);
        }
    }
}

fn mutation() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ -~\n]", "[-+0-9rwxs:;#]{1,3}", any::<char>().prop_map(String::from)]
}

const WORDS: &[&str] = &[
    "r0",
    "r10",
    "r11",
    "w3",
    "=",
    "+=",
    "s>>=",
    "s/",
    "-",
    "+",
    "*",
    "(",
    ")",
    "[",
    "]",
    "u8",
    "u64",
    "s64",
    "skb",
    "0",
    "1",
    "0x",
    "0xffffffff",
    "18446744073709551615",
    "99999999999999999999",
    "ll",
    "if",
    "goto",
    "gotol",
    "may_goto",
    "call",
    "exit",
    "lock",
    "pc",
    "map",
    "fd",
    "idx",
    ":",
    "#",
    ",",
    "be16",
    "bswap64",
    "le8",
    "atomic64_fetch_add",
    "atomic_cmpxchg",
    "xchg_64",
    "load_acquire",
    "store_release",
    "addr_space_cast",
    "btf",
    "id",
    "subprog",
    "kernel-function",
    "s>",
    "==",
    "&",
    "<",
    ">",
    ";",
    "//",
    "\n",
    "\r\n",
    "é",
    "(18)",
    "0:",
];

/// What LLVM 19's assembler made of the same text, and what its `llvm-objdump`
/// writes where that differs; then our text.
const LLVM: &[(&str, &str, &str)] = &[
    ("b7 00 00 00 01 00 00 00", "r0 = 0x1", "r0 = 1"),
    ("b4 00 00 00 01 00 00 00", "w0 = 0x1", "w0 = 1"),
    ("b7 00 00 00 ff ff ff ff", "r0 = -0x1", "r0 = -1"),
    ("b7 01 00 00 ff ff ff ff", "r1 = 0xffffffff", "r1 = -1"),
    ("0f 21 00 00 00 00 00 00", "r1 += r2", "r1 += r2"),
    ("c4 01 00 00 03 00 00 00", "w1 s>>= 0x3", "w1 s>>= 3"),
    ("3f 10 01 00 00 00 00 00", "r0 s/= r1", "r0 s/= r1"),
    ("97 00 01 00 03 00 00 00", "r0 s%= 0x3", "r0 s%= 3"),
    ("87 01 00 00 00 00 00 00", "r1 = -r1", "r1 = -r1"),
    ("84 01 00 00 00 00 00 00", "w1 = -w1", "w1 = -w1"),
    ("bf 10 08 00 00 00 00 00", "r0 = (s8)r1", "r0 = (s8)r1"),
    ("bc 10 10 00 00 00 00 00", "w0 = (s16)w1", "w0 = (s16)w1"),
    ("bf 10 20 00 00 00 00 00", "r0 = (s32)r1", "r0 = (s32)r1"),
    ("dc 01 00 00 10 00 00 00", "r1 = be16 r1", "r1 = be16 r1"),
    ("d4 01 00 00 40 00 00 00", "r1 = le64 r1", "r1 = le64 r1"),
    ("d7 01 00 00 20 00 00 00", "r1 = bswap32 r1", "r1 = bswap32 r1"),
    ("61 10 04 00 00 00 00 00", "w0 = *(u32 *)(r1 + 0x4)", "r0 = *(u32 *)(r1 +4)"),
    ("91 10 04 00 00 00 00 00", "r0 = *(s8 *)(r1 + 0x4)", "r0 = *(s8 *)(r1 +4)"),
    ("7b 1a f8 ff 00 00 00 00", "*(u64 *)(r10 - 0x8) = r1", "*(u64 *)(r10 -8) = r1"),
    ("63 1a f8 ff 00 00 00 00", "*(u32 *)(r10 - 0x8) = w1", "*(u32 *)(r10 -8) = r1"),
    ("72 0a ff ff 07 00 00 00", "*(u8 *)(r10 - 0x1) = 0x7", "*(u8 *)(r10 -1) = 7"),
    ("db 21 00 00 00 00 00 00", "lock *(u64 *)(r1 + 0x0) += r2", "lock *(u64 *)(r1 +0) += r2"),
    ("c3 21 00 00 00 00 00 00", "lock *(u32 *)(r1 + 0x0) += w2", "lock *(u32 *)(r1 +0) += r2"),
    ("db 21 00 00 50 00 00 00", "lock *(u64 *)(r1 + 0x0) &= r2", "lock *(u64 *)(r1 +0) &= r2"),
    (
        "db 21 00 00 01 00 00 00",
        "r2 = atomic_fetch_add((u64 *)(r1 + 0x0), r2)",
        "r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)",
    ),
    (
        "c3 21 00 00 a1 00 00 00",
        "w2 = atomic_fetch_xor((u32 *)(r1 + 0x0), w2)",
        "r2 = atomic_fetch_xor((u32 *)(r1 +0), r2)",
    ),
    ("db 21 00 00 e1 00 00 00", "r2 = xchg_64(r1 + 0x0, r2)", "r2 = atomic64_xchg((u64 *)(r1 +0), r2)"),
    ("c3 21 00 00 e1 00 00 00", "w2 = xchg32_32(r1 + 0x0, w2)", "r2 = atomic_xchg((u32 *)(r1 +0), r2)"),
    (
        "db 21 00 00 f1 00 00 00",
        "r0 = cmpxchg_64(r1 + 0x0, r0, r2)",
        "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)",
    ),
    (
        "c3 21 00 00 f1 00 00 00",
        "w0 = cmpxchg32_32(r1 + 0x0, w0, w2)",
        "r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)",
    ),
    ("30 00 00 00 0e 00 00 00", "r0 = *(u8 *)skb[0xe]", "r0 = *(u8 *)skb[14]"),
    ("48 10 00 00 00 00 00 00", "r0 = *(u16 *)skb[r1]", "r0 = *(u16 *)skb[r1 + 0]"),
    ("05 00 05 00 00 00 00 00", "goto +0x5 <lab>", "goto pc+5"),
    ("06 00 00 00 fd ff ff ff", "gotol -0x3 <.text+0xf0>", "gotol pc-3"),
    ("65 01 03 00 05 00 00 00", "if r1 s> 0x5 goto +0x3 <lab>", "if r1 s> 0x5 goto pc+3"),
    ("46 01 fe ff 07 00 00 00", "if w1 & 0x7 goto -0x2 <.text+0x108>", "if w1 & 0x7 goto pc-2"),
    ("1d 21 01 00 00 00 00 00", "if r1 == r2 goto +0x1 <lab>", "if r1 == r2 goto pc+1"),
    ("55 01 00 00 ff ff ff ff", "if r1 != -0x1 goto +0x0", "if r1 != 0xffffffff goto pc+0"),
    ("e5 00 02 00 00 00 00 00", "may_goto +0x2 <lab+0x10>", "may_goto pc+2"),
    ("85 00 00 00 01 00 00 00", "call 0x1", "call bpf_map_lookup_elem#1"),
    ("95 00 00 00 00 00 00 00", "exit", "exit"),
    (
        "18 01 00 00 88 77 66 55 00 00 00 00 44 33 22 11",
        "r1 = 0x1122334455667788 ll",
        "r1 = 0x1122334455667788 ll",
    ),
    ("18 01 00 00 0a 00 00 00 00 00 00 00 00 00 00 00", "r1 = 10 ll", "r1 = 0xa ll"),
    ("bf 21 01 00 01 00 00 00", "r1 = addr_space_cast(r2, 0x0, 0x1)", "r1 = addr_space_cast(r2, 0, 1)"),
    ("bf 21 01 00 00 00 01 00", "r1 = addr_space_cast(r2, 0x1, 0x0)", "r1 = addr_space_cast(r2, 1, 0)"),
];

fn bytes(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[test]
fn llvm_spellings() {
    for (hex, theirs, ours) in LLVM {
        let code = assemble(theirs).unwrap_or_else(|e| panic!("{theirs}: {e}"));
        assert_eq!(code.encode(), bytes(hex), "{theirs}");
        assert_eq!(code.to_string().trim_end(), *ours);
    }
}

/// Lines of a log that Linux 6.18 wrote, its states as comments.
const KERNEL_LOG: &str = "
0: (bf) r6 = r1                       ; R1=ctx() R6=ctx()
1: (b7) r0 = -5                       ; R0=-5
2: (7b) *(u64 *)(r10 -8) = r0         ; R0=-5 R10=fp0 fp-8=-5
3: (d3) r2 = load_acquire((u8 *)(r10 -8))     ; R2=7 R10=fp0 fp-8=7
4: (cb) store_release((u16 *)(r10 -8), r2)    ; R2=7 R10=fp0 fp-8=mmmmmmm7
5: (c3) lock *(u32 *)(r10 -8) += r2          ; R2=scalar(id=3) R10=fp0 fp-8=mmm
6: (db) r2 = atomic64_fetch_or((u64 *)(r10 -8), r2)          ; R2=scalar()
7: (c3) r2 = atomic_xchg((u32 *)(r10 -8), r2)        ; R2=scalar()
8: (db) r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r2)       ; R0=scalar()
9: (e5) may_goto pc+0
10: (06) gotol pc+0
11: (30) r0 = *(u8 *)skb[-4096]       ; R0=scalar() R6=ctx()
12: (48) r0 = *(u16 *)skb[r2 + -4]    ; R0=scalar() R6=ctx()
13: (18) r1 = 0xffffffff00000005      ; R1=0xffffffff00000005
15: (55) if r1 != 0xffffffff goto pc+0
16: (85) call bpf_map_lookup_elem#1      ; R0=scalar()
17: (95) exit";

#[test]
fn the_kernels_log() {
    let code = assemble(KERNEL_LOG).unwrap();
    let lines = KERNEL_LOG.lines().map(|line| asm::split_comment(line).0.trim()).filter(|l| !l.is_empty());
    let expected: String = lines.map(|line| format!("{line}\n")).collect();
    assert_eq!(log(&code, &KernelNames), expected);
    assert_eq!(code.len(), 18);
}

/// What refers to something: the text, other texts of the same, the instruction.
#[test]
fn references() {
    let dst = Reg::R1;
    let load = |imm| Insn::LoadImm64 { dst, imm };
    let cases = [
        ("r1 = map[fd:3]", &["r1=map[ fd : 3 ]"][..], load(Imm64::MapFd(3))),
        ("r1 = map[fd:-1]", &["r1 = map[fd:0xffffffff]"], load(Imm64::MapFd(-1))),
        ("r1 = map[fd:3][0]+8", &["r1 = map[fd:3] + 8"], load(Imm64::MapValue { fd: 3, off: 8 })),
        ("r1 = map[fd:3][0]+0", &["r1 = map[fd:3][0]"], load(Imm64::MapValue { fd: 3, off: 0 })),
        ("r1 = map[idx:0]", &[], load(Imm64::MapIdx(0))),
        (
            "r1 = map[idx:0]+4294967295",
            &["r1 = map[idx:0]-1"],
            load(Imm64::MapIdxValue { idx: 0, off: u32::MAX }),
        ),
        ("r1 = subprog[+5]", &["r1 = subprog[pc+5]"], load(Imm64::Func(5))),
        ("r1 = btf[id:7]", &["r1 = btf[id:7,fd:0]"], load(Imm64::BtfId { id: 7, btf_fd: 0 })),
        ("r1 = btf[id:7, fd:4]", &[], load(Imm64::BtfId { id: 7, btf_fd: 4 })),
        ("call unknown#70000", &["call 70000", "call anything#70000"], Insn::Call(Callee::Helper(70000))),
        ("call unknown#-1", &["call -1", "call 0xffffffff"], Insn::Call(Callee::Helper(-1))),
        (
            "call bpf_map_update_elem#2",
            &["call 2", "call bpf_map_update_elem", "call unknown#2"],
            Insn::Call(Callee::Helper(2)),
        ),
        ("call pc+3", &["call pc + 3", "call pc+0x3 <f>"], Insn::Call(Callee::Subprog(3))),
        ("call pc-2147483648", &[], Insn::Call(Callee::Subprog(i32::MIN))),
        (
            "call kernel-function#9",
            &["call kernel-function#9[btf:0]"],
            Insn::Call(Callee::Kfunc { id: 9, btf: 0 }),
        ),
        ("call kernel-function#9[btf:-1]", &[], Insn::Call(Callee::Kfunc { id: 9, btf: -1 })),
    ];
    for (text, others, insn) in cases {
        assert_eq!(insn.to_string(), text);
        for text in others.iter().chain([&text]) {
            assert_eq!(text.parse(), Ok(insn), "{text}");
        }
    }
}

#[test]
fn names_of_helpers_and_maps() {
    let text =
        "call seen\nr1 = hits ll\nr1 = map[.rodata][0]+4\nr2 = map[fd:5]\ncall bpf_map_lookup_elem#1\n";
    let code = assemble_with(text, &Few).unwrap().code;
    let [lines, ..] = texts(&code, &Few);
    // A name that is no word, or that the other direction does not know, is not written.
    let expected = "call seen#6001\nr1 = map[hits]\nr1 = map[.rodata][0]+4\nr2 = map[fd:5]\ncall unknown#1\n";
    assert_eq!(lines, expected);
    assert_eq!(assemble_with(&lines, &Few).unwrap().code, code);

    let closure = |name: &str| (name == "seen").then_some(7);
    let code = assemble_with("call seen", &closure).unwrap().code;
    assert_eq!(code.at(Pc(0)), Some(&Insn::Call(Callee::Helper(7))));
}

/// A helper whose two directions disagree is written by number.
#[test]
fn names_that_disagree() {
    struct Wrong;
    impl Names for Wrong {
        fn helper_name(&self, _: i32) -> Option<Cow<'_, str>> {
            Some("f".into())
        }
        fn helper_number(&self, _: &str) -> Option<i32> {
            Some(1)
        }
    }
    let call = |number| Insn::Call(Callee::Helper(number));
    assert_eq!(call(1).display(&Wrong).to_string(), "call f#1");
    assert_eq!(call(2).display(&Wrong).to_string(), "call unknown#2");
}

const LABELLED: &str = "
; a loop, a callback and a subprogram
start:  r1 = 3            ; place 0
        r2 = subprog[f]
again: top:
        r1 -= 1           # place 3
        if r1 != 0 goto again

        call f            // place 5
        may_goto end
        goto top
end:    exit
f:      gotol out
out:    w0 = w1
        exit
nothing:
";

#[test]
fn labels() {
    let assembly = assemble_with(LABELLED, &KernelNames).unwrap();
    let expected = "r1 = 3\nr2 = subprog[+7]\nr1 -= 1\nif r1 != 0x0 goto pc-2\ncall pc+3\nmay_goto pc+1\n\
                    goto pc-5\nexit\ngotol pc+0\nw0 = w1\nexit\n";
    assert_eq!(assembly.code.to_string(), expected);
    let places: Vec<(&str, u32)> = assembly.labels.iter().map(|(name, pc)| (&**name, pc.0)).collect();
    assert_eq!(
        places,
        [("again", 3), ("end", 8), ("f", 9), ("nothing", 12), ("out", 10), ("start", 0), ("top", 3)]
    );
    assert_eq!((assembly.pc_of(3), assembly.pc_of(6), assembly.pc_of(5)), (Some(Pc(0)), Some(Pc(3)), None));
    assert_eq!(
        (assembly.line_of(Pc(1)), assembly.line_of(Pc(2)), assembly.line_of(Pc(11))),
        (Some(4), None, Some(15))
    );
    assert_eq!(assembly.lines().count(), 11);
    let expected = "    r1 = 3\n    r2 = subprog[subprog_9]\nL3:\n    r1 -= 1\n    if r1 != 0x0 goto L3\n    \
                    call subprog_9\n    may_goto L8\n    goto L3\nL8:\n    exit\nsubprog_9:\n    gotol L10\n\
                    L10:\n    w0 = w1\n    exit\n";
    assert_eq!(listing(&assembly.code, &KernelNames).to_string(), expected);
}

/// A jump into a 64-bit load, past the end or before the start has no label.
#[test]
fn jumps_to_no_instruction() {
    let text = "    goto pc+1\n    r1 = 0x0 ll\n    goto pc+0\n    goto pc-9\n    goto pc+1\n    exit\n";
    let code = assemble(text).unwrap();
    let expected = text.replace("goto pc+0", "goto L4").replace("    goto pc-9", "L4:\n    goto pc-9");
    assert_eq!(listing(&code, &NoNames).to_string(), expected);
}

/// A label is found before a helper of the same name.
#[test]
fn a_label_hides_a_helper() {
    let code = assemble("call bpf_map_lookup_elem\nexit\nbpf_map_lookup_elem: exit").unwrap();
    assert_eq!(code.at(Pc(0)), Some(&Insn::Call(Callee::Subprog(1))));
}

/// A line that is refused: its text, the column and the message.
const REFUSED: &[(&str, u32, &str)] = &[
    ("r1", 3, "expected an operator such as = or +=, found the end of the line"),
    ("  r11 = 1", 3, "expected an instruction, found `r11`"),
    ("r01 = 1", 1, "expected an instruction, found `r01`"),
    ("r1 = ", 6, "expected a register, a number, a load or another value, found the end of the line"),
    ("r1 = w2", 6, "`w2` does not fit: the instruction works on 64 bits here"),
    ("w1 += r2", 7, "`r2` does not fit: the instruction works on 32 bits here"),
    ("r1 += foo", 7, "expected a register or a number, found `foo`"),
    ("r1 = foo", 6, "expected a value, found `foo`"),
    ("r1 = -r2", 7, "expected r1 again, found r2: the result and the operand are one register"),
    ("r1 = be16 r2", 11, "expected r1 again, found r2: the result and the operand are one register"),
    ("w1 = be16 r1", 6, "`w1` does not fit: the instruction works on 64 bits here"),
    ("w1 = 5 ll", 6, "`w1` does not fit: the instruction works on 64 bits here"),
    (
        "r1 = 0x100000000",
        6,
        "the constant 4294967296 does not fit 32 bits: write `ll` after it for a 64-bit load",
    ),
    (
        "r1 = -2147483649",
        6,
        "the constant -2147483649 does not fit 32 bits: write `ll` after it for a 64-bit load",
    ),
    ("r1 += 4294967296", 7, "4294967296 does not fit: a 32-bit number is between -2147483648 and 4294967295"),
    ("r1 = 0x10000000000000000 ll", 6, "`0x10000000000000000` is no number of up to 64 bits"),
    (
        "r1 = -0xffffffffffffffff ll",
        6,
        "-18446744073709551615 does not fit: a 64-bit constant is between -9223372036854775808 and \
         18446744073709551615",
    ),
    ("r1 = 12abc", 6, "`12abc` is no number of up to 64 bits"),
    ("r1 = 1 2", 8, "expected the end of the line, found `2`"),
    ("r1 = (u8)r2", 7, "expected (s8), (s16) or (s32), found `u8`"),
    ("w1 = (s32)w2", 1, "there is no such instruction: BPF_MOV uses reserved fields: off is 32"),
    ("r1 = be8 r1", 1, "there is no such instruction: BPF_END uses reserved fields: imm is 8"),
    ("r1 = *(s64 *)(r2 + 0)", 1, "there is no such instruction: unknown opcode 99"),
    ("r0 = *(u64 *)skb[0]", 1, "there is no such instruction: unknown opcode 38"),
    ("r1 = *(u8 *)skb[0]", 6, "a packet load goes to r0, not r1"),
    ("r0 = *(s8 *)skb[0]", 6, "expected a type u8, u16 or u32, found `s8`"),
    ("w1 = *(u64 *)(r2 + 0)", 6, "`w1` does not fit: the instruction works on 64 bits here"),
    ("w1 = *(s8 *)(r2 + 0)", 6, "`w1` does not fit: the instruction works on 64 bits here"),
    ("r1 = *(u32 *)(r2 + 32768)", 18, "32768 does not fit: an offset is between -32768 and 32767"),
    ("r1 = *(u32 *)(r2 4)", 18, "expected an offset or `)`, found `4`"),
    ("r1 = *(u32 *)(w2 + 4)", 15, "`w2` does not fit: the instruction works on 64 bits here"),
    ("r1 = *(u24 *)(r2 + 4)", 8, "expected a type, u8 to u64 or s8 to s32, found `u24`"),
    ("*(u64 *)(r1 + 0) = w2", 20, "`w2` does not fit: the instruction works on 64 bits here"),
    ("*(s8 *)(r1 + 0) = r2", 1, "expected a type u8 to u64, found `s8`"),
    ("lock *(u16 *)(r1 + 0) += r2", 6, "expected a type u32 or u64, found `u16`"),
    ("lock *(u64 *)(r1 + 0) -= r2", 23, "expected +=, |=, &= or ^=, found `-=`"),
    ("lock *(u64 *)(r1 + 0) fetch_add r2", 23, "expected +=, |=, &= or ^=, found `fetch_add`"),
    (
        "r3 = atomic_fetch_add((u64 *)(r1 + 0), r2)",
        23,
        "expected r2 again, found r3: the result and the operand are one register",
    ),
    (
        "r1 = atomic_cmpxchg((u64 *)(r1 + 0), r0, r2)",
        21,
        "expected r0 again, found r1: the result and the operand are one register",
    ),
    (
        "r0 = atomic_cmpxchg((u64 *)(r1 + 0), r1, r2)",
        38,
        "expected r0 again, found r1: the result and the operand are one register",
    ),
    (
        "r2 = atomic64_xchg((u32 *)(r1 + 0), r2)",
        20,
        "`u32` does not fit: the instruction works on 64 bits here",
    ),
    (
        "r1 = addr_space_cast(r2, 1, 1)",
        26,
        "there is no such instruction: addr_space_cast insn can only convert between address space 1 and 0",
    ),
    ("goto 5", 6, "expected a distance such as +5 or pc-3, or a label, found `5`"),
    ("goto +32768", 6, "32768 does not fit: the distance is between -32768 and 32767"),
    ("goto nowhere", 6, "no label `nowhere` in this text"),
    ("if r1 = 2 goto +1", 7, "expected a comparison such as == or s>=, found `=`"),
    ("if r1 == 2 +1", 12, "expected `goto`, found `+`"),
    ("if r1 s>> 2 goto +1", 9, "expected a register or a number, found `>`"),
    ("call nobody", 6, "unknown name `nobody`: neither a label of this text nor a helper"),
    ("call bpf_map_lookup_elem#2", 6, "bpf_map_lookup_elem is helper 1, not 2"),
    ("r1 = map[hits]", 10, "unknown map `hits`"),
    ("r1 = map[id:3]", 10, "expected fd:N, idx:N or a map's name, found `id`"),
    ("r1 = map[fd:3][1]", 16, "1 does not fit: the index of the only value is between 0 and 0"),
    ("r1 = hits ll", 6, "unknown map `hits`"),
    ("7: exit", 1, "the line says it is insn 7, it is insn 0"),
    ("0: (b7) r1 = r2", 9, "the line says its opcode is b7, it is bf"),
    ("(xyz) exit", 2, "expected an opcode of two hexadecimal digits and `)`, found `xyz`"),
    ("é", 1, "expected an instruction, found 'é'"),
    ("r1 = 1 é ", 8, "expected the end of the line, found 'é'"),
    ("ééééé = 1", 1, "expected an instruction, found 'é'"),
];

#[test]
fn refused_lines() {
    for (text, column, message) in REFUSED {
        let e = assemble(text).expect_err(text);
        assert_eq!((e.line, e.column, &*e.cause.to_string()), (1, *column, *message), "{text}");
        assert_eq!(e.to_string(), format!("line 1, column {column}: {message}"));
    }
}

fn refused(text: &str) -> AsmError {
    assemble(text).expect_err(text)
}

#[test]
fn refused_texts() {
    let twice = AsmCause::LabelTwice { name: "a".into(), line: 1 };
    assert_eq!(refused("a: exit\nexit\na: exit"), AsmError { line: 3, column: 1, cause: twice });
    for empty in ["", "; nothing", "a:\n\n"] {
        assert_eq!(refused(empty).cause, AsmCause::Program(DecodeError::Empty));
    }
    assert_eq!(refused("r0 = 0\nr0 =\n").line, 2);
    assert_eq!(refused("(05) goto a\nexit\na: b").line, 3);
    let nothing = "; no".parse::<Insn>().expect_err("no instruction");
    assert_eq!(nothing.to_string(), "line 1, column 5: expected an instruction, found the end of the line");
    assert_eq!(asm::parse_insn("; no", &NoNames), Ok(None));
    assert_eq!(asm::parse_insn("l: exit ; yes", &NoNames), Ok(Some(Insn::Exit)));
    let cause = asm::parse_insn("l: goto l", &NoNames).unwrap_err().cause;
    assert_eq!(cause, AsmCause::NoLabel("l".into()));
    let far = format!("goto end\n{}end: exit", "r0 = 0\n".repeat(0x8000));
    let message = "line 1, column 6: 32768 does not fit: the distance is between -32768 and 32767";
    assert_eq!(refused(&far).to_string(), message);
    assert_eq!(refused("w1 = (s32)w1").cause, AsmCause::NoSuchInsn(no_slot("w1 = (s32)w1")));
}

fn no_slot(text: &str) -> SlotError {
    match refused(text).cause {
        AsmCause::NoSuchInsn(why) => why,
        cause => panic!("{cause}"),
    }
}

#[test]
fn a_message_is_short_whatever_the_text() {
    let long = "x".repeat(100_000);
    for text in [format!("call {long}"), format!("goto {long}"), long.clone(), format!("r1 = 1{long}")] {
        assert!(refused(&text).to_string().len() < 200);
    }
}

/// Reading stops where the program is too long, whatever follows.
#[test]
fn more_than_a_program_may_have() {
    let text = "r1=0 ll\n".repeat(Code::MAX_SLOTS / 2) + "exit\nno instruction\n";
    let why = DecodeError::TooLong(Code::MAX_SLOTS + 1);
    let line = Code::MAX_SLOTS as u32 / 2 + 1;
    assert_eq!(refused(&text), AsmError { line, column: 1, cause: AsmCause::Program(why) });
}
