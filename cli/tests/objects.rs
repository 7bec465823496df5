//! `verify`, `disasm`, `run` on the example objects.

mod common;

use common::{FIREWALL, TRAFFIC, Temp, brolga, json, run, stderr, stdout};
use serde_json::Value;
use std::process::Stdio;

const OBJECTS: [&str; 5] = ["firewall", "flows", "filter", "rewrite", "legacy"];

fn object(name: &str) -> String {
    format!("examples/bpf/{name}.o")
}

#[test]
fn every_example_is_accepted() {
    for name in OBJECTS {
        let report = json(&run(&["verify", "--json", &object(name)]), 0);
        for program in report["programs"].as_array().unwrap() {
            assert_eq!(program["verdict"], "accept", "{program}");
            assert!(program["insns_processed"].as_u64().unwrap() > 0, "{program}");
        }
    }
    let text = stdout(&run(&["verify", FIREWALL, "--program", "pass_all"]), 0);
    assert!(text.starts_with("pass_all (xdp): accept, "), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn a_raw_program_is_verified_for_the_memory_that_it_is_given() {
    let sort = "benches/programs/bubble_sort.o";
    let text = stdout(&run(&["verify", sort, "--mem-size", "128"]), 0);
    assert!(text.starts_with("entry (raw): accept, "), "{text}");
    let report = json(&run(&["verify", sort, "--mem-size", "64", "--json"]), 1);
    assert_eq!(report["programs"][0]["verdict"], "reject", "{report}");
}

#[test]
fn every_example_is_disassembled_and_assembled_again() {
    for name in OBJECTS {
        let report = json(&run(&["disasm", "--json", &object(name)]), 0);
        for program in report["programs"].as_array().unwrap() {
            let text = program["text"].as_str().unwrap();
            let file = Temp::new(&format!("{name}.s"), text.as_bytes());
            let assembled = stdout(&run(&["asm", file.path()]), 0);
            assert!(assembled.ends_with("9500000000000000\n") || text.contains("subprog_"), "{program}");
        }
    }
    let text = stdout(&run(&["disasm", FIREWALL]), 0);
    assert!(text.contains("; program firewall, section xdp") && text.contains("firewall.c:"), "{text}");
}

#[test]
fn the_intermediate_representation_is_shown() {
    let text = stdout(&run(&["disasm", "--ir", FIREWALL, "--program", "firewall"]), 0);
    assert!(text.contains("function ") && text.contains("block0"), "{text}");
}

#[test]
fn native_code_stands_under_its_source() {
    let text = stdout(&run(&["disasm", "--native", FIREWALL, "--program", "firewall"]), 0);
    assert!(
        text.contains("\nfirewall:\n") && (text.contains("(data)") || cfg!(not(target_arch = "aarch64"))),
        "{text}"
    );
    let mut before = text.lines().skip_while(|line| !line.contains("; insn ")).skip(1);
    assert!(before.next().unwrap().contains(":  "), "{text}");
    // A call, its source line before it and its instruction.
    let call = text.lines().position(|line| line.contains("; insn ") && line.contains(": call subprog_"));
    let call = call.unwrap_or_else(|| panic!("{text}"));
    let source = text.lines().take(call).filter(|line| line.contains("firewall.c:")).last();
    assert!(source.is_some_and(|line| line.contains("count(")), "{source:?}");
    let machine: Vec<&str> = text.lines().skip(call + 1).take_while(|line| !line.contains(';')).collect();
    let name = if cfg!(target_arch = "aarch64") { "bl" } else { "call" };
    assert!(machine.iter().any(|line| line.contains(name)), "{machine:?}");
}

#[test]
fn the_firewall_runs_over_the_trace() {
    let drop_port = "blocked_ports:00170600=0000000000000000";
    let drop_host = "blocked_v4:cb007142=0000000000000000";
    let args = |engine| {
        let map = ["--map", drop_port, "--map", drop_host];
        [&["run", FIREWALL, "--pcap", TRAFFIC, "--json", "--engine", engine][..], &map].concat()
    };
    let reports = ["jit", "interp"].map(|engine| json(&run(&args(engine)), 0));
    let [jit, interp] = &reports;
    assert_eq!(jit["verdicts"], interp["verdicts"]);
    assert_eq!(jit["maps"], interp["maps"]);
    assert_eq!(jit["packets"], 1295);
    assert!(jit["verdicts"]["drop"].as_u64().unwrap() > 0 && jit["verdicts"]["pass"].as_u64().unwrap() > 900);
    let runs: u64 = jit["verdicts"].as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum();
    assert_eq!(jit["runs"], runs);
    let hits = element(jit, "blocked_ports", "00170600");
    assert!(hits["value_number"].as_u64().unwrap() > 0, "{hits}");
}

fn element<'a>(report: &'a Value, map: &str, key: &str) -> &'a Value {
    let named = |value: &&Value, field: &str, name: &str| value[field] == name;
    let map = report["maps"].as_array().unwrap().iter().find(|m| named(m, "name", map)).unwrap();
    map["elements"].as_array().unwrap().iter().find(|e| named(e, "key", key)).unwrap()
}

