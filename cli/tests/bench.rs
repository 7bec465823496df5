//! `bench` on the example objects.

mod common;

use common::{FIREWALL, json, run, stderr, stdout};

#[test]
fn every_engine_is_measured() {
    let report = json(&run(&["bench", FIREWALL, "--program", "firewall", "--json"]), 0);
    assert_eq!(report["program"], "firewall");
    let engines = report["engines"].as_array().unwrap();
    let names: Vec<_> = engines.iter().map(|times| times["engine"].as_str().unwrap()).collect();
    let ours = names.strip_suffix(&["kernel"]).unwrap_or(&names);
    assert_eq!(ours, ["jit", "quick", "interp"]);
    // Either it is measured too, or it is said why not.
    assert_eq!(report["kernel_skipped"].is_null(), names.len() == 4, "{report}");
    for times in &engines[..3] {
        assert!(times["run_ns"].as_f64().unwrap() > 0.0, "{times}");
        assert_eq!(times["code_bytes"] == 0, times["engine"] == "interp", "{times}");
    }
}

#[test]
fn a_line_for_each_engine_of_each_program() {
    let text = stdout(&run(&["bench", FIREWALL, "--program", "pass_all"]), 0);
    assert_eq!(text.lines().filter(|line| line.starts_with("pass_all")).count(), 4, "{text}");
    assert!(stderr(&run(&["bench", FIREWALL, "--packet", "00"]), 2).contains("packet"));
}
