//! How long compiling takes, and the code that comes of it.
//!
//! ```text
//! cargo run --release -p brolga-jit --example measure -- [--list] [--dump] benches/programs/*.o
//! ```
//!
//! For each object the instructions of its `raw` section, the time to compile
//! and to publish them, and the size of the code; then the geometric mean, and
//! what an empty call costs. `--list` prints the machine code too, `--dump`
//! writes it to NAME.o.bin in the current directory. An object
//! whose code needs relocating is left out: that is what loading an object is
//! for.
#![expect(unsafe_code, reason = "facts vouched for by hand, and a call of machine code")]

use brolga_core::facts::{Facts, InsnFacts, Region, Subprog, Ways};
use brolga_core::link::{Hooks, Links, RunState};
use brolga_core::prog_type::table;
use brolga_core::{Aux, Code, Linked, Pc, Program, Verified};
use brolga_jit::{Listing, Options, compile};
use object::{Object, ObjectSection};
use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

unsafe extern "C-unwind" fn no_packet(_: u64, _: i64, _: u64) -> i64 {
    -1
}

unsafe extern "C-unwind" fn no_target(_: *mut RunState, _: u64, _: u64) -> u64 {
    0
}

unsafe extern "C-unwind" fn processor(_: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    0
}

const HOOKS: Hooks = Hooks {
    load_packet: no_packet,
    tail_call: no_target,
    tail_run: no_target,
    next_elem: no_elem,
    processor,
    processors: 1,
};

/// The bytes of the `raw` section, where they can be used as they are.
fn section(object: &[u8]) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let file = object::File::parse(object)?;
    let Some(section) = file.section_by_name("raw") else { return Ok(None) };
    if section.relocations().next().is_some() {
        return Ok(None);
    }
    Ok(Some(section.data()?.to_vec()))
}

/// A program of one function of which everything is reached.
fn link(bytes: &[u8]) -> Result<Linked, Box<dyn Error>> {
    let code = Code::decode(bytes)?;
    let row = InsnFacts {
        reached: true,
        region: Some(Region::Other),
        ways: Ways { taken: true, falls_through: true },
        ..InsnFacts::default()
    };
    let main = Subprog { start: Pc::START, end: code.end(), stack: 512, reads_uninit_stack: false };
    let facts = Facts { insns: vec![row; code.len()].into(), subprogs: vec![main] };
    let prog_type = table::by_name("raw").ok_or("no program type raw")?;
    let program = Program { code, aux: Aux::new(prog_type) };
    let links = Links { helper: &|_| None, maps: &[], hooks: HOOKS };
    // SAFETY: it is compiled, never run but where this file made it.
    Ok(unsafe { Verified::assume(program, facts) }.link(&links)?)
}

/// The shortest of several rounds.
fn best(mut round: impl FnMut()) -> Duration {
    let mut time = || {
        let start = Instant::now();
        round();
        start.elapsed()
    };
    (0..50).map(|_| time()).min().unwrap_or_default()
}

fn empty_call() -> Result<f64, Box<dyn Error>> {
    let code = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
    let image = compile(&link(&code)?, &Options::default())?.publish()?;
    let (entry, mut state) = (image.entry(), RunState::default());
    let calls = 1_000_000;
    let time = best(|| {
        for i in 0..calls {
            // SAFETY: the program looks at nothing.
            black_box(unsafe { entry(black_box(i), 0, &mut state) });
        }
    });
    Ok(time.as_secs_f64() * 1e9 / calls as f64)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (mut logs, mut count) = (0.0, 0);
    let asked = |what: &str| std::env::args().any(|arg| arg == what);
    let (list, dump) = (asked("--list"), asked("--dump"));
    println!(
        "{:24} {:>6} {:>10} {:>8} {:>10} {:>6}",
        "program", "insns", "compile", "per insn", "publish", "bytes"
    );
    for path in std::env::args().skip(1).filter(|arg| !arg.starts_with("--")) {
        let Some(bytes) = section(&std::fs::read(&path)?)? else { continue };
        let (linked, options) = (link(&bytes)?, Options::default());
        let insns = linked.exec().code.len();
        let compiled = compile(&linked, &options)?;
        let time = best(|| drop(black_box(compile(&linked, &options))));
        let both = best(|| drop(black_box(compiled.clone().publish())));
        let (micros, per) = (time.as_secs_f64() * 1e6, time.as_secs_f64() * 1e6 / insns as f64);
        let name = path.rsplit('/').next().unwrap_or(&path);
        println!(
            "{name:24} {insns:6} {micros:7.1} us {per:8.2} {:7.1} us {:6}",
            both.as_secs_f64() * 1e6,
            compiled.code().len()
        );
        if dump {
            std::fs::write(format!("{name}.bin"), compiled.code())?;
        }
        if list {
            let options = Options { listing: Listing::NATIVE, ..options };
            println!("{}", compile(&linked, &options)?.listings().native);
        }
        (logs, count) = (logs + micros.ln(), count + 1);
    }
    println!(
        "geometric mean: {:.1} us; an empty call: {:.2} ns",
        (logs / f64::from(count)).exp(),
        empty_call()?
    );
    Ok(())
}

unsafe extern "C-unwind" fn no_elem(_: u64, _: *mut u64, _: *mut u8) -> u64 {
    0
}
