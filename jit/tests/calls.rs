//! Helpers, subprograms, tail calls, legacy packet loads.
#![expect(unsafe_code, reason = "helper bodies, hooks and calls of machine code")]

mod common;

use brolga_core::asm::{KernelNames, assemble_with};
use brolga_core::facts::SubprogId;
use brolga_core::helper::table::id;
use brolga_core::link::{HelperBody, RunState};
use brolga_core::{Linked, interp};
use brolga_jit::{Image, Options, Passes, Tier, compile};
use common::{Both, Build, images, run, variants};
use std::sync::atomic::{AtomicU64, Ordering};

const fn body(func: brolga_core::link::HelperFn) -> HelperBody {
    HelperBody { func, env: None }
}

unsafe extern "C-unwind" fn mix(a: u64, b: u64, c: u64, d: u64, e: u64, _: u64) -> u64 {
    [a, b, c, d, e].into_iter().fold(7, |h: u64, x| h.rotate_left(9).wrapping_mul(31) ^ x)
}

fn mixed(args: [u64; 5]) -> u64 {
    // SAFETY: the function is safe.
    unsafe { mix(args[0], args[1], args[2], args[3], args[4], 0) }
}

#[test]
fn a_helper_gets_its_arguments() {
    let text = "r2 = -2\nr3 = 3\nr4 = 0x1122334455667788 ll\nw5 = -5\ncall 7000\nexit";
    for options in variants() {
        let both = Both::new(Build::asm(text).helper(7000, 5, body(mix)), &options);
        let want = mixed([1 << 33, -2_i64 as u64, 3, 0x1122_3344_5566_7788, 0xffff_fffb]);
        assert_eq!(both.jit(1 << 33, 0), want);
        assert_eq!(both.interp(1 << 33, 0), want);
    }
}

unsafe extern "C-unwind" fn seven(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    7
}

/// Bodies that do the same may be one function.
#[test]
fn one_body_of_two_helpers() {
    let text = "r2 = 2\nr3 = 3\nr4 = 4\nr5 = 5\ncall 7000\nr1 = r0\ncall 7001\nexit";
    for options in variants() {
        let build = Build::asm(text).helper(7000, 5, body(seven)).helper(7001, 1, body(seven));
        assert_eq!(Both::new(build, &options).jit(1, 0), 7);
    }
}

unsafe extern "C-unwind" fn with_env(a: u64, b: u64, _: u64, _: u64, _: u64, env: u64) -> u64 {
    // SAFETY: the test puts the address of this here.
    let seen = unsafe { &*(env as *const AtomicU64) };
    seen.fetch_add(a, Ordering::Relaxed);
    b
}

#[test]
fn a_helper_gets_its_environment() {
    for options in variants() {
        let seen = AtomicU64::new(1);
        let env = Some((&raw const seen) as u64);
        let build = Build::asm("r1 = 41\nr2 = 9\ncall 7000\nexit");
        let both = Both::new(build.helper(7000, 2, HelperBody { func: with_env, env }), &options);
        assert_eq!(both.jit(0, 0), 9);
        assert_eq!(seen.load(Ordering::Relaxed), 42);
    }
}

/// Tramples on every register that a callee may trample on, and says how the
/// stack was aligned.
#[cfg(target_arch = "x86_64")]
unsafe extern "C-unwind" fn trample(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    let sp: u64;
    // SAFETY: says what it changes.
    unsafe {
        std::arch::asm!(
            "mov {sp}, rsp",
            "mov rax, -1", "mov rcx, -1", "mov rdx, -1", "mov rsi, -1", "mov rdi, -1",
            "mov r8, -1", "mov r9, -1", "mov r10, -1", "mov r11, -1",
            "pcmpeqd xmm0, xmm0", "pcmpeqd xmm7, xmm7", "pcmpeqd xmm15, xmm15",
            sp = out(reg) sp,
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            out("xmm0") _, out("xmm7") _, out("xmm15") _,
        );
    }
    sp
}

