//! Driving the built binary.

#![allow(dead_code, reason = "each test uses a part")]

use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The command, run in the project's folder.
pub(crate) fn brolga(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brolga"));
    command.args(args).current_dir(root()).stdin(Stdio::null());
    command
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// What the command printed and how it ended.
pub(crate) fn run(args: &[&str]) -> Output {
    brolga(args).output().unwrap()
}

/// The same with an input.
pub(crate) fn run_with(args: &[&str], input: &[u8]) -> Output {
    let mut command = brolga(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A command that does not read all of its input closes it: no error here.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

/// What was printed by a command that ended with this code.
pub(crate) fn stdout(output: &Output, code: i32) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "stdout: {out}\nstderr: {err}");
    assert!(!err.contains("panicked at"), "{err}");
    out
}

/// What was complained of by a command that ended with this code.
pub(crate) fn stderr(output: &Output, code: i32) -> String {
    stdout(output, code);
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The JSON report of a command that ended with this code.
pub(crate) fn json(output: &Output, code: i32) -> Value {
    serde_json::from_str(&stdout(output, code)).unwrap()
}

/// A file of this test's own, removed at the end.
pub(crate) struct Temp(pub(crate) PathBuf);

impl Temp {
    pub(crate) fn new(name: &str, contents: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("brolga-cli-{}-{name}", std::process::id()));
        std::fs::write(&path, contents).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

pub(crate) const FIREWALL: &str = "examples/bpf/firewall.o";
pub(crate) const TRAFFIC: &str = "examples/traffic.pcap";
