//! `check`.

mod common;

use common::{brolga, run_with, stdout};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// The answers to these lines, which are as many.
fn answers(lines: &[String]) -> Vec<Value> {
    let output = run_with(&["check"], (lines.join("\n") + "\n").as_bytes());
    let text = stdout(&output, 0);
    let answers: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(answers.len(), lines.len(), "{text}");
    answers
}

fn answer(request: &Value) -> Value {
    answers(&[request.to_string()]).remove(0)
}

const RETURN_42: &str = "b70000002a0000009500000000000000";

fn request(insns: &str) -> Value {
    json!({
        "id": 7, "prog_type": "socket_filter", "license": "GPL", "expected_attach_type": 0, "flags": 0,
        "insns": insns, "maps": [], "map_refs": [], "runs": [{"data": "00".repeat(64)}],
    })
}

#[test]
fn an_accepted_program_runs_on_both_engines() {
    let mut asked = request(RETURN_42);
    asked["runs"][0]["repeat"] = json!(100);
    let answer = answer(&asked);
    assert_eq!((&answer["id"], &answer["verdict"]), (&json!(7), &json!("accept")));
    assert_eq!(answer["insns_processed"], 2);
    assert!(answer["verify_us"].as_f64().unwrap() > 0.0 && answer["compile_us"].as_f64().unwrap() > 0.0);
    let run = &answer["runs"][0];
    assert_eq!((&run["interp"], &run["jit"]), (&json!(42), &json!(42)));
    assert!(run["ns"].as_f64().unwrap() > 0.0);
}

#[test]
fn engines_are_as_asked() {
    let mut asked = request(RETURN_42);
    asked["engines"] = json!(["interp"]);
    let answer = answer(&asked);
    assert_eq!(answer["runs"], json!([{"interp": 42, "jit": null, "ns": null}]));
    assert!(answer.get("compile_us").is_none());
}

#[test]
fn processors_are_as_asked() {
    // call 8; if r0 <= 1 goto +1; r0 = *(u8 *)(r0 +0); r0 = 0; exit
    let insns = "8500000008000000b50001000100000071000000000000\
                 00b7000000000000009500000000000000";
    let mut asked = json!({"prog_type": "xdp", "insns": insns});
    assert_eq!(answer(&asked)["verdict"], "reject");
    asked["processors"] = json!(3);
    assert_eq!(answer(&asked)["verdict"], "reject");
    asked["processors"] = json!(2);
    assert_eq!(answer(&asked)["verdict"], "accept");
}

#[test]
fn a_rejection_says_where_and_why() {
    // r0 is not set.
    let answer = answer(&request("9500000000000000"));
    assert_eq!(answer["verdict"], "reject");
    let expected = json!({"stage": "verify", "insn": 0, "kind": "Unreadable", "message": "R0 !read_ok"});
    assert_eq!(answer["error"], expected);
    assert_eq!(answer["runs"], json!([]));
    let answer = self::answer(&request("ff00000000000000"));
    assert_eq!(answer["error"]["stage"], "decode");
    assert_eq!(answer["error"]["message"], "unknown opcode ff");
}