#[test]
fn what_passes_is_written_and_can_be_run_on() {
    let out = Temp::new("passed.pcap", b"");
    let args = ["run", FIREWALL, "--pcap", TRAFFIC, "--out", out.path(), "--json"];
    let first = json(&run(&args), 0);
    let again = json(&run(&["run", FIREWALL, "--pcap", out.path(), "--json", "--program", "pass_all"]), 0);
    assert_eq!(again["packets"], first["verdicts"]["pass"]);
    assert_eq!(again["verdicts"]["pass"], first["verdicts"]["pass"]);
}

#[test]
fn packets_may_be_typed_and_repeated() {
    let packet = "ffffffffffff 020000000001 0800".to_owned() + &"00".repeat(46);
    let text =
        stdout(&run(&["run", FIREWALL, "--program", "pass_all", "--packet", &packet, "--repeat", "3"]), 0);
    assert!(text.starts_with("pass_all (xdp, Jit): 1 packets, 3 runs, "), "{text}");
    assert!(text.contains("       3  pass\n"), "{text}");
}

#[test]
fn socket_filters_see_the_frame_from_its_ethernet_header_on() {
    for engine in ["jit", "interp"] {
        let report =
            json(&run(&["run", "examples/bpf/filter.o", "--pcap", TRAFFIC, "--json", "--engine", engine]), 0);
        let accepted = report["verdicts"]["accept"].as_u64().unwrap();
        assert!(accepted > 0 && accepted < 1295, "{report}");
        assert_eq!(report["runs"], 1295);
    }
}

#[test]
fn a_frame_that_is_no_packet_is_skipped() {
    let report = json(&run(&["run", FIREWALL, "--json", "--program", "pass_all", "--packet", "0102"]), 0);
    assert_eq!(report["runs"], 0);
    assert_eq!(report["skipped"].as_object().unwrap().values().next().unwrap(), 1);
}

#[test]
fn bad_usage_and_unreadable_input_end_with_2() {
    let no_object = Temp::new("empty.o", b"");
    let cases: &[&[&str]] = &[
        &[],
        &["nothing"],
        &["run"],
        &["run", FIREWALL],
        &["run", "no/such/file.o", "--packet", "00"],
        &["run", no_object.path(), "--packet", "00"],
        &["run", FIREWALL, "--packet", "0"],
        &["run", FIREWALL, "--packet", "zz"],
        &["run", FIREWALL, "--program", "nobody", "--packet", "00"],
        &["run", FIREWALL, "--pcap", "no/such.pcap"],
        &["run", FIREWALL, "--pcap", FIREWALL],
        &["run", FIREWALL, "--pcap", TRAFFIC, "--map", "nobody:00=00"],
        &["run", FIREWALL, "--pcap", TRAFFIC, "--map", "counters:00=00"],
        &["run", FIREWALL, "--pcap", TRAFFIC, "--map", "counters"],
        &["run", FIREWALL, "--pcap", TRAFFIC, "--repeat", "0"],
        &["verify", TRAFFIC],
        &["verify", FIREWALL, "--program", "nobody"],
        &["verify", FIREWALL, "--log", "3"],
        &["disasm", "no/such/file.o"],
        &["asm", "no/such/file.s"],
        &["helpers", "--type", "nothing"],
    ];
    for case in cases {
        assert!(!stderr(&run(case), 2).is_empty(), "{case:?}");
    }
}

#[test]
fn every_command_has_help() {
    for command in ["run", "verify", "disasm", "asm", "check", "conformance", "helpers"] {
        assert!(stdout(&run(&[command, "--help"]), 0).contains("Usage: brolga"), "{command}");
    }
    assert!(stdout(&run(&["--help"]), 0).contains("Exit codes"));
}

#[test]
fn a_closed_output_is_no_panic() {
    for args in [&["disasm", FIREWALL][..], &["helpers"], &["verify", FIREWALL], &["--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = brolga(args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some() && !said.contains("panicked"), "{args:?}: {said}");
    }
}

#[test]
fn helpers_are_listed() {
    let all = stdout(&run(&["helpers"]), 0);
    let xdp = stdout(&run(&["helpers", "--type", "xdp"]), 0);
    assert!(all.lines().count() > 200 && all.contains("map_lookup_elem"));
    assert!(xdp.contains("xdp_adjust_head") && xdp.lines().count() < all.lines().count());
}