#[cfg(target_arch = "aarch64")]
unsafe extern "C-unwind" fn trample(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    let sp: u64;
    // SAFETY: says what it changes.
    unsafe {
        std::arch::asm!(
            "mov {sp}, sp",
            "mov x0, -1", "mov x1, -1", "mov x2, -1", "mov x3, -1", "mov x4, -1", "mov x5, -1",
            "mov x6, -1", "mov x7, -1", "mov x8, -1", "mov x9, -1", "mov x10, -1", "mov x11, -1",
            "mov x12, -1", "mov x13, -1", "mov x14, -1", "mov x15, -1", "mov x16, -1", "mov x17, -1",
            sp = out(reg) sp,
            out("x0") _, out("x1") _, out("x2") _, out("x3") _, out("x4") _, out("x5") _, out("x6") _,
            out("x7") _, out("x8") _, out("x9") _, out("x10") _, out("x11") _, out("x12") _,
            out("x13") _, out("x14") _, out("x15") _, out("x16") _, out("x17") _,
        );
    }
    sp
}

/// More live values than the machine keeps over calls, around each call.
#[test]
fn what_is_kept_over_calls() {
    let mut text = String::from("r6 = r1\nr7 = r2\nr8 = r1\nr8 += 5\nr9 = r2\nr9 *= 3\n");
    for i in 1..8 {
        text += &format!("*(u64 *)(r10 - {}) = r{}\n", 8 * i, 6 + i % 4);
    }
    text += "call 7000\nr0 &= 7\nw6 += 1\ncall 7000\nr0 &= 7\n";
    for i in 1..8 {
        text += &format!("r1 = *(u64 *)(r10 - {})\nr0 += r1\n", 8 * i);
    }
    text += "r0 += r6\nr0 += r7\nr0 += r8\nr0 += r9\nexit";
    for options in variants() {
        let both = Both::new(Build::asm(&text).helper(7000, 0, body(trample)), &options);
        let (a, b) = (0x1_0000_0007_u64, 0x2_0000_0000_u64);
        let kept = [a, b, a + 5, 3 * b];
        let sum: u64 = (1..8).map(|i| kept[i % 4]).sum();
        assert_eq!(both.jit(a, b), sum + 8 + b + a + 5 + 3 * b, "{options:?}");
    }
}

#[test]
fn the_stack_is_aligned_in_helpers() {
    for stack in [0, 8, 16, 24, 512] {
        let mut build = Build::asm("call inner\nr6 = r0\ncall 7000\nr0 |= r6\nexit\ninner: call 7000\nexit");
        build.stack = stack;
        let both = Both::new(build.helper(7000, 0, body(trample)), &Options::default());
        let aligned = |sp: u64| sp.is_multiple_of(8);
        assert!(aligned(both.jit(0, 0)));
    }
}

/// A function that is farther away than any direct call reaches.
#[test]
fn far_helpers() {
    // The same machine code elsewhere: a compiled program is a C function.
    let linked = Build::asm("r0 = r1\nr0 += r2\nexit").link();
    let image = compile(&linked, &Options::default()).unwrap().publish().unwrap();
    let main = &image.functions()[0];
    let far = far_copy(&image.code()[main.offset as usize..]);
    // SAFETY: code of this signature; what is beyond the first three arguments
    // it does not look at.
    let func = unsafe { std::mem::transmute::<*mut std::ffi::c_void, brolga_core::link::HelperFn>(far) };
    for options in variants() {
        let both = Both::new(Build::asm("r2 = 100\ncall 7000\nexit").helper(7000, 2, body(func)), &options);
        assert_eq!(both.jit(11, 0), 111);
    }
}

