//! Running what was accepted, on every engine from the same start.

use super::Stage;
use super::answer::{Answer, RunAnswer};
use super::batch;
use super::program::{Prepared, PreparedMap, fd};
use super::request::{Engine as EngineName, Request, Run};
use crate::hex;
use brolga::core::prog_type::Entry;
use brolga::{Engine, EngineKind, Fd, Load, LoadError, Map, MapError, Packet, Program, RunError, Update};
use std::fmt::Display;

/// Runs the request's program as it asks, and adds what that gave.
///
/// Every engine has maps of its own, so that it starts as the others do.
pub(super) fn add(request: &Request, prepared: &Prepared, answer: &mut Answer, stage: &Stage) {
    answer.runs = vec![RunAnswer::default(); request.runs.len()];
    for name in &request.engines {
        // Without runs, only what compiling costs is of interest.
        if request.runs.is_empty() && *name == EngineName::Interp {
            continue;
        }
        if let Err(why) = on(*name, request, prepared, answer, stage) {
            answer.run_error.get_or_insert(why);
        }
    }
}

fn on(
    name: EngineName,
    request: &Request,
    prepared: &Prepared,
    answer: &mut Answer,
    stage: &Stage,
) -> Result<(), String> {
    let kind = match name {
        EngineName::Interp => EngineKind::Interp,
        EngineName::Jit => EngineKind::Jit,
    };
    stage.set("compile");
    let host = Host::new(kind, request, prepared)?;
    stage.set("run");
    if name == EngineName::Jit {
        answer.compile_us = Some(host.program.stats().compile.as_secs_f64() * 1e6);
    }
    let mut failed = Ok(());
    for (run, given) in request.runs.iter().zip(&mut answer.runs) {
        match once(&host.program, run, name) {
            Ok((retval, ns)) => {
                match name {
                    EngineName::Interp => given.interp = Some(retval),
                    EngineName::Jit => given.jit = Some(retval),
                }
                given.ns = ns.or(given.ns);
            }
            Err(why) => failed = failed.and(Err(why)),
        }
    }
    failed
}

/// A program and what it needs.
struct Host {
    program: Program,
    /// Held, so that its program arrays stay filled.
    _maps: Vec<Map>,
}

impl Host {
    fn new(kind: EngineKind, request: &Request, prepared: &Prepared) -> Result<Self, String> {
        let engine = Engine::new();
        let maps: Vec<Map> =
            prepared.maps.iter().map(|map| create(&engine, map)).collect::<Result<_, _>>()?;
        let load = || {
            let load = Load::new().license(&request.license).attach_type(request.expected_attach_type);
            let load = load.flags(prepared.flags).mem_size(request.mem_size).engine(kind);
            maps.iter().enumerate().fold(load, |load, (index, map)| load.map_at(Fd(fd(index)), map))
        };
        let failed = |what: &str, error: LoadError| format!("{what}: {}: {error}", error.stage());
        for (map, prepared_map) in maps.iter().zip(&prepared.maps) {
            for slot in &prepared_map.programs {
                let target = engine.load(&prepared.prog_type, &slot.insns, load());
                let target = target.map_err(|error| failed("a program of a program array", error))?;
                map.set_program(slot.slot, Some(&target)).map_err(|error| error.to_string())?;
            }
        }
        let program = engine.load(&prepared.prog_type, &prepared.insns, load());
        Ok(Self { program: program.map_err(|error| failed("the program", error))?, _maps: maps })
    }
}

/// A map as the request wants it, but for the programs in it.
fn create(engine: &Engine, map: &PreparedMap) -> Result<Map, String> {
    let made = || -> Result<Map, MapError> {
        let made = engine.create_map(map.def.clone())?;
        if let Some(value) = &map.init {
            made.update(&vec![0; map.def.key_size as usize], value, Update::Any)?;
        }
        if map.frozen {
            made.freeze()?;
        }
        Ok(made)
    };
    made().map_err(|error| format!("a {} map: {error}", map.def.kind.name()))
}

/// The result of the first run, and how long a run takes where that is asked.
fn once(program: &Program, run: &Run, name: EngineName) -> Result<(u64, Option<f64>), String> {
    let text = |error: &dyn Display| error.to_string();
    let mut data = hex::parse(&run.data).map_err(|error| format!("data: {error}"))?;
    let repeat = run.repeat.filter(|_| name == EngineName::Jit);
    if program.prog_type().description().entry == Entry::Mem {
        let run = || program.run_mem(&mut data);
        return measured(run, repeat).map_err(|error| text(&error));
    }
    let mut packet = Packet::new(&data).map_err(|error| text(&error))?;
    measured(|| program.run(&mut packet), repeat).map_err(|error| text(&error))
}

fn measured(
    mut run: impl FnMut() -> Result<u64, RunError>,
    repeat: Option<u32>,
) -> Result<(u64, Option<f64>), RunError> {
    let retval = run()?;
    let ns = repeat.map(|times| batch::best(times, || run().map(|_| ()))).transpose()?;
    Ok((retval, ns))
}
