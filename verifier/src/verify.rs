//! The way of a program through the verifier.

mod maps;

use crate::log::Log;
use crate::outcome::{Accepted, Cause, Failure, LogLevel, Options, Report, Unsupported};
use crate::reject::{Held, Reject, Why};
use crate::step::pointer::MAX_OFF;
use crate::structure::{self, Structure, stack_depth};
use crate::walk::Walk;
use brolga_core::prog_type::Sleepable;
use brolga_core::{Aux, Callee, Facts, Imm64, Insn, LoadFlags, MapIdx, MapKind, Program, Verified};

/// Proves that every run of the program ends and is safe, or says why not.
///
/// # Errors
///
/// Where it could not be proven: see [`Cause`].
pub fn verify(program: Program, options: &Options) -> Result<Accepted, Box<Failure>> {
    let (result, report) = prove(&program, options);
    match result {
        Ok(facts) => Ok(Accepted { verified: seal(program, facts), report }),
        Err(cause) => Err(Box::new(Failure { cause, report, program })),
    }
}

#[expect(unsafe_code, reason = "the one place where what was proven becomes what others rely on")]
fn seal(program: Program, facts: Facts) -> Verified {
    // SAFETY: the walk that made the facts went over every path of this very
    // program to its end and found each access allowed.
    unsafe { Verified::assume(program, facts) }
}

fn prove(program: &Program, options: &Options) -> (Result<Facts, Cause>, Report) {
    match before_the_walk(program) {
        Ok(structure) => walk(program, &structure, options),
        Err(cause) => {
            let mut report = Report::default();
            let mut log = Log::new(options);
            log.ends(Some(&cause.to_string()), &report, options.budget);
            report.log = log.text;
            (Err(cause), report)
        }
    }
}

fn before_the_walk(program: &Program) -> Result<Structure, Cause> {
    load_allowed(&program.aux).map_err(|why| Reject { at: None, why: Why::Load(why) })?;
    let structure = structure::check(program)?;
    resolve_maps(program)?;
    resolve_kernel(program)?;
    Ok(structure)
}

/// That nothing of a kernel is named but the functions that are known here, for
/// there is no kernel: also where no run comes, for the kernel resolves that before it walks. (Function 0 is what
/// libbpf leaves of one that was not found; only where runs come is it missed.)
fn resolve_kernel(program: &Program) -> Result<(), Cause> {
    let aux = &program.aux;
    let named = program.code.iter().find_map(|(pc, insn)| match *insn {
        Insn::Call(Callee::Kfunc { id: 0, btf: 0 }) => None,
        Insn::Call(callee @ Callee::Kfunc { id, .. }) if aux.kfunc(callee).is_none() => {
            let name = aux.kfuncs.get(&id);
            Some((pc, name.map_or("a kernel function".into(), |name| format!("kernel function {name}"))))
        }
        Insn::LoadImm64 { imm: Imm64::BtfId { .. }, .. } => Some((pc, "a kernel variable".into())),
        _ => None,
    });
    if let Some((pc, what)) = named {
        return Err(Unsupported { at: Some(pc), what }.into());
    }
    let calls = |insn: &Insn| matches!(*insn, Insn::Call(callee) if aux.kfunc(callee).is_some());
    if !aux.gpl_compatible && program.code.iter().any(|(_, insn)| calls(insn)) {
        return Err(Reject { at: None, why: Why::Load(KFUNC_GPL) }.into());
    }
    Ok(())
}

const KFUNC_GPL: &str = "cannot call kernel function from non-GPL compatible program";

