//! A program in the live kernel, through `BPF_PROG_TEST_RUN`. Nothing is
//! attached.

use super::{ROUNDS, Times};
use brolga::core::{Code, MapDef};
use brolga::object::{Object, ObjectProgram};
use brolga::{Engine, MapFlags};
use brolga_kernel::{Kernel, Loaded, Request};
use std::time::Duration;

/// How often the kernel loads the program: that may take it a second.
const LOADS: usize = 3;

/// The shortest packet that the kernel runs a program on, in bytes.
const SHORTEST: usize = 14;

/// `r0 = 0; exit`
const EMPTY: [u8; 16] = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];

/// What the kernel takes; or why that is not known, for instance because its
/// first run has another result than ours.
pub(super) fn times(
    kernel: Kernel,
    object: &Object,
    program: &ObjectProgram,
    packet: &[u8],
    ours: Option<u64>,
) -> Result<Times, &'static str> {
    let section = Engine::new().section_type(program.section()).ok_or("no kind of program")?;
    let number = section.prog_type.description().number.ok_or("it has no such kind of program")?;
    let malformed = |_| "the object is malformed";
    let code = Code::decode(&program.insns().map_err(malformed)?).map_err(|_| "no instructions")?;
    let used = || program.maps().map_err(malformed).map(|maps| maps.iter().map(|map| &object.maps()[*map]));
    let maps: Vec<MapDef> = used()?.map(|map| map.def.clone()).collect();
    let request = Request {
        prog_type: number,
        code: &code,
        license: object.license(),
        attach: section.attach,
        flags: section.flags.bits(),
        maps: &maps,
        log: 0,
    };
    let funcs = program.func_info().map_err(malformed)?;
    let load =
        || kernel.load_with(&request, funcs).ok().and_then(|verdict| Some((verdict.loaded?, verdict.took)));
    let loads: Vec<_> = (0..LOADS).filter_map(|_| load()).collect();
    let took = loads.iter().map(|(_, took)| *took).min().ok_or("it does not load the program")?;
    let (loaded, _) = &loads[0];
    for (at, map) in used()?.enumerate() {
        if let Some(contents) = map.contents.as_ref().filter(|_| !map.def.flags.contains(MapFlags::RDONLY)) {
            loaded.update(at, &0u32.to_ne_bytes(), contents).map_err(|_| "a map can not be filled")?;
        }
    }
    let result = loaded.run(packet).ok().map(|ran| u64::from(ran.retval));
    if result.is_some() && ours.is_some() && result != ours {
        return Err("it gives another result");
    }
    let run_ns = net(kernel, number, loaded, packet);
    Ok(Times {
        engine: "kernel",
        verify_us: took.as_secs_f64() * 1e6,
        compile_us: None,
        code_bytes: None,
        run_ns,
    })
}

/// One run without what the kernel's loop takes around it, in nanoseconds.
fn net(kernel: Kernel, number: u32, loaded: &Loaded, packet: &[u8]) -> Option<f64> {
    let mut packet = packet.to_vec();
    packet.resize(packet.len().max(SHORTEST), 0);
    let code = Code::decode(&EMPTY).ok()?;
    let request =
        Request { prog_type: number, code: &code, license: "GPL", attach: 0, flags: 0, maps: &[], log: 0 };
    let empty = kernel.load(&request).ok()?.loaded?;
    let once = shortest(loaded, &packet, 1)?;
    let times = (200_000.0 / once.max(1.0)).clamp(1.0, f64::from(1 << 20)) as u32;
    // Both with the same count: a part of the loop is done once for all runs.
    let [mut full, mut around] = [f64::MAX; 2];
    for _ in 0..ROUNDS {
        full = full.min(shortest(loaded, &packet, times)?);
        around = around.min(shortest(&empty, &packet, times)?);
    }
    Some((full - around).max(0.0))
}

/// What one of so many runs takes, in nanoseconds, as the kernel says.
fn shortest(program: &Loaded, packet: &[u8], times: u32) -> Option<f64> {
    let (_, each) = program.run_often(packet, times).ok()?;
    Some(Duration::as_secs_f64(&each) * 1e9)
}