fn far_copy(code: &[u8]) -> *mut std::ffi::c_void {
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect};
    let (write, run) = (ProtFlags::READ | ProtFlags::WRITE, MprotectFlags::READ | MprotectFlags::EXEC);
    // SAFETY: fresh memory, filled before anyone knows of it; it is never
    // unmapped.
    unsafe {
        let hint = (mix as *const () as usize + (8 << 30)) & !0xffff;
        let at = mmap_anonymous(hint as *mut _, code.len(), write, MapFlags::PRIVATE).unwrap();
        std::ptr::copy_nonoverlapping(code.as_ptr(), at.cast(), code.len());
        icache::clear_cache(at, code.len()).unwrap();
        mprotect(at, code.len(), run).unwrap();
        icache::pipeline_flush_mt().unwrap();
        assert!((at as usize).abs_diff(mix as *const () as usize) > 1 << 31, "{at:p} is not far");
        at
    }
}

#[test]
fn near_helpers_are_called_directly() {
    let linked = Build::asm("call 7000\nexit").helper(7000, 0, body(trample)).link();
    let with = compile(&linked, &Options::default()).unwrap();
    let options = Options { passes: Passes::all() - Passes::NEAR, ..Options::default() };
    let without = compile(&linked, &options).unwrap();
    assert!(with.functions()[0].len < without.functions()[0].len);
}

/// The deepest nesting there is, arguments and results all the way.
#[test]
fn subprograms_eight_deep() {
    let mut text = String::from("r3 = 3\nr4 = 4\nr5 = 5\ncall f1\nexit\n");
    for depth in 1..8 {
        text += &format!("f{depth}: r6 = r1\nr7 = r5\nr1 += {depth}\nr5 += r2\n*(u64 *)(r10 - 8) = r4\n");
        text += &(match depth {
            7 => "r0 = r1\n".into(),
            _ => format!("call f{}\n", depth + 1),
        });
        text += "r0 += r6\nr0 *= 3\nr0 += r7\nr1 = *(u64 *)(r10 - 8)\nr0 ^= r1\nexit\n";
    }
    for options in variants() {
        let both = Both::new(Build::asm(&text), &options);
        let inlines = options.passes.contains(Passes::INLINE) && options.tier == Tier::Best;
        let functions = both.image.functions().len();
        assert!(functions == 8 || inlines && functions < 8, "{functions}");
        for (a, b) in [(0, 0), (1, 1 << 40), (u64::MAX, 77)] {
            assert_eq!(both.jit(a, b), both.interp(a, b));
        }
    }
}

/// A subprogram's functions stand in the image where it says.
#[test]
fn functions_are_where_they_are_said_to_be() {
    let options = Options { passes: Passes::all() - Passes::INLINE, ..Options::default() };
    let both = Both::new(Build::asm("call f\nexit\nf: r0 = 9\nexit"), &options);
    let functions = both.image.functions();
    assert_eq!(functions[0].name, "main");
    assert_eq!(functions[1].name, "subprog_2");
    assert!(functions[1].offset >= functions[0].offset + functions[0].len);
    assert!((functions[1].offset + functions[1].len) as usize <= both.image.code_len());
}

/// What stands in the place of every call of it needs no code of its own; a
/// callback is called from elsewhere too.
#[test]
fn what_is_never_called_is_not_compiled() {
    let names = |text: &str| -> Vec<String> {
        let linked = Build::asm(text).helper(7000, 1, body(call_back)).link();
        let compiled = compile(&linked, &Options::default()).unwrap();
        compiled.functions().iter().map(|function| function.name.clone()).collect()
    };
    assert_eq!(names("call f\nr1 = r0\ncall f\nexit\nf: r0 = r1\nr0 += 9\nexit"), ["main"]);
    let called = "r1 = subprog[f]\ncall 7000\nr1 = r0\ncall f\nexit\nf: r0 = r1\nr0 += 9\nexit";
    assert_eq!(names(called), ["main", "subprog_6"]);
    // What calls it is small too, so nothing is left of either.
    assert_eq!(names("call f\nexit\nf: call g\nexit\ng: r0 = 1\nexit"), ["main"]);
}

/// Calls `f(1, 2, 3, 4, 5)` by address, as a helper with a callback does.
unsafe extern "C-unwind" fn call_back(f: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    type Callback = unsafe extern "C-unwind" fn(u64, u64, u64, u64, u64) -> u64;
    // SAFETY: the program passes the address of a subprogram of its own.
    unsafe { std::mem::transmute::<usize, Callback>(f as usize)(1, 2, 3, 4, 5) }
}

