//! What was proven of a program, for those who run it.
//!
//! The verifier writes, the linker carries, the JIT and the interpreter read;
//! no one derives a fact again. Law: a fact holds in every run, for every
//! context of the program's type and every content of its maps.

use crate::insn::Pc;
use crate::map::MapIdx;
use crate::prog_type;

/// What an instruction's memory access touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Region {
    /// The stack of a frame, at offset `fixed` from that frame's end where it
    /// is always the same frame, this instruction's own.
    Stack {
        /// The offset from the own frame's end, in bytes (negative), where it
        /// is known.
        fixed: Option<i32>,
    },
    /// The context, by the row that the access was resolved to.
    Ctx(prog_type::Access),
    /// The packet or its metadata.
    Packet,
    /// A value of this map.
    MapValue(MapIdx),
    /// An object of the kernel's: a socket, a map's own structure. There is none
    /// here, so that a program which reaches such an access is not linked.
    Kernel,
    /// Other memory, or several of these.
    Other,
}

/// Which ways a conditional jump goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ways {
    /// It is taken in some run.
    pub taken: bool,
    /// It falls through in some run.
    pub falls_through: bool,
}

/// What was proven of one instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InsnFacts {
    /// Whether any run reaches it. Nothing else is known of one that is not.
    pub reached: bool,
    /// What its memory access touches; always known for a reached access.
    pub region: Option<Region>,
    /// For a conditional jump, the ways it goes.
    pub ways: Ways,
    /// Whether the divisor of its division or remainder is never 0 (in the
    /// operation's width).
    pub divisor_nonzero: bool,
    /// For a helper call with a map argument, the map, where it is always the
    /// same.
    pub map: Option<MapIdx>,
    /// For a call of a helper that takes a subprogram, the subprogram, where it
    /// is always the same.
    pub callback: Option<SubprogId>,
}

/// An index into [`Facts::subprogs`]; the main program is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubprogId(pub u32);

impl SubprogId {
    /// The main program.
    pub const MAIN: Self = Self(0);

    /// The index, for indexing.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A subprogram: the instructions from `start` up to `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subprog {
    /// The place of its first instruction.
    pub start: Pc,
    /// The place after its last.
    pub end: Pc,
    /// The bytes of stack below the frame pointer that it may touch, at most
    /// 512, a multiple of 8.
    pub stack: u32,
    /// Whether it may read bytes of that stack which it never wrote. Whoever
    /// runs it gives it a frame of zeros then, so that nothing of the host
    /// leaks.
    pub reads_uninit_stack: bool,
}

/// What was proven of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// By place; the second slot of a 64-bit immediate load has an empty row.
    pub insns: Box<[InsnFacts]>,
    /// By place of their first instruction; the main program first.
    pub subprogs: Vec<Subprog>,
}

impl Facts {
    /// What was proven of the instruction at this place.
    ///
    /// # Panics
    ///
    /// Where the place is not in the program.
    #[must_use]
    pub fn at(&self, pc: Pc) -> &InsnFacts {
        &self.insns[pc.index()]
    }

    /// The subprogram that holds this place.
    #[must_use]
    pub fn subprog_of(&self, pc: Pc) -> SubprogId {
        SubprogId((self.subprogs.partition_point(|s| s.start <= pc) - 1) as u32)
    }

    /// The subprogram that starts at this place.
    #[must_use]
    pub fn subprog_at(&self, start: Pc) -> Option<SubprogId> {
        self.subprogs.binary_search_by_key(&start, |s| s.start).ok().map(|i| SubprogId(i as u32))
    }
}
