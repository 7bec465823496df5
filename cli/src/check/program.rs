//! From a request to a verdict. It rests on definitions alone: maps are not
//! created and helpers need no body.

use super::answer::{Answer, Verdict};
use super::request::{Map, MapRef, Request};
use crate::report::Error;
use crate::verify::log_level;
use crate::{hex, names};
use brolga::core::program::license_is_gpl_compatible;
use brolga::core::{Aux, Code, DecodeError, MapIdx, MapInfo, Program};
use brolga::verifier::{Accepted, Cause, Options, Report, verify};
use brolga::{LoadFlags, MapDef, MapFlags, MapKind, ProgramType};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// Why there is no verdict.
pub(super) enum Refusal {
    /// The request contradicts itself.
    Request(String),
    /// The verifier has no rule for what it speaks of.
    Unsupported { stage: &'static str, kind: &'static str, what: String },
}

/// A request that was understood.
pub(super) struct Prepared {
    pub(super) prog_type: ProgramType,
    /// The instructions, map references by [`fd`].
    pub(super) insns: Vec<u8>,
    pub(super) flags: LoadFlags,
    pub(super) maps: Vec<PreparedMap>,
    /// The first instruction that refers to a map that can not be created.
    without_map: Option<usize>,
    aux: Aux,
    options: Options,
}

/// A map that was understood.
pub(super) struct PreparedMap {
    pub(super) def: MapDef,
    /// The value of element 0.
    pub(super) init: Option<Vec<u8>>,
    pub(super) frozen: bool,
    pub(super) programs: Vec<PreparedSlot>,
}

/// A program array's element that was understood.
pub(super) struct PreparedSlot {
    pub(super) slot: u32,
    pub(super) insns: Vec<u8>,
}

/// The largest value without `init` that is taken for constant zeros, in bytes.
const MAX_ZEROS: u32 = 1 << 20;

/// The number that instructions refer to a request's map by.
pub(super) const fn fd(map: usize) -> i32 {
    // Not 0, which an instruction without a reference holds.
    map as i32 + 100
}

impl Prepared {
    pub(super) fn new(request: &Request) -> Result<Self, Refusal> {
        let prog_type = prog_type(&request.prog_type)?;
        let maps: Vec<_> =
            request.maps.iter().map(|m| map(m, request.maps.len())).collect::<Result<_, _>>()?;
        let insns = insns(&request.insns, &request.map_refs, maps.len())?;
        let flags = LoadFlags::from_bits_retain(request.flags);
        let aux = Aux {
            attach: request.expected_attach_type,
            gpl_compatible: license_is_gpl_compatible(&request.license),
            flags,
            mem_size: request.mem_size,
            processors: request.processors,
            maps: maps.iter().map(PreparedMap::info).collect(),
            map_fds: (0..maps.len()).map(|index| (fd(index), MapIdx(index as u32))).collect(),
            ..Aux::new(prog_type.description().clone())
        };
        let options = Options { log: log_level(request.log), ..Options::default() };
        let missing = |r: &&MapRef| request.maps.get(r.map).is_some_and(lacks_btf);
        let without_map = request.map_refs.iter().filter(missing).map(|r| r.insn).min();
        Ok(Self { prog_type, insns, flags, maps, without_map, aux, options })
    }

    /// The verifier's answer.
    pub(super) fn verdict(&self, id: Value) -> Answer {
        let start = Instant::now();
        let aux = self.aux.clone();
        let code = match Code::decode(&self.insns) {
            Ok(code) => code,
            Err(error) => return malformed(id, &error),
        };
        if let Some(insn) = self.without_map {
            return no_map(id, insn);
        }
        let result = verify(Program { code, aux }, &self.options);
        let time = start.elapsed().as_secs_f64() * 1e6;
        let (verdict, error, report) = match result {
            Ok(Accepted { report, .. }) => (Verdict::Accept, None, report),
            Err(failure) => (word(&failure.cause), Some(rejection(&failure.cause)), failure.report),
        };
        let Report { insns_processed, log, .. } = report;
        Answer {
            error,
            insns_processed: Some(insns_processed),
            verify_us: Some(time),
            log: Some(log).filter(|log| !log.is_empty()),
            ..Answer::new(id, verdict)
        }
    }
}

impl PreparedMap {
    /// What the verifier may believe of it.
    fn info(&self) -> MapInfo {
        let def = self.def.clone();
        let constant = self.frozen
            && def.kind == MapKind::Array
            && def.max_entries == 1
            && def.flags.contains(MapFlags::RDONLY_PROG);
        // A short request must not cost much memory. What is not known to be
        // constant is only verified with less knowledge.
        let zeros = || (def.value_size <= MAX_ZEROS).then(|| vec![0; def.value_size as usize]);
        let frozen = constant.then(|| self.init.clone().or_else(zeros)).flatten().map(Arc::from);
        MapInfo { frozen, def }
    }
}

