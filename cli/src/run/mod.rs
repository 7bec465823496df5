//! `brolga run`: a program of an object, run on packets.

mod contents;
mod packets;
mod tally;

use crate::args::{Element, RunArgs};
use crate::capture::{self, Frame};
use crate::failure::{Failure, Outcome, complain};
use crate::output::Output;
use crate::{input, report};
use brolga::core::prog_type::Entry;
use brolga::object::{LoadedObject, Object, ObjectProgram, OpenObject};
use brolga::{Engine, Load, LoadError, ObjectLoad, Program, Update};
use packets::Sink;
use std::collections::BTreeMap;
use tally::Tally;

/// Loads a program, runs it on every packet, and reports.
pub(crate) fn run(args: &RunArgs) -> Result<Outcome, Failure> {
    let object = input::object(&args.object)?;
    // The first, where none is named.
    let program = input::programs(&object, args.program.as_deref())?[0];
    let captured = match &args.pcap {
        Some(path) => input::bytes(path, capture::MAX_FILE)?,
        None => Vec::new(),
    };
    let frames = frames(args, &captured)?;
    let (loaded, program) = load(args, &object, program, &frames)?;
    args.map.iter().try_for_each(|element| set(&loaded, element))?;
    let mut sink = Sink::create(args.out.as_deref())?;
    let tally = Tally::of(&program, &frames, args.repeat, &mut sink)?;
    sink.finish()?;
    let maps = contents::of(&loaded)?;
    let mut output = Output::new();
    if args.json {
        output.json(&tally.report(args.engine, &maps))?;
    } else {
        tally.print(args.engine, &mut output)?;
        maps.iter().try_for_each(|map| map.print(&mut output))?;
    }
    output.flush()?;
    Ok(tally.outcome())
}

/// The packets to run on.
fn frames<'a>(args: &'a RunArgs, captured: &'a [u8]) -> Result<Vec<Frame<'a>>, Failure> {
    let mut frames = match &args.pcap {
        Some(path) => capture::read(captured).map_err(|error| Failure::input(path.display(), error))?,
        None if args.packet.is_empty() => {
            return Err(Failure::Input("nothing to run on: give --pcap FILE or --packet HEX".into()));
        }
        None => Vec::new(),
    };
    frames.extend(args.packet.iter().map(|packet| Frame { time: 0, data: &packet.0 }));
    Ok(frames)
}

/// Loads the program alone, so that its neighbours need not be accepted.
fn load(
    args: &RunArgs,
    object: &Object,
    program: &ObjectProgram,
    frames: &[Frame<'_>],
) -> Result<(LoadedObject, Program), Failure> {
    let engine = Engine::new();
    // A reader that is gone is found out when the report is written.
    engine.on_trace(complain);
    let load = Load::new().engine(args.engine.into());
    let load = load.mem_size(mem_size(&engine, program, frames));
    let opened: OpenObject<'_> = engine.open_object(object, ObjectLoad::new().each(load));
    let rejected = |error: LoadError| Failure::Rejected(report::rejection(&error));
    let name = program.name();
    let loaded = opened.load(name).map_err(rejected)?;
    let object = opened.loaded(BTreeMap::from([(name.to_owned(), loaded.clone())])).map_err(rejected)?;
    Ok((object, loaded))
}

/// A program that takes memory is loaded for packets of the first one's size.
fn mem_size(engine: &Engine, program: &ObjectProgram, frames: &[Frame<'_>]) -> u32 {
    let memory = engine.section_type(program.section());
    let memory = memory.is_some_and(|s| s.prog_type.description().entry == Entry::Mem);
    if memory { frames.first().map_or(0, |frame| frame.data.len() as u32) } else { 0 }
}

/// Sets an element of a map.
fn set(loaded: &LoadedObject, element: &Element) -> Result<(), Failure> {
    let Element { map: name, key, value } = element;
    let map = loaded.map(name).map_err(|error| Failure::Input(error.to_string()))?;
    map.update(key, value, Update::Any).map_err(|error| Failure::input(format_args!("map `{name}`"), error))
}
