use super::stack_depth::{Frame, check as check_depth};
use super::*;

/// A program whose subprograms each call the next.
fn chain(length: usize) -> String {
    let link = |i| format!("s{i}: r0 = 0\n call s{}\n exit\n", i + 1);
    let links: String = (0..length - 1).map(link).collect();
    format!("{links} s{}: r0 = 0\n exit", length - 1)
}

fn depth_of(prog_type: &str, text: &str, bytes: &[u32]) -> Result<u32, String> {
    let program = program_of(prog_type, text);
    let structure = check(&program).expect("a structure");
    let frames: Vec<_> = bytes.iter().map(|b| Frame { bytes: *b, runs_later: false }).collect();
    check_depth(&program.aux.prog_type, &structure, &frames).map_err(|r| r.to_string())
}

fn chain_depth(prog_type: &str, bytes: &[u32]) -> Result<u32, String> {
    depth_of(prog_type, &chain(bytes.len()), bytes)
}

/// All of these were asked of Linux 6.18.
#[test]
fn chains_fit_512_bytes() {
    let large = |calls, bytes| Err(format!("combined stack size of {calls} calls is {bytes}. Too large"));
    assert_eq!(chain_depth("socket_filter", &[16, 496]), Ok(512));
    assert_eq!(chain_depth("socket_filter", &[8, 496]), Ok(512));
    assert_eq!(chain_depth("socket_filter", &[8, 504]), large(2, 528));
    assert_eq!(chain_depth("socket_filter", &[264, 256]), large(2, 528));
    assert_eq!(chain_depth("socket_filter", &[512, 512]), large(2, 1024));
    assert_eq!(chain_depth("socket_filter", &[64; 8]), Ok(512));
    assert_eq!(chain_depth("socket_filter", &[72; 8]), large(7, 560));
    assert_eq!(chain_depth("socket_filter", &[480, 0, 0, 0, 16, 16, 0, 0]), Ok(512));
    assert_eq!(chain_depth("socket_filter", &[480, 0, 0, 0, 16, 16, 0, 8]), large(8, 528));
}

#[test]
fn some_kinds_have_private_stacks() {
    for kind in ["kprobe", "tracepoint", "perf_event", "raw_tracepoint"] {
        assert_eq!(chain_depth(kind, &[400; 8]), Ok(0));
        assert_eq!(chain_depth(kind, &[56, 512, 56, 512, 56, 56, 56, 56]), Ok(0));
    }
    assert_eq!(chain_depth("kprobe", &[48, 512, 48]), Ok(96));
}

#[test]
fn chains_have_at_most_8_frames() {
    let deep = Err("the call stack of 8 frames is too deep !".to_owned());
    assert_eq!(chain_depth("socket_filter", &[0; 8]), Ok(0));
    assert_eq!(chain_depth("socket_filter", &[0; 9]), deep);
    let circle = "r0 = 0\n call a\n exit\n a: call a\n exit";
    assert_eq!(depth_of("socket_filter", circle, &[0, 0]), deep);
    // The stack runs out before the frames do.
    let words = "combined stack size of 5 calls is 640. Too large";
    assert_eq!(depth_of("socket_filter", circle, &[128, 128]), Err(words.to_owned()));
}

#[test]
fn tail_calls_sit_below_256_bytes() {
    let text = "call s\n exit\n s: call bpf_tail_call\n r0 = 0\n exit";
    let mut program = program(text);
    program.aux.subprog_names.insert(Pc(2), "s".into());
    let structure = check(&program).expect("a structure");
    let depth = |main| {
        let frames = [Frame { bytes: main, ..Frame::default() }, Frame::default()];
        check_depth(&program.aux.prog_type, &structure, &frames).map_err(|r| r.to_string())
    };
    assert_eq!(depth(240), Ok(240));
    let words = "tail_calls are not allowed when call stack of previous frames is 256 bytes. Too large";
    assert_eq!(depth(248), Err(words.to_owned()));
}

/// A callback that runs later starts a chain of its own, and adds to none where
/// only its address is taken.
#[test]
fn later_callbacks_are_chains_of_their_own() {
    let text = "r2 = subprog[c]\n r0 = 0\n exit\n c: call d\n exit\n d: r0 = 0\n exit";
    let program = program(text);
    let structure = check(&program).expect("a structure");
    let depth = |bytes: [u32; 3], runs_later| {
        let frame = |i: usize| Frame { bytes: bytes[i], runs_later: runs_later && i == 1 };
        check_depth(&program.aux.prog_type, &structure, &[frame(0), frame(1), frame(2)])
            .map_err(|r| r.to_string())
    };
    assert_eq!(depth([256, 256, 256], true), Ok(512));
    assert_eq!(depth([256, 256, 0], false), Ok(512));
    let words = |calls, bytes| Err(format!("combined stack size of {calls} calls is {bytes}. Too large"));
    assert_eq!(depth([256, 256, 256], false), words(3, 768));
    assert_eq!(depth([0, 512, 16], true), words(2, 528));
}

/// Chains are many, places where they can be are few.
#[test]
fn many_chains_take_little_time() {
    let callees = 60;
    let calls = |from: usize, to: usize| -> String { (from..to).map(|i| format!("call s{i}\n")).collect() };
    let mut text = format!("r0 = 0\n {}exit\n", calls(0, callees));
    for layer in 0..4 {
        let next =
            if layer == 3 { String::new() } else { calls((layer + 1) * callees, (layer + 2) * callees) };
        (0..callees).for_each(|i| text += &format!("s{}: r0 = 0\n {next}exit\n", layer * callees + i));
    }
    let bytes = vec![16; 1 + 4 * callees];
    assert_eq!(depth_of("socket_filter", &text, &bytes), Ok(80));
}