const fn word(cause: &Cause) -> Verdict {
    match cause {
        Cause::Unsupported(_) => Verdict::Unsupported,
        Cause::Reject(_) | Cause::Bug(_) => Verdict::Reject,
    }
}

fn rejection(cause: &Cause) -> Error {
    let at = match cause {
        Cause::Reject(reject) => reject.at,
        Cause::Unsupported(unsupported) => unsupported.at,
        Cause::Bug(bug) => bug.at,
    };
    let (insn, kind, message) = (at.map(|pc| pc.0), names::cause(cause), cause.to_string());
    Error { stage: "verify", insn, kind, message, source: None }
}

/// Whether the kernel would only create the map, or know this of it, from types
/// that it comes without.
fn lacks_btf(map: &Map) -> bool {
    let special = map.spin_lock_off.is_some() || map.timer_off.is_some() || !map.kptr_offs.is_empty();
    let storage = ["sk_storage", "inode_storage", "task_storage", "cgrp_storage"];
    !map.btf && (special || storage.contains(&map.kind.as_str()))
}

/// The answer where a map can not be created: what the kernel says of a program
/// that then refers to none.
fn no_map(id: Value, insn: usize) -> Answer {
    let message = "fd -1 is not pointing to valid bpf_map".into();
    let insn = u32::try_from(insn).ok();
    let error = Error { stage: "map", insn, kind: "NoBtf".into(), message, source: None };
    Answer { error: Some(error), ..Answer::new(id, Verdict::Reject) }
}

fn malformed(id: Value, error: &DecodeError) -> Answer {
    let (insn, message) = match error {
        DecodeError::Slot { at, why } => (Some(at.0), why.kernel_words()),
        DecodeError::Empty | DecodeError::Length(_) | DecodeError::TooLong(_) => (None, error.to_string()),
    };
    let error = Error { stage: "decode", insn, kind: names::decode(error), message, source: None };
    Answer { error: Some(error), ..Answer::new(id, Verdict::Reject) }
}

fn prog_type(name: &str) -> Result<ProgramType, Refusal> {
    ProgramType::by_name(name).ok_or_else(|| Refusal::Unsupported {
        stage: "load",
        kind: "NoType",
        what: format!("no program type `{name}`"),
    })
}

fn bytes(what: &str, text: &str) -> Result<Vec<u8>, Refusal> {
    hex::parse(text).map_err(|error| Refusal::Request(format!("{what}: {error}")))
}

/// The instructions with their map references filled in.
fn insns(text: &str, refs: &[MapRef], maps: usize) -> Result<Vec<u8>, Refusal> {
    let mut insns = bytes("insns", text)?;
    for MapRef { insn, map } in refs {
        let at = insn.checked_mul(8).filter(|_| *map < maps);
        let imm = at.and_then(|at| insns.get_mut(at.checked_add(4)?..at.checked_add(8)?));
        let imm = imm.ok_or_else(|| Refusal::Request(format!("map_refs: no insn {insn} or no map {map}")))?;
        imm.copy_from_slice(&fd(*map).to_le_bytes());
    }
    Ok(insns)
}

fn def(map: &Map) -> Result<MapDef, Refusal> {
    let unknown = || Refusal::Unsupported {
        stage: "map",
        kind: "Unsupported",
        what: format!("no map kind `{}`", map.kind),
    };
    let kind = MapKind::from_name(&map.kind).ok_or_else(unknown)?;
    let mut def = MapDef::new(kind, map.key_size, map.value_size, map.max_entries);
    def.flags = MapFlags::from_bits_retain(map.flags);
    def.special.spin_lock = map.spin_lock_off;
    def.special.timer = map.timer_off;
    def.special.kptrs.clone_from(&map.kptr_offs);
    def.inner = map.inner.as_deref().map(self::def).transpose()?.map(Box::new);
    Ok(def)
}

fn map(map: &Map, maps: usize) -> Result<PreparedMap, Refusal> {
    let def = def(map)?;
    let init = map.init.as_deref().map(|text| bytes("init", text)).transpose()?;
    if init.as_ref().is_some_and(|value| value.len() != def.value_size as usize) {
        return Err(Refusal::Request(format!("init: not the {} bytes of a value", def.value_size)));
    }
    let slot = |slot: &super::request::Slot| {
        let insns = insns(&slot.insns, &slot.map_refs, maps)?;
        Ok(PreparedSlot { slot: slot.slot, insns })
    };
    let programs = map.programs.iter().map(slot).collect::<Result<_, _>>()?;
    Ok(PreparedMap { def, init, frozen: map.frozen, programs })
}
