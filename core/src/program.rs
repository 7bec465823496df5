//! A program on its way to be verified, and what is known of it besides its
//! instructions.

use crate::code::Code;
use crate::func::Func;
use crate::insn::{Callee, Imm64, Pc};
use crate::kfunc::Kfunc;
use crate::map::{MapIdx, MapInfo};
use crate::prog_type::ProgramType;
use bitflags::bitflags;
use std::collections::BTreeMap;
use std::sync::Arc;

bitflags! {
    /// The flags of `BPF_PROG_LOAD`, by their UAPI bits.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct LoadFlags: u32 {
        /// Every access must be aligned to its size.
        const STRICT_ALIGNMENT = 1 << 0;
        /// No access need be aligned.
        const ANY_ALIGNMENT = 1 << 1;
        /// A test flag of the kernel's, without meaning here.
        const TEST_RND_HI32 = 1 << 2;
        /// A test flag of the kernel's: a state is stored at every instruction.
        const TEST_STATE_FREQ = 1 << 3;
        /// The program may sleep.
        const SLEEPABLE = 1 << 4;
        /// XDP: the packet may be in fragments.
        const XDP_HAS_FRAGS = 1 << 5;
        /// XDP: the program is bound to a device.
        const XDP_DEV_BOUND_ONLY = 1 << 6;
        /// A test flag of the kernel's: a broken invariant of the register
        /// bounds is an error.
        const TEST_REG_INVARIANTS = 1 << 7;
    }
}

/// Where an instruction came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceLine {
    /// The source file's name.
    pub file: Arc<str>,
    /// The line's number, from 1.
    pub line: u32,
    /// The column, from 1; 0 where it is not known.
    pub column: u32,
    /// The line's text; may be empty.
    pub text: Arc<str>,
}

/// What is known of a program besides its instructions: `struct bpf_prog_aux`.
#[derive(Clone, Debug)]
pub struct Aux {
    /// The name; may be empty.
    pub name: String,
    /// The kind of program.
    pub prog_type: Arc<ProgramType>,
    /// The `expected_attach_type`, by the kernel's number.
    pub attach: u32,
    /// Whether the licence allows helpers that are `gpl_only`.
    pub gpl_compatible: bool,
    /// The load flags.
    pub flags: LoadFlags,
    /// The size of the memory that r1 points to, in bytes, for a program type
    /// that starts with [`Entry::Mem`](crate::prog_type::Entry::Mem).
    pub mem_size: u32,
    /// The maps that the program refers to.
    pub maps: Vec<MapInfo>,
    /// Which map a file descriptor in the code means.
    pub map_fds: BTreeMap<i32, MapIdx>,
    /// Which map an index into `fd_array` means.
    pub fd_array: Vec<MapIdx>,
    /// Source lines, each from its instruction to the next line's.
    pub lines: BTreeMap<Pc, SourceLine>,
    /// The names of subprograms, by the place where they start.
    pub subprog_names: BTreeMap<Pc, String>,
    /// What BTF says of subprograms, by the place where they start; empty where
    /// there is no BTF. One of which it says nothing is taken for static.
    pub func_info: BTreeMap<Pc, Func>,
    /// Which kernel function a BTF id of the kernel's own means, by name.
    pub kfuncs: BTreeMap<i32, Arc<str>>,
    /// How many processors there are where it will run, at most: the number of
    /// each, which `bpf_get_smp_processor_id` gives, is below (`nr_cpu_ids` in the
    /// kernel). Any number, where it is absent or 0.
    pub processors: Option<u32>,
}

impl Aux {
    /// A program of this kind: no name, no maps, not GPL-compatible.
    #[must_use]
    pub fn new(prog_type: Arc<ProgramType>) -> Self {
        Self {
            name: String::new(),
            prog_type,
            attach: 0,
            gpl_compatible: false,
            flags: LoadFlags::empty(),
            mem_size: 0,
            maps: Vec::new(),
            map_fds: BTreeMap::new(),
            fd_array: Vec::new(),
            lines: BTreeMap::new(),
            subprog_names: BTreeMap::new(),
            func_info: BTreeMap::new(),
            kfuncs: BTreeMap::new(),
            processors: None,
        }
    }

    /// The kernel function of a call, where it is one that is known.
    #[must_use]
    pub fn kfunc(&self, callee: Callee) -> Option<Kfunc> {
        match callee {
            Callee::Kfunc { id, btf: 0 } => Kfunc::from_name(self.kfuncs.get(&id)?),
            Callee::Kfunc { .. } | Callee::Helper(_) | Callee::Subprog(_) => None,
        }
    }

    /// The map that an immediate refers to, where it is a map reference to one
    /// that there is.
    #[must_use]
    pub fn map_ref(&self, imm: &Imm64) -> Option<MapIdx> {
        match imm {
            Imm64::MapFd(fd) | Imm64::MapValue { fd, .. } => self.map_fds.get(fd).copied(),
            Imm64::MapIdx(idx) | Imm64::MapIdxValue { idx, .. } => {
                self.fd_array.get(usize::try_from(*idx).ok()?).copied()
            }
            Imm64::Value(_) | Imm64::BtfId { .. } | Imm64::Func(_) => None,
        }
    }

    /// The map with this index.
    ///
    /// # Panics
    ///
    /// Where the index is not of this program.
    #[must_use]
    pub fn map(&self, idx: MapIdx) -> &MapInfo {
        &self.maps[idx.index()]
    }

    /// The source line of an instruction.
    #[must_use]
    pub fn line(&self, pc: Pc) -> Option<&SourceLine> {
        self.lines.range(..=pc).next_back().map(|(_, line)| line)
    }
}

/// A decoded program that nothing has been proven of.
#[derive(Clone, Debug)]
pub struct Program {
    /// The instructions.
    pub code: Code,
    /// What else is known.
    pub aux: Aux,
}

/// Whether a licence string makes a program GPL-compatible, by the kernel's
/// list (`license_is_gpl_compatible`).
#[must_use]
pub fn license_is_gpl_compatible(license: &str) -> bool {
    matches!(
        license,
        "GPL" | "GPL v2" | "GPL and additional rights" | "Dual BSD/GPL" | "Dual MIT/GPL" | "Dual MPL/GPL"
    )
}
