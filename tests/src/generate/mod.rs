//! Programs made at random, most of which a verifier should accept.
//!
//! [`program`] turns bytes (a seed's, or a fuzzer's) into an XDP program that
//! reads and writes its packet and the metadata before it, its own stack, its
//! caller's, and maps, does arithmetic of every kind and width, bounds an
//! index in every way that we know, branches, loops, spills, and calls
//! subprograms, global functions and helpers; it has helpers run callbacks, and
//! gives back what it was lent: records of a ring buffer, dynptrs, sockets, locks,
//! iterators.
//! It keeps track of what each register holds, so that it mostly does what is
//! allowed; now and then it leaves a check out, or [`mutate`] breaks something
//! at the level of slots.
//!
//! Programs are deterministic: no clock, no random numbers.

mod body;
mod bound;
mod callback;
mod emit;
mod idiom;
mod iterate;
mod lent;
mod place;
mod regs;
mod repeat;
mod statement;

use arbitrary::{Result, Unstructured};
use brolga_core::code::{DecodeError, decode_slot};
use brolga_core::func::{Func, Linkage, Param, ParamTags, Pointee};
use brolga_core::map::{MapFlags, Special};
use brolga_core::{Code, MapDef, MapKind, Pc, Slot};
use std::collections::BTreeMap;

/// The number of bytes at the start of the packet that a program makes sure of.
pub const CHECKED: u32 = 32;

/// A program with what it needs.
#[derive(Clone, Debug)]
pub struct Generated {
    /// The instructions; maps are referred to by their index.
    pub code: Code,
    /// The maps: see [`maps`].
    pub maps: Vec<MapDef>,
    /// The global functions, by the place where they start.
    pub funcs: BTreeMap<Pc, Func>,
    /// What lies in the last map, where that is frozen.
    pub frozen: Option<[u64; FROZEN_WORDS]>,
}

/// How many words the frozen map has.
pub const FROZEN_WORDS: usize = body::VALUE_BYTES as usize / 8;

/// Numbers of every size at which something turns over.
const FROZEN: [u64; FROZEN_WORDS] =
    [0x8001_7fff_0000_0003, u64::MAX, 0x8000_0000_7fff_ffff, 0x0102_0304_0506_0708];

/// The maps that every generated program has: an array, a hash table, an array
/// of one value, whose address a program may have as a constant, arrays with a
/// lock and with a timer in each value, a ring buffer, and an array with a value
/// for each processor.
#[must_use]
pub fn maps() -> Vec<MapDef> {
    const BYTES: u32 = body::VALUE_BYTES;
    let special = |special, bytes, name| MapDef { special, ..MapDef::array(BYTES + bytes, 2).name(name) };
    let lock = Special { spin_lock: Some(BYTES), ..Special::default() };
    let timer = Special { timer: Some(BYTES), ..Special::default() };
    vec![
        MapDef::array(BYTES, 4).name("values"),
        MapDef::hash(4, BYTES, 8).name("table"),
        MapDef::array(BYTES, 1).name("globals"),
        special(lock, 8, "locked"),
        special(timer, 16, "timed"),
        MapDef::new(MapKind::Ringbuf, 0, 0, RING_BYTES).name("ring"),
        MapDef::new(MapKind::PercpuArray, 4, BYTES, 3).name("copies"),
    ]
}

/// The size of the ring buffer, in bytes: as small as the kernel makes one.
pub const RING_BYTES: u32 = 4096;

/// A program from bytes; the same bytes make the same program.
///
/// # Errors
///
/// Where there are too few bytes to make anything.
pub fn program(u: &mut Unstructured<'_>) -> Result<Generated> {
    written(u, emit::Emit::default())
}

