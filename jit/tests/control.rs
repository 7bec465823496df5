//! Jumps at every distance, loops, what is not reached, budgets.

mod common;

use brolga_core::facts::{Region, Ways};
use brolga_core::interp::MAY_GOTO_BUDGET;
use brolga_core::{AluOp, Cond, Insn, Operand, Pc, Reg, Size, Width};
use brolga_jit::{CompileError, Options, Target, compile, compile_for};
use common::{Both, Build, images, run, variants};

fn both(text: &str, r1: u64, r2: u64) -> u64 {
    let mut results = variants().into_iter().map(|options| {
        let both = Both::new(Build::asm(text), &options);
        let result = both.jit(r1, r2);
        assert_eq!(result, both.interp(r1, r2), "{text}");
        result
    });
    let first = results.next().unwrap();
    assert!(results.all(|r| r == first));
    first
}

#[test]
fn a_loop_back_to_the_first_instruction() {
    // r2 is what is left, so that the entry is the loop's head.
    assert_eq!(
        both(
            "first: r1 += 3
             r2 -= 1
             if r2 != 0 goto first
             r0 = r1
             exit",
            100,
            10
        ),
        130
    );
}

#[test]
fn a_narrow_counter_that_is_looked_at_widely_behind_the_loop() {
    let text = "r3 = r1
         w4 = 0
         again: w4 += 0x40000001
         w3 -= 1
         if w3 != 0 goto again
         r0 = r4
         r3 += r0
         r0 = r3
         exit";
    assert_eq!(both(text, 7, 0), u64::from(0x4000_0001_u32.wrapping_mul(7)));
    assert_eq!(both(text, 0xffff_ffff_0000_0002, 0), 0x8000_0002);
}

/// One path leaves a register narrow, another wide.
/// So many that what they change is put into values of its own now and then.
#[test]
fn many_loops_one_after_the_other() {
    let two = |i: usize| {
        format!(
            "r3 = {i}\nl{i}: r0 += r3\nr0 ^= r1\nr6 = r0\nw7 += w6\nif r6 == 99 goto out{i}\n\
             r3 += 1\nif r3 < {} goto l{i}\nr0 += r6\nout{i}: r0 -= r7\n",
            i + 3,
        )
    };
    let text: String = (0..100).map(two).collect();
    both(&format!("r0 = 0\nr7 = 7\n{text}r0 += r7\nexit\n"), 5, 6);
}

#[test]
fn widths_that_meet() {
    let text = "r3 = 0x1122334455667788 ll
         if r1 == 0 goto narrow
         r0 = r3
         goto meet
         narrow: w0 = w3
         meet: r0 += 1
         if w0 == 0x55667789 goto out
         r0 = 0
         out: exit";
    assert_eq!(both(text, 1, 0), 0x1122_3344_5566_7789);
    assert_eq!(both(text, 0, 0), 0x5566_7789);
}

/// An address outside the frame is made, but not used.
#[test]
fn an_address_far_from_the_frame() {
    for far in [-1_000_000, i32::MIN, 700, i32::MAX] {
        let text = format!(
            "r2 = r10
             r2 += -8
             *(u8 *)(r2 +0) = 7
             r3 = r10
             r3 += {far}
             r0 = r3
             r0 -= r2
             exit"
        );
        assert_eq!(both(&text, 0, 0), (i64::from(far) + 8) as u64);
    }
}

#[test]
fn a_branch_to_where_it_goes_anyway() {
    assert_eq!(both("r0 = 5\nif r1 == 0 goto +0\nexit", 0, 0), 5);
}

fn mov(dst: Reg, imm: i32) -> Insn {
    Insn::Alu { op: AluOp::Mov, width: Width::W64, dst, src: Operand::Imm(imm) }
}

/// Branches over the longest distances, forwards and back: three rounds over
/// as many additions as fit in between.
#[test]
fn the_longest_distances() {
    let far = i16::MAX;
    let width = Width::W64;
    let alu = |op, dst, imm| Insn::Alu { op, width, dst, src: Operand::Imm(imm) };
    let between = usize::from(far as u16) - 3;
    let start = [mov(Reg::R0, 0), mov(Reg::R2, 3)];
    let over = Insn::JumpIf { cond: Cond::Eq, width, dst: Reg::R2, src: Operand::Imm(0), off: far };
    let back = Insn::JumpIf { cond: Cond::Sge, width, dst: Reg::R2, src: Operand::Imm(1), off: -far };
    let wide_back = Insn::Jump { off: -(i32::from(far) + 1), wide: true };
    let body = std::iter::repeat_n(alu(AluOp::Add, Reg::R0, 7), between);
    // 2: `over`, then the body, `back` to 2 or at last `wide_back` to 2, which
    // goes over.
    let insns = start.into_iter().chain([over]).chain(body).chain([
        alu(AluOp::Sub, Reg::R2, 1),
        back,
        wide_back,
        Insn::Exit,
    ]);
    let both = Both::new(Build::insns(insns), &Options::default());
    let rounds = 3 * 7 * between as u64;
    assert_eq!(both.interp(0, 0), rounds);
    assert_eq!(both.jit(0, 0), rounds);
}

