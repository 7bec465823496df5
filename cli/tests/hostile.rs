//! Damaged files end with a message and a code, never a panic.

mod common;

use common::{FIREWALL, TRAFFIC, Temp, run};

fn read(path: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The command ends with one of the codes that there are, and without a panic.
fn survives(args: &[&str], what: &str) {
    let output = run(args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0..=2)), "{what}: {:?} {said}", output.status);
    assert!(!said.contains("panicked at"), "{what}: {said}");
}

#[test]
fn truncated_objects() {
    let whole = read(FIREWALL);
    for part in 0..24 {
        let len = whole.len() * part / 24;
        let file = Temp::new("cut.o", &whole[..len]);
        survives(&["verify", file.path()], &format!("{len} bytes"));
    }
}

#[test]
fn damaged_objects() {
    let whole = read("examples/bpf/filter.o");
    // Knuth's generator: the same places in every run.
    let mut random = 1u64;
    for round in 0..40 {
        let mut damaged = whole.clone();
        for _ in 0..8 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let at = (random >> 33) as usize % damaged.len();
            damaged[at] = (random >> 20) as u8;
        }
        let file = Temp::new("damaged.o", &damaged);
        survives(&["verify", file.path(), "--json"], &format!("round {round}"));
    }
}

#[test]
fn truncated_captures() {
    let whole = read(TRAFFIC);
    for len in [0, 3, 4, 23, 24, 25, 40, 41, 1000] {
        let file = Temp::new("cut.pcap", &whole[..len]);
        let output = run(&["run", FIREWALL, "--program", "pass_all", "--pcap", file.path()]);
        let expected = if len == 24 { 0 } else { 2 };
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(expected), "{len} bytes: {said}");
    }
}