/// That a program of this type may be loaded with this attach type and these
/// flags.
fn load_allowed(aux: &Aux) -> Result<(), &'static str> {
    let prog_type = &aux.prog_type;
    let sleepable = aux.flags.contains(LoadFlags::SLEEPABLE);
    if aux.flags.bits() & !LoadFlags::all().bits() != 0 {
        return Err("there are unknown load flags");
    }
    if !prog_type.attach_types.is_empty() && !prog_type.attach_types.contains(&aux.attach) {
        return Err("expected_attach_type does not fit the program type");
    }
    match prog_type.sleepable {
        Sleepable::No if sleepable => {
            Err("Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable")
        }
        Sleepable::Required if !sleepable => Err("Syscall programs can only be sleepable"),
        Sleepable::No | Sleepable::Required | Sleepable::Allowed => Ok(()),
    }
}

fn walk(program: &Program, structure: &Structure, options: &Options) -> (Result<Facts, Cause>, Report) {
    let mut walk = Walk::new(&program.code, &program.aux, structure, options);
    walk.summaries.on = options.summaries && options.log == LogLevel::Off;
    let mut result = walk.run().and_then(|()| stack_fits(&walk, program, structure));
    if result.is_err() && walk.summaries.taken > 0 {
        // What is said of a loop's rounds may be too little; and the words are to
        // be the kernel's.
        walk = Walk::new(&program.code, &program.aux, structure, options);
        result = walk.run().and_then(|()| stack_fits(&walk, program, structure));
    }
    let mut report = Report {
        insns_processed: walk.processed,
        insns_walked: walk.walked,
        total_states: walk.seen.total,
        peak_states: walk.seen.peak,
        log: String::new(),
        claims: walk.seen.recorded.take().map(crate::claims::Claims::new),
    };
    let why = result.as_ref().err().map(last_lines);
    walk.log.ends(why.as_deref(), &report, options.budget);
    walk.log.drop_front();
    report.log = std::mem::take(&mut walk.log.text);
    (result.map(|()| walk.facts.finish()), report)
}

/// How the log ends: what led to the last line stands before it.
fn last_lines(cause: &Cause) -> String {
    let mut lines = String::new();
    if let Cause::Reject(Reject { why: Why::Held(Held::Leak { held, .. }), .. }) = cause {
        lines.extend(held.iter().map(|(id, at)| format!("Unreleased reference id={id} alloc_insn={at}\n")));
    }
    lines + &cause.to_string()
}

fn stack_fits(walk: &Walk<'_>, program: &Program, structure: &Structure) -> Result<(), Cause> {
    let frames: Vec<_> = walk.facts.frames().collect();
    stack_depth::check(&program.aux.prog_type, structure, &frames)?;
    Ok(())
}

/// That every map reference refers to a map, and to a place in its value where
/// it refers to that.
fn resolve_maps(program: &Program) -> Result<(), Reject> {
    for (pc, insn) in program.code.iter() {
        if let Insn::LoadImm64 { imm, .. } = insn {
            resolve_map(&program.aux, imm).map_err(|why| Reject { at: Some(pc), why })?;
        }
    }
    Ok(())
}

fn resolve_map(aux: &Aux, imm: &Imm64) -> Result<(), Why> {
    let known = |fd: i32| {
        let map = aux.map_ref(imm).ok_or(Why::NoMap(fd))?;
        maps::allowed(aux, map).map_err(Held::MapOfProgram)?;
        Ok(map)
    };
    match *imm {
        Imm64::Value(_) | Imm64::BtfId { .. } | Imm64::Func(_) => Ok(()),
        Imm64::MapFd(fd) | Imm64::MapIdx(fd) => known(fd).map(|_| ()),
        Imm64::MapValue { fd, off } | Imm64::MapIdxValue { idx: fd, off } => {
            direct_value(aux, known(fd)?, off)
        }
    }
}

fn direct_value(aux: &Aux, map: MapIdx, off: u32) -> Result<(), Why> {
    let def = &aux.map(map).def;
    if i64::from(off) >= MAX_OFF {
        return Err(Why::DirectOffset(off));
    }
    if def.kind != MapKind::Array {
        return Err(Why::NoDirectValue);
    }
    if def.max_entries != 1 || off >= def.value_size {
        return Err(Why::DirectValue { value_size: def.value_size, off });
    }
    Ok(())
}