#[test]
fn the_loop_budget_of_a_frame() {
    let text = "r0 = 0
         again: may_goto out
         r0 += 1
         goto again
         out: may_goto spent
         r0 = 0
         spent: exit";
    let both = Both::new(Build::asm(text), &Options::default());
    assert_eq!(both.jit(0, 0), u64::from(MAY_GOTO_BUDGET));
}

#[test]
fn each_frame_has_a_budget_of_its_own() {
    let text = "call spin
         r6 = r0
         call spin
         r0 += r6
         exit
         spin: r0 = 0
         again: may_goto +2
         r0 += 1
         goto again
         exit";
    let both = Both::new(Build::asm(text), &Options::default());
    assert_eq!(both.jit(0, 0), 2 * u64::from(MAY_GOTO_BUDGET));
}

/// Whether one leads anywhere or not: it is counted, as the interpreter does.
#[test]
fn a_may_goto_that_changes_nothing_is_counted() {
    let rounds = |idle: &str| {
        let text = format!(
            "r0 = 0
             again: {idle}
             r0 += 1
             may_goto out
             goto again
             out: exit"
        );
        let linked = Build::asm(&text).link();
        variants().iter().for_each(|options| {
            let image = compile(&linked, options).unwrap().publish().unwrap();
            // The round in which it is spent goes on to its end.
            assert_eq!(run(&image, 0, 0), u64::from(MAY_GOTO_BUDGET / 2 + 1), "{options:?}\n{text}");
        });
    };
    rounds("may_goto +0");
    // Both ways lead to jumps to the same place.
    rounds("may_goto +1\ngoto +1\ngoto +0");
}

/// A branch that goes one way only is none, and what it skips may be anything.
#[test]
fn what_is_not_reached_is_not_compiled() {
    let text = "r0 = 1
         if r1 == 0 goto +1
         call kernel-function#1
         exit";
    let mut build = Build::asm(text);
    build.ways.insert(Pc(1), Ways { taken: true, falls_through: false });
    let linked = build.link();
    let image = compile(&linked, &Options::default()).unwrap().publish().unwrap();
    assert_eq!(run(&image, 0, 0), 1);
    assert_eq!(run(&image, 1, 0), 1);
}

#[test]
fn frames_are_aligned_and_distinct() {
    let text = "r1 = r10
         call inner
         r6 = r0
         r6 &= 15
         r0 = r10
         r0 &= 15
         r0 |= r6
         exit
         inner: r2 = r10
         if r2 == r1 goto bad
         r0 = r2
         exit
         bad: r0 = 1
         exit";
    for stack in [0, 8, 16, 24, 504, 512] {
        let mut build = Build::asm(text);
        build.stack = stack;
        assert_eq!(Both::new(build, &Options::default()).jit(0, 0), 0, "{stack}");
    }
}

#[test]
fn a_callee_writes_its_callers_frame() {
    let text = "r6 = 5
         *(u64 *)(r10 - 8) = r6
         *(u32 *)(r10 - 16) = 3
         r1 = r10
         r1 += -16
         call inner
         r0 = *(u64 *)(r10 - 8)
         r1 = *(u32 *)(r10 - 12)
         r0 += r1
         exit
         inner: r2 = *(u64 *)(r1 + 8)
         r2 <<= 8
         *(u64 *)(r1 + 8) = r2
         *(u32 *)(r1 + 4) = 7
         r0 = 0
         exit";
    assert_eq!(both(text, 0, 0), 5 << 8 | 7);
}

#[test]
fn slots_of_the_stack() {
    let text = "*(u64 *)(r10 - 8) = r1
         *(u64 *)(r10 - 16) = 77
         w3 = w2
         *(u64 *)(r10 - 24) = r3
         *(u32 *)(r10 - 32) = 1
         *(u32 *)(r10 - 28) = 2
         again: r3 = *(u64 *)(r10 - 24)
         r3 -= 1
         *(u64 *)(r10 - 24) = r3
         r4 = *(u64 *)(r10 - 8)
         r4 += 3
         *(u64 *)(r10 - 8) = r4
         if r3 != 0 goto again
         r0 = *(u64 *)(r10 - 8)
         r1 = *(u64 *)(r10 - 16)
         r0 += r1
         r1 = *(u64 *)(r10 - 32)
         r0 ^= r1
         exit";
    assert_eq!(both(text, 1 << 40, 10), ((1 << 40) + 30 + 77) ^ 0x2_0000_0001);
}

