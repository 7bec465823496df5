//! The live kernel's word on a generated program.

use super::error::Problem;
use crate::generate::Generated;
use crate::kernel::{Kernel, Request, Verdict};
use crate::world::Outcome;
use brolga_core::helper::table::id;
use brolga_core::kfunc::Kfunc;
use brolga_core::{Callee, Insn, MapKind, Pc, Verified};
use std::collections::BTreeMap;
use std::sync::OnceLock;

const XDP: u32 = 6;

/// What our first run left, where a kernel must leave the same.
pub(super) type First = Option<Outcome>;

/// What the kernel said.
pub(super) struct Said {
    verdict: Verdict,
}

/// A generated program as the kernel takes it.
#[must_use]
pub const fn request(program: &Generated, log: u32) -> Request<'_> {
    let Generated { code, maps, .. } = program;
    Request { prog_type: XDP, code, license: "GPL", attach: 0, flags: 0, maps: maps.as_slice(), log }
}

/// The same program with the numbers that the kernel's functions have there.
#[must_use]
pub fn for_kernel(kernel: Kernel, program: &Generated) -> Generated {
    static IDS: OnceLock<BTreeMap<i32, i32>> = OnceLock::new();
    let ids = IDS.get_or_init(|| {
        let there = kernel.functions();
        let ids = (1..).zip(Kfunc::all().map(|kfunc| there.get(kfunc.name()).copied()));
        ids.filter_map(|(ours, theirs)| Some((ours, theirs?))).collect()
    });
    let mut out = program.clone();
    for (pc, insn) in program.code.iter() {
        if let Insn::Call(Callee::Kfunc { id, btf }) = *insn
            && let Some(id) = ids.get(&id)
        {
            out.code.replace(pc, Insn::Call(Callee::Kfunc { id: *id, btf }));
        }
    }
    out
}

/// Asks the kernel to load the program, and for its words where it does not.
pub(super) fn ask(kernel: Kernel, program: &Generated) -> Result<Said, Problem> {
    let program = &for_kernel(kernel, program);
    let load = |log| kernel.load_with(&request(program, log), &program.funcs);
    let verdict = load(0)?;
    let is_said = verdict.loaded.is_some() || verdict.errno == libc::E2BIG;
    Ok(Said { verdict: if is_said { verdict } else { load(1)? } })
}

/// Whether a run in the kernel is a function of the packet alone, as far as we
/// can tell: it reads no stack that it never wrote, no clock as `may_goto` does, asks
/// for no processor, and goes over no elements in the order of the kernel's hash.
pub(super) fn comparable(verified: &Verified) -> bool {
    let (facts, program) = (verified.facts(), verified.program());
    let clean = facts.subprogs.iter().all(|s| !s.reads_uninit_stack);
    let ordered = |at: Pc| {
        let map = facts.at(at).map.map(|map| program.aux.map(map).def.kind);
        map == Some(MapKind::Array)
    };
    let settled = |(at, insn): (Pc, &Insn)| match insn {
        Insn::MayGoto { .. } | Insn::Call(Callee::Helper(id::GET_SMP_PROCESSOR_ID)) => false,
        Insn::Call(Callee::Helper(id::FOR_EACH_MAP_ELEM)) => !facts.at(at).reached || ordered(at),
        _ => true,
    };
    clean && program.code.iter().all(settled)
}

impl Said {
    pub(super) const fn accepted(&self) -> bool {
        self.verdict.loaded.is_some()
    }

    /// That it accepts the program; or its words, where it was only not patient
    /// enough for it, or says something of itself: that is no verdict.
    pub(super) fn must_accept(&self) -> Result<Option<String>, Problem> {
        if self.accepted() {
            return Ok(None);
        }
        // More than a million instructions: asked for its words it would walk them all
        // again.
        if self.verdict.errno == libc::E2BIG {
            return Ok(Some("BPF program is too large".into()));
        }
        let words = self.verdict.reason().to_owned();
        let gave_up = ["verifier bug", "The sequence of"].iter().any(|start| words.starts_with(start));
        if gave_up { Ok(Some(words)) } else { Err(Problem::UnsafeAccept { words }) }
    }

    /// That the kernel's run on the first packet leaves what ours did. Its maps
    /// are as new only for that one.
    pub(super) fn must_run_as(&self, packets: &[Vec<u8>], ours: &mut First) -> Result<(), Problem> {
        let (Some(ours), Some(loaded), Some(packet)) = (ours.take(), &self.verdict.loaded, packets.first())
        else {
            return Ok(());
        };
        let ran = loaded.run(packet)?;
        if ran.retval == ours.r0 as u32 && ran.packet == ours.packet {
            return Ok(());
        }
        Err(Problem::KernelDiffers { retval: ran.retval, packet: ran.packet, ours: Box::new(ours) })
    }
}