#[test]
fn callbacks() {
    let text = "r1 = subprog[f]
         call 7000
         r6 = r0
         r1 = 10
         r2 = 20
         r3 = 0
         r4 = 0
         r5 = 50
         call f
         r0 += r6
         exit
         f: r0 = r1
         r0 *= 100
         r0 += r2
         r0 *= 100
         r0 += r5
         exit";
    for options in variants() {
        let linked = Build::asm(text).helper(7000, 1, body(call_back)).link();
        for image in images(&linked, &options) {
            assert_eq!(run(&image, 0, 0), 1_02_05 + 10_20_50);
        }
    }
}

const SLOT: u64 = 0xabc0;

/// A program array with one program in it, at index 2.
unsafe extern "C-unwind" fn tail_call(run: *mut RunState, map: u64, index: u64) -> u64 {
    // SAFETY: compiled code hands on what it was given.
    if let Some(run) = unsafe { run.as_mut() } {
        run.tail_calls += 1;
    }
    if map == 77 && index == 2 { SLOT } else { 0 }
}

unsafe extern "C-unwind" fn tail_run(_: *mut RunState, target: u64, ctx: u64) -> u64 {
    assert_eq!(target, SLOT);
    ctx + 1000
}

fn tail_calling(text: &str) -> Linked {
    let mut build = Build::asm(text);
    build.hooks.tail_call = tail_call;
    build.hooks.tail_run = tail_run;
    build.helper(id::TAIL_CALL, 3, body(mix)).link()
}

fn run_with_state(image: &Image, r1: u64, r2: u64) -> (u64, u32, u64) {
    let mut state = RunState::default();
    // SAFETY: the program takes any numbers.
    let r0 = unsafe { image.entry()(r1, r2, &mut state) };
    (r0, state.tail_calls, state.next)
}

#[test]
fn tail_calls_of_the_main_program() {
    let linked = tail_calling("r3 = r2\nr2 = 77\ncall 12\nr0 = 5\nexit");
    for options in variants() {
        for image in images(&linked, &options) {
            assert_eq!(run_with_state(&image, 1, 2), (0, 1, SLOT));
            assert_eq!(run_with_state(&image, 1, 3), (5, 1, 0));
        }
    }
    let mut state = RunState::default();
    // SAFETY: the program takes any numbers.
    assert_eq!(unsafe { interp::run(&linked, 1, 2, &mut state) }, 0);
    assert_eq!(state.next, SLOT);
}

#[test]
fn tail_calls_of_a_subprogram_end_it() {
    let linked = tail_calling(
        "r6 = r2
         call f
         r0 += 10000
         exit
         f: r3 = r2
         r2 = 77
         call 12
         r0 = 5
         exit",
    );
    assert_eq!(linked.facts().subprog_of(brolga_core::Pc(4)), SubprogId(1));
    for options in variants() {
        for image in images(&linked, &options) {
            assert_eq!(run_with_state(&image, 1, 2), (11_001, 1, 0));
            assert_eq!(run_with_state(&image, 1, 3), (10_005, 1, 0));
        }
    }
}

/// A callback has no run to hand on.
#[test]
fn a_tail_call_of_a_callback_has_no_run() {
    let mut build =
        Build::asm("r1 = subprog[f]\ncall 7000\nexit\nf: r3 = r2\nr2 = 77\ncall 12\nr0 = 5\nexit");
    build.hooks.tail_call = tail_call;
    build.hooks.tail_run = tail_run;
    let linked = build.helper(id::TAIL_CALL, 3, body(mix)).helper(7000, 1, body(call_back)).link();
    for image in images(&linked, &Options::default()) {
        assert_eq!(run_with_state(&image, 0, 0), (1001, 0, 0));
    }
}