/// A frame that is read where nothing was written is one of zeros, whatever
/// was there before.
#[test]
fn a_frame_that_is_read_uninitialised_holds_zeros() {
    let dirty = (1..=64).map(|i| format!("*(u64 *)(r10 - {}) = -1\n", 8 * i)).collect::<String>();
    let clean = (1..=64).map(|i| format!("r1 = *(u64 *)(r10 - {})\nr0 |= r1\n", 8 * i)).collect::<String>();
    // One that makes pointers to its frame, and one whose slots are values.
    for pointer in ["r1 = r10\n*(u64 *)(r1 - 8) = -1\n", ""] {
        for undo in ["r1 = r10\n*(u64 *)(r1 - 8) = 0\n", ""] {
            let text = format!(
                "call dirty\ncall clean\nexit\n\
                 dirty: r0 = 0\n{pointer}{dirty}exit\n\
                 clean: r0 = 0\n{undo}{clean}exit"
            );
            for options in variants() {
                let mut build = Build::asm(&text);
                build.reads_uninit_stack = true;
                assert_eq!(Both::new(build, &options).jit(0, 0), 0, "{options:?}");
            }
        }
    }
}

/// In every field of the context, in the form the real structure has it.
#[test]
fn a_context_is_converted_where_it_is_accessed() {
    use brolga_core::prog_type::{Access, FieldKind};
    let mut build = Build::asm(
        "r2 = *(u32 *)(r1 + 4)
         r0 = *(u16 *)(r1 + 8)
         *(u32 *)(r1 + 12) = r2
         r0 += r2
         exit",
    );
    let access = |kind, host_off, host_size| Region::Ctx(Access { kind, host_off, host_size });
    build.regions.insert(Pc(0), access(FieldKind::PacketData, 16, Size::B8));
    build.regions.insert(Pc(1), access(FieldKind::Scalar, 2, Size::B2));
    build.regions.insert(Pc(2), access(FieldKind::Scalar, 8, Size::B4));
    let both = Both::new(build, &Options::default());
    let memory = [0x1111_2222_3333_4444_u64, u64::MAX, 0x7fff_1234_5678_9abc];
    let mut for_jit = memory;
    let mut for_interp = memory;
    let result = both.jit(for_jit.as_mut_ptr() as u64, 0);
    assert_eq!(result, 0x7fff_1234_5678_9abc + 0x3333);
    assert_eq!(result, both.interp(for_interp.as_mut_ptr() as u64, 0));
    assert_eq!(for_jit[1], 0xffff_ffff_5678_9abc);
    assert_eq!(for_jit, for_interp);
}

#[test]
fn facts_that_contradict_the_program_are_noticed() {
    let mut build = Build::asm("*(u64 *)(r10 - 16) = 1\n*(u32 *)(r10 - 8) = 1\nr0 = 0\nexit");
    build.stack = 8;
    let error =
        compile(&build.link(), &Options { passes: brolga_jit::Passes::empty(), ..Options::default() });
    let what = "an access outside the stack frame";
    assert_eq!(error.unwrap_err(), CompileError::Facts { at: Pc(0), what });
}

#[test]
fn a_call_of_the_main_program_is_refused() {
    let build = Build::asm("r0 = 0\nexit\ncall pc-3\nexit");
    assert!(!images(&build.link(), &Options::default()).is_empty());
    let build = Build::asm("r0 = 0\nif r1 == 0 goto +1\ncall pc-3\nexit");
    let error = compile(&build.link(), &Options::default()).unwrap_err();
    assert!(matches!(error, CompileError::Unsupported { at: Pc(2), .. }), "{error}");
}

/// Whatever machine this is, code for every other is made too.
#[test]
fn every_target_compiles_and_foreign_code_does_not_run() {
    let text = "r2 = 3
         lock *(u64 *)(r1 + 0) += r2
         r0 = atomic64_fetch_add((u64 *)(r1 + 8), r2)
         r0 /= r2
         r0 s/= r2
         call inner
         exit
         inner: r0 = 1
         exit";
    let text = text.replace("r0 = atomic64_fetch_add((u64 *)(r1 + 8), r2)\n", "r0 = *(u64 *)(r1 + 8)\n");
    let linked = Build::asm(&text).link();
    for target in Target::ALL {
        let compiled = compile_for(&linked, &Options::default(), target).unwrap();
        assert_eq!(compiled.target(), target);
        assert!(!compiled.code().is_empty());
        assert_eq!(compiled.publish().is_ok(), target.is_host(), "{target}");
    }
}