/// A program with the idioms that the JIT's passes look for, and with one more
/// map, of one value, that is frozen: other programs than [`program`] makes of the
/// same bytes.
///
/// # Errors
///
/// As of [`program`].
pub fn program_with_idioms(u: &mut Unstructured<'_>) -> Result<Generated> {
    let mut program = written(u, emit::Emit::with_idioms())?;
    let constants = MapDef::array(body::VALUE_BYTES, 1).name("constants").flags(MapFlags::RDONLY_PROG);
    program.maps.push(constants);
    Ok(Generated { frozen: Some(FROZEN), ..program })
}

fn written(u: &mut Unstructured<'_>, mut emit: emit::Emit) -> Result<Generated> {
    let subprogs = body::main(u, &mut emit)?;
    let global = |sub: &body::Sub| Some((emit.place(sub.label), func(sub.linkage)?));
    let funcs = subprogs.iter().filter_map(global).collect();
    let code = emit.finish().map_err(|_| arbitrary::Error::IncorrectFormat)?;
    Ok(Generated { code, maps: maps(), funcs, frozen: None })
}

/// What BTF says of a global function: two numbers, and a slot.
fn func(linkage: body::Linkage) -> Option<Func> {
    let body::Linkage::Global { nonnull } = linkage else { return None };
    let to = Pointee { kind: "STRUCT", name: "slot".into(), size: Some(8) };
    let slot = Param::Pointer { to, tags: ParamTags { nonnull, ..ParamTags::default() } };
    let params = vec![Param::Scalar, Param::Scalar, slot];
    Some(Func { linkage: Linkage::Global, params, ..Func::of_program("global") })
}

/// The program of a seed, with as many bytes behind it as it may want.
///
/// # Panics
///
/// Never: a seed has bytes enough.
#[must_use]
pub fn from_seed(seed: u64) -> Generated {
    let bytes = bytes(seed, 4096);
    program(&mut Unstructured::new(&bytes)).expect("bytes enough for a program")
}

/// The program of a seed that has idioms too: see [`program_with_idioms`].
///
/// # Panics
///
/// Never: as of [`from_seed`].
#[must_use]
pub fn with_idioms(seed: u64) -> Generated {
    let bytes = bytes(seed, 4096);
    program_with_idioms(&mut Unstructured::new(&bytes)).expect("bytes enough for a program")
}

/// So many bytes of a simple generator (xorshift64*): the same for a seed
/// everywhere.
#[must_use]
pub fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut word = words(seed);
    (0..count.div_ceil(8)).flat_map(|_| word().to_le_bytes()).take(count).collect()
}

/// The words that [`bytes`] is made of, without end.
pub fn words(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// The same program with one slot changed, moved or dropped; it may no longer
/// decode.
///
/// # Errors
///
/// Where the bytes run out or the result is no program.
pub fn mutate(code: &Code, u: &mut Unstructured<'_>) -> Result<std::result::Result<Code, DecodeError>> {
    let mut slots = code.to_slots();
    let at = u.choose_index(slots.len())?;
    match u.int_in_range(0..=7)? {
        0 => slots[at].imm = u.arbitrary()?,
        1 => slots[at].imm = slots[at].imm.wrapping_add(u.int_in_range(-2..=2)?),
        2 => slots[at].off = slots[at].off.wrapping_add(u.int_in_range(-8..=8)?),
        3 => slots[at].dst = u.int_in_range(0..=10)?,
        4 => slots[at].src = u.int_in_range(0..=10)?,
        5 => slots[at].code ^= 1 << u.int_in_range(0..=7)?,
        6 => slots[at] = slots[u.choose_index(slots.len())?],
        _ => slots[at] = Slot { code: 0xb7, dst: 0, ..Slot::default() },
    }
    // Most random changes break the encoding; repair the commonest.
    if decode_slot(slots[at], slots.get(at + 1).copied()).is_err() {
        slots[at] =
            Slot { code: 0xbf, dst: u.int_in_range(0..=9)?, src: u.int_in_range(0..=10)?, ..Slot::default() };
    }
    Ok(Code::from_slots(&slots))
}