/// A packet of which the byte at `off` is `off`, as long as `ctx` says.
unsafe extern "C-unwind" fn load_packet(ctx: u64, off: i64, size: u64) -> i64 {
    if off < 0 || off + size as i64 > ctx as i64 {
        return -1;
    }
    (0..size as i64).fold(0, |value, i| value << 8 | (off + i))
}

#[test]
fn legacy_packet_loads() {
    let text = "r6 = r1
         r7 = r2
         r0 = *(u16 *)skb[1]
         r8 = r0
         r0 = *(u32 *)skb[r7 + 2]
         r0 <<= 16
         r0 += r8
         exit";
    for options in variants() {
        let mut build = Build::asm(text);
        build.hooks.load_packet = load_packet;
        let both = Both::new(build, &options);
        let both = |r1, r2| {
            let result = both.jit(r1, r2);
            assert_eq!(result, both.interp(r1, r2));
            result
        };
        assert_eq!(both(100, 3), 0x0506_0708_0102);
        assert_eq!(both(6, 0xffff_ffff_0000_0000), 0x0203_0405_0102);
        // Past the end in the main program; before the start, by a register
        // whose upper half is not looked at.
        assert_eq!(both(6, 1), 0);
        assert_eq!(both(100, 0x1_ffff_fff0), 0);
    }
}

/// One outside the packet in a subprogram ends only that.
#[test]
fn a_packet_load_in_a_subprogram() {
    let text = "r6 = r1\ncall f\nr0 += 7\nexit\nf: r6 = r1\nr0 = *(u8 *)skb[4]\nr0 += 100\nexit";
    for options in variants() {
        let mut build = Build::asm(text);
        build.hooks.load_packet = load_packet;
        let both = Both::new(build, &options);
        assert_eq!((both.jit(5, 0), both.interp(5, 0)), (111, 111));
        assert_eq!((both.jit(4, 0), both.interp(4, 0)), (7, 7));
    }
}

/// A helper whose format string speaks of more arguments than its prototype.
#[test]
fn trace_printk_gets_every_register() {
    let text = "r1 = 1\nr2 = 2\nr3 = 3\nr4 = 4\nr5 = 5\ncall 6\nexit";
    for options in variants() {
        let linked = Build::asm(text).helper(id::TRACE_PRINTK, 2, body(mix)).link();
        for image in images(&linked, &options) {
            assert_eq!(run(&image, 0, 0), mixed([1, 2, 3, 4, 5]));
        }
    }
}

/// `bpf_loop` with r1 rounds, whose callback stops in round r2 and sums the
/// rounds in its caller's frame.
const LOOP: &str = "r6 = r2
    *(u64 *)(r10 - 8) = 0
    *(u64 *)(r10 - 16) = r6
    r2 = subprog[round]
    r3 = r10
    r3 += -16
    r4 = 0
    call bpf_loop
    r1 = *(u64 *)(r10 - 8)
    r1 <<= 32
    r0 += r1
    r0 += r6
    exit
    round:
    r3 = *(u64 *)(r2 + 8)
    r3 += r1
    *(u64 *)(r2 + 8) = r3
    r4 = *(u64 *)(r2 + 0)
    r0 = 0
    if r1 != r4 goto +1
    r0 = 1
    exit";

#[test]
fn rounds_of_a_callback() {
    let sum = |to: u64| (to * (to + 1) / 2) << 32;
    let build = || Build::new(assemble_with(LOOP, &KernelNames).unwrap().code).kernel_helper(id::LOOP);
    for options in variants() {
        let both = Both::new(build(), &options);
        for (rounds, stop, want) in [
            (0, 0, 0),
            (1, 5, 1 + sum(0) + 5),
            (10, 100, 10 + sum(9) + 100),
            (10, 4, 5 + sum(4) + 4),
            ((1 << 32) + 3, 9, 3 + sum(2) + 9),
            ((8 << 20) + 1, 2, 0xffff_fff9 + 2),
        ] {
            assert_eq!(both.jit(rounds, stop), want, "{rounds} {stop} {options:?}");
            assert_eq!(both.interp(rounds, stop), want, "{rounds} {stop}");
        }
    }
}