#[test]
fn bad_lines_are_answered_and_do_not_end_it() {
    let good = request(RETURN_42).to_string();
    let bad = ["", "{", "[]", "7", "{}", r#"{"id": 3, "prog_type": 1}"#, "\u{1F980}", "null"];
    let lines: Vec<String> = bad.iter().flat_map(|bad| [(*bad).to_owned(), good.clone()]).collect();
    for (index, answer) in answers(&lines).iter().enumerate() {
        if index % 2 == 1 {
            assert_eq!(answer["verdict"], "accept", "{answer}");
        } else {
            assert_eq!(answer["verdict"], "unsupported", "{answer}");
            assert_eq!(answer["error"]["stage"], "request", "{answer}");
            assert_eq!(answer["line"], index + 1, "{answer}");
        }
    }
    let id = answers(&[r#"{"id": "x", "prog_type": 1}"#.to_owned()]);
    assert_eq!(id[0]["id"], "x");
}

#[test]
fn requests_that_contradict_themselves_are_bad() {
    let change = |path: &str, value: Value| {
        let mut asked = request(RETURN_42);
        asked[path] = value;
        answer(&asked)
    };
    let array = json!({"type": "array", "key_size": 4, "value_size": 8, "max_entries": 1});
    let mut short = array.clone();
    short["init"] = json!("00");
    for (path, value) in [
        ("insns", json!("zz")),
        ("insns", json!("0")),
        ("map_refs", json!([{"insn": 0, "map": 0}])),
        ("map_refs", json!([{"insn": 18446744073709551615u64, "map": 0}])),
        ("engines", json!(["none"])),
        ("maps", json!([short])),
        ("maps", json!([array, {}])),
    ] {
        let answer = change(path, value);
        assert_eq!(answer["error"]["stage"], "request", "{path}: {answer}");
        assert_eq!(answer["id"], 7);
    }
}

#[test]
fn what_there_is_no_rule_for_is_unsupported() {
    let mut asked = request(RETURN_42);
    asked["prog_type"] = json!("no_such_type");
    assert_eq!(answer(&asked)["verdict"], "unsupported");
    let mut asked = request(RETURN_42);
    asked["maps"] = json!([{"type": "no_such_map", "key_size": 4, "value_size": 4, "max_entries": 1}]);
    assert_eq!(answer(&asked)["verdict"], "unsupported");
}

#[test]
fn maps_start_as_asked_for_on_every_engine() {
    let text = "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[fd:0]\ncall map_lookup_elem\n\
        if r0 != 0 goto +2\nr0 = 0\nexit\nr1 = r0\nr0 = *(u8 *)(r1 + 0)\nr0 += 1\n*(u8 *)(r1 + 0) = r0\nexit";
    let mut asked = request(&assembled(text));
    asked["maps"] = json!([{"type": "array", "key_size": 4, "value_size": 8, "max_entries": 1,
        "init": "0900000000000000"}]);
    asked["map_refs"] = json!([{"insn": 3, "map": 0}]);
    asked["runs"] = json!([{"data": "00".repeat(64)}, {"data": "00".repeat(64)}]);
    let answer = answer(&asked);
    assert_eq!(answer["verdict"], "accept", "{answer}");
    let runs: Vec<_> = answer["runs"].as_array().unwrap().iter().map(|r| (&r["interp"], &r["jit"])).collect();
    assert_eq!(runs, [(&json!(10), &json!(10)), (&json!(11), &json!(11))]);
}

#[test]
fn program_arrays_are_filled() {
    let text = "r2 = map[fd:0]\nr3 = 1\ncall tail_call\nr0 = 1\nexit";
    let mut asked = request(&assembled(text));
    asked["maps"] = json!([{"type": "prog_array", "key_size": 4, "value_size": 4, "max_entries": 4,
        "programs": [{"slot": 1, "insns": RETURN_42}]}]);
    asked["map_refs"] = json!([{"insn": 0, "map": 0}]);
    let answer = answer(&asked);
    assert_eq!(answer["runs"][0]["interp"], 42, "{answer}");
    assert_eq!(answer["runs"][0]["jit"], 42, "{answer}");
}

#[test]
fn maps_that_can_not_be_created_are_verified_against() {
    let mut asked = request(RETURN_42);
    asked["maps"] = json!([{"type": "ringbuf", "key_size": 0, "value_size": 0, "max_entries": 4096},
        {"type": "sockmap", "key_size": 4, "value_size": 4, "max_entries": 1}]);
    let answer = answer(&asked);
    assert_eq!(answer["verdict"], "accept", "{answer}");
    assert!(answer["run_error"].as_str().unwrap().contains("map"), "{answer}");
    assert_eq!(answer["runs"], json!([{"interp": null, "jit": null, "ns": null}]));
}

#[test]
fn what_is_only_described_takes_no_memory() {
    let mut asked = request(RETURN_42);
    asked["maps"] = json!([{"type": "array", "key_size": 4, "value_size": u32::MAX, "max_entries": 1,
        "flags": 0x80, "frozen": true}]);
    let answer = answer(&asked);
    assert_eq!(answer["verdict"], "accept", "{answer}");
    assert!(answer["run_error"].as_str().unwrap().contains("over the limit"), "{answer}");
}

#[test]
fn memory_is_given_to_programs_of_type_raw() {
    let mut asked = request(&assembled("r0 = *(u64 *)(r1 + 0)\nr0 += r2\nexit"));
    asked["prog_type"] = json!("raw");
    asked["mem_size"] = json!(8);
    asked["runs"] = json!([{"data": "0100000000000000"}, {"data": "01"}]);
    let answer = answer(&asked);
    assert_eq!((&answer["runs"][0]["interp"], &answer["runs"][0]["jit"]), (&json!(9), &json!(9)), "{answer}");
    assert_eq!(answer["runs"][1]["jit"], Value::Null);
    assert!(answer["run_error"].as_str().unwrap().contains("8"), "{answer}");
}

#[test]
fn an_answer_comes_before_the_next_request() {
    let mut child = brolga(&["check"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        writeln!(stdin, "{}", request(RETURN_42)).unwrap();
        assert!(answers.next().unwrap().unwrap().contains("accept"));
    }
    drop(stdin);
    assert!(answers.next().is_none() && child.wait().unwrap().success());
}

#[test]
fn a_reader_that_leaves_ends_it() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = brolga(&["check"]).stdin(Stdio::piped()).stdout(writer).spawn().unwrap();
    _ = writeln!(child.stdin.take().unwrap(), "{}", request(RETURN_42));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

fn assembled(text: &str) -> String {
    stdout(&run_with(&["asm", "-"], text.as_bytes()), 0).replace('\n', "")
}

/// What the kernel learns from types alone is nothing that a map without them has.
#[test]
fn a_map_that_needs_types_is_none_without_them() {
    // r1 = map[0]; r0 = 42; exit
    let mut asked = request(&format!("18110000{}{}{RETURN_42}", "00".repeat(4), "00".repeat(8)));
    asked["prog_type"] = json!("sched_cls");
    let map = json!({"type": "array", "key_size": 4, "value_size": 8, "max_entries": 1, "spin_lock_off": 4});
    let storage = json!({"type": "sk_storage", "key_size": 4, "value_size": 8, "max_entries": 0, "flags": 1});
    for map in [map, storage] {
        asked["maps"] = json!([map]);
        asked["map_refs"] = json!([{"insn": 0, "map": 0}]);
        let refused = answer(&asked);
        assert_eq!(refused["verdict"], "reject");
        let message = "fd -1 is not pointing to valid bpf_map";
        assert_eq!(refused["error"], json!({"stage": "map", "insn": 0, "kind": "NoBtf", "message": message}));
        asked["maps"][0]["btf"] = json!(true);
        assert_eq!(answer(&asked)["verdict"], "accept");
    }
}
