//! What a call of a program costs, and a call of a helper from one.

use super::Plan;
use crate::calls::{CALLS, EMPTY, HELPER, calling, rbpf_run};
use crate::timing::{Runs, runs, shortest};
use brolga::{Engine, EngineKind, Gpl, Load, Packet, ProgramType};

fn ours(code: &[u8]) -> Runs {
    let same = ProgramType::builder("same").memory().helper(HELPER, "same", Gpl::Any, |a: u64| a);
    let same = same.build().expect("a program type");
    let load = Load::new().mem_size(8).engine(EngineKind::Jit);
    let program = Engine::new().load(&same, code, load).expect("a program");
    runs(move |memory| program.run_mem(memory).unwrap_or(u64::MAX))
}

fn theirs(code: &[u8]) -> Runs {
    let mut vm = rbpf::EbpfVmRaw::new(Some(Vec::leak(code.to_vec()))).expect("a program");
    vm.register_helper(HELPER as u32, |a, _, _, _, _| a).expect("a helper");
    vm.jit_compile().expect("a program");
    runs(move |memory| rbpf_run(&vm, memory))
}

/// Our empty program on a packet.
fn on_a_packet() -> Runs {
    let engine = Engine::new();
    let xdp = engine.program_type("xdp").expect("a built-in type");
    let program = engine.load(&xdp, &EMPTY, Load::new()).expect("a program");
    let mut packet = Packet::new(&[0; 64]).expect("a packet");
    runs(move |_| program.run(&mut packet).unwrap_or(u64::MAX))
}

pub(super) fn print(plan: &Plan) {
    let code = calling(HELPER);
    let mut engines = [ours(&EMPTY), theirs(&EMPTY), on_a_packet(), ours(&code), theirs(&code)];
    let times = shortest(&mut engines, &[0; 8], plan.rounds * 4);
    let [empty, rbpf_empty, packet, calls, rbpf_calls] = [0, 1, 2, 3, 4].map(|i| times[i]);
    let each = |all: f64, none: f64| (all - none) / CALLS as f64;
    println!("Calling, in ns.");
    println!("{:28}{:>9}{:>9}", "", "brolga", "rbpf-jit");
    println!("{:28}{empty:9.2}{rbpf_empty:9.2}", "an empty program");
    println!("{:28}{packet:9.2}{:>9}", "an empty program of XDP's", "-");
    println!("{:28}{calls:9.2}{rbpf_calls:9.2}", format!("{CALLS} calls of a helper"));
    println!("{:28}{:9.2}{:9.2}", "each of them", each(calls, empty), each(rbpf_calls, rbpf_empty));
    println!();
}
