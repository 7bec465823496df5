//! What a kind of program is: its context, its helpers, what it may return.
//!
//! The kernel's own kinds are in [`table`]; an embedder's is the same
//! [`ProgramType`], built at run time.

mod ctx;
pub mod host;
mod sock;
pub mod table;

pub use ctx::{Access, AttachSet, CtxField, CtxLayout, FieldKind, Parts, SizeSet};
pub use sock::SockKind;

use crate::helper::Proto;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// What a program finds in its registers at its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    /// r1 is the context.
    Ctx,
    /// r1 is a memory region whose size is known at load time, r2 its size in
    /// bytes.
    Mem,
}

/// What a program may do through packet pointers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketAccess {
    /// Nothing.
    None,
    /// Read, but by no helper.
    ReadDirectly,
    /// Read.
    Read,
    /// Read and write.
    Write,
    /// The same, and every helper takes such pointers as memory.
    WriteAnyhow,
}

impl PacketAccess {
    /// Whether the program may write.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::WriteAnyhow)
    }

    /// Whether a helper takes packet pointers as memory.
    #[must_use]
    pub const fn to_helper(self, proto: &Proto) -> bool {
        match self {
            Self::None | Self::ReadDirectly => false,
            Self::Read | Self::Write => proto.packet_args,
            Self::WriteAnyhow => true,
        }
    }
}

/// Which results a program may have, for some attach type or for every other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnRule {
    /// The `expected_attach_type` that the rule is for; any, where there is
    /// none.
    pub attach: Option<u32>,
    /// The results allowed, as signed 32-bit numbers.
    pub range: RangeInclusive<i32>,
}

/// Whether programs of a kind may sleep, that is, may be loaded with
/// [`LoadFlags::SLEEPABLE`](crate::program::LoadFlags::SLEEPABLE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sleepable {
    /// They may not.
    No,
    /// As they wish.
    Allowed,
    /// They can not be loaded without the flag.
    Required,
}

/// A kind of program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramType {
    /// The name: for the kernel's kinds its own in lower case, such as `xdp`.
    pub name: Cow<'static, str>,
    /// The kernel's number (`enum bpf_prog_type`), for its kinds.
    pub number: Option<u32>,
    /// The `expected_attach_type` values that a program may be loaded with; any,
    /// where there are none.
    pub attach_types: Vec<u32>,
    /// Whether the programs may sleep.
    pub sleepable: Sleepable,
    /// What the registers hold at the start.
    pub entry: Entry,
    /// The context that r1 points to.
    pub ctx: CtxLayout,
    /// What may be done through packet pointers.
    pub packet: PacketAccess,
    /// Whether the legacy packet loads (`LD_ABS`, `LD_IND`) are allowed.
    pub legacy_packet_loads: bool,
    /// What may be returned: the first rule that applies, anything where none
    /// does.
    pub returns: Vec<ReturnRule>,
    /// The helpers that may be called, by number.
    pub helpers: BTreeMap<i32, Arc<Proto>>,
    /// Those of them that only programs of some attach types may call.
    pub helpers_for: BTreeMap<i32, AttachSet>,
    /// The ELF sections whose programs are of this kind, as the names that
    /// libbpf knows: a name matches itself and what follows it after a `/`.
    pub sections: Vec<Cow<'static, str>>,
}

impl ProgramType {
    /// A kind of program to build others from: r1 is an empty context, no
    /// packet, no helpers, any result, no section.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            number: None,
            attach_types: Vec::new(),
            sleepable: Sleepable::No,
            entry: Entry::Ctx,
            ctx: CtxLayout::default(),
            packet: PacketAccess::None,
            legacy_packet_loads: false,
            returns: Vec::new(),
            helpers: BTreeMap::new(),
            helpers_for: BTreeMap::new(),
            sections: Vec::new(),
        }
    }

    /// The results that a program with this attach type may have; anything,
    /// where there is no rule.
    #[must_use]
    pub fn returns(&self, attach: u32) -> Option<RangeInclusive<i32>> {
        self.returns
            .iter()
            .find(|rule| rule.attach.is_none_or(|a| a == attach))
            .map(|rule| rule.range.clone())
    }

    /// The helper with this number, where programs of this kind may call it.
    #[must_use]
    pub fn helper(&self, id: i32) -> Option<&Arc<Proto>> {
        self.helpers.get(&id)
    }

    /// The same for a program of this attach type.
    #[must_use]
    pub fn helper_as(&self, attach: u32, id: i32) -> Option<&Arc<Proto>> {
        let allowed = self.helpers_for.get(&id).is_none_or(|set| set.contains(attach));
        self.helper(id).filter(|_| allowed)
    }

    /// Whether a program in an ELF section of this name is of this kind.
    #[must_use]
    pub fn matches_section(&self, section: &str) -> bool {
        self.sections.iter().any(|s| {
            section.strip_prefix(s.as_ref()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}
