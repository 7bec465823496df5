//! `conformance` and `asm`.

mod common;

use common::{Temp, run, run_with, stderr, stdout};

/// A program in text, its memory, and r0.
const VECTORS: [(&str, &str, &str); 8] = [
    ("r0 = 1\nexit", "", "1"),
    ("r0 = -1\nexit", "", "ffffffffffffffff"),
    ("w0 = -1\nexit", "", "ffffffff"),
    ("r0 = 0x1122334455667788 ll\nr0 = be64 r0\nexit", "", "8877665544332211"),
    ("r0 = *(u32 *)(r1 + 1)\nexit", "0102030405", "5040302"),
    ("r0 = r2\nexit", "00 00 00", "3"),
    ("r1 = 7\nr0 = 7\nr1 = 0\nr0 /= r1\nexit", "", "0"),
    (
        "*(u64 *)(r10 - 8) = 5\nr1 = 3\nr1 = atomic64_fetch_add((u64 *)(r10 - 8), r1)\nr0 = *(u64 *)(r10 - 8)\nr0 += r1\nexit",
        "",
        "d",
    ),
];

fn assembled(text: &str, name: &str) -> String {
    let file = Temp::new(name, text.as_bytes());
    stdout(&run(&["asm", file.path()]), 0)
}

#[test]
fn both_engines_give_the_results_of_the_standard() {
    for (text, memory, r0) in VECTORS {
        let code = assembled(text, "vector.s");
        for engine in ["--interp", "--jit"] {
            let output = run_with(&["conformance", memory, engine], code.as_bytes());
            assert_eq!(stdout(&output, 0), format!("{r0}\n"), "{text} {engine}");
        }
        assert_eq!(stdout(&run_with(&["conformance", memory], code.as_bytes()), 0), format!("{r0}\n"));
    }
}

#[test]
fn what_is_rejected_ends_with_1_and_what_is_unreadable_with_2() {
    let unsafe_code = assembled("r0 = *(u8 *)(r1 + 1)\nexit", "unsafe.s");
    let output = run_with(&["conformance", "00"], unsafe_code.as_bytes());
    assert!(stderr(&output, 1).contains("outside of the allowed memory range"), "{output:?}");
    assert_eq!(output.stdout, b"");
    for bad in ["zz", "0", "\u{fffd}"] {
        assert!(!stderr(&run_with(&["conformance"], bad.as_bytes()), 2).is_empty());
    }
    assert!(!stderr(&run_with(&["conformance"], b""), 1).is_empty());
    assert!(!stderr(&run(&["conformance", "--interp", "--jit"]), 2).is_empty());
}

#[test]
fn a_text_with_a_fault_is_shown() {
    let file = Temp::new("fault.s", b"r0 = 0\nr0 += r11\nexit\n");
    let said = stderr(&run(&["asm", file.path()]), 1);
    assert!(said.contains("fault.s:2:7") && said.contains("r0 += r11"), "{said}");
}

#[test]
fn bytes_are_written() {
    let (file, out) = (Temp::new("ok.s", b"r0 = 2\nexit\n"), Temp::new("ok.bin", b""));
    assert_eq!(stdout(&run(&["asm", file.path(), "-o", out.path()]), 0), "");
    let bytes = std::fs::read(&out.0).unwrap();
    assert_eq!(bytes, [0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(run(&["asm", file.path(), "-o", "-"]).stdout, bytes);
}
