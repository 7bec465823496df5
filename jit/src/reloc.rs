//! Relocations: addresses that are known only once code has its place.
//!
//! There are three kinds, for nothing else is ever asked of Cranelift: a direct
//! call on either architecture, and a full address.

use cranelift_codegen::binemit::Reloc as Kind;

/// What a relocation refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Symbol {
    /// A byte of the code.
    Code(u32),
    /// A function of the host.
    Host(u64),
}

/// A place in code that refers to something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relocation {
    /// The place, in bytes from the code's start.
    pub(crate) offset: u32,
    pub(crate) kind: Kind,
    pub(crate) to: Symbol,
    pub(crate) addend: i64,
}

/// A stub that jumps to a function at any distance.
const X86_64_VENEER: [u8; 8] = [0xff, 0x25, 2, 0, 0, 0, 0x90, 0x90]; // jmp [rip + 2]; nop; nop
const AARCH64_VENEER: [u8; 8] = [0x50, 0, 0, 0x58, 0, 0x02, 0x1f, 0xd6]; // ldr x16, 8; br x16

/// The bytes that a veneer takes.
const VENEER: usize = 16;

/// The bytes that relocating may need besides the code.
pub(crate) fn room(relocations: &[Relocation]) -> usize {
    let mut far: Vec<Symbol> = relocations.iter().map(|r| r.to).collect();
    far.sort_unstable();
    far.dedup();
    far.iter().filter(|to| matches!(to, Symbol::Host(_))).count() * VENEER
}

/// Relocates code that lies at `address` with `room` behind it, from `len` on.
///
/// # Errors
///
/// The offset of a relocation that can not be applied.
pub(crate) fn apply(
    code: &mut [u8],
    len: usize,
    address: usize,
    relocations: &[Relocation],
) -> Result<(), u32> {
    let mut veneers: Vec<(u64, usize)> = Vec::new();
    let mut end = len;
    for r in relocations {
        let target = match r.to {
            Symbol::Code(offset) => address as u64 + u64::from(offset),
            Symbol::Host(target) => target,
        };
        if one(code, address, r, target).is_some() {
            continue;
        }
        let at = match veneers.iter().find(|(to, _)| *to == target) {
            Some((_, at)) => *at,
            None => {
                veneer(code, end, r.kind, target).ok_or(r.offset)?;
                veneers.push((target, end));
                end += VENEER;
                end - VENEER
            }
        };
        one(code, address, r, (address + at) as u64).ok_or(r.offset)?;
    }
    Ok(())
}

fn veneer(code: &mut [u8], at: usize, kind: Kind, target: u64) -> Option<()> {
    let stub = match kind {
        Kind::X86CallPCRel4 => X86_64_VENEER,
        Kind::Arm64Call => AARCH64_VENEER,
        _ => return None,
    };
    let place = code.get_mut(at..at + VENEER)?;
    place[..8].copy_from_slice(&stub);
    place[8..].copy_from_slice(&target.to_le_bytes());
    Some(())
}

/// Applies one relocation, where the target is in its reach.
fn one(code: &mut [u8], address: usize, r: &Relocation, target: u64) -> Option<()> {
    let at = r.offset as usize;
    let target = target.wrapping_add_signed(r.addend);
    let distance = target.wrapping_sub((address + at) as u64) as i64;
    match r.kind {
        Kind::X86CallPCRel4 | Kind::X86PCRel4 => {
            let distance = i32::try_from(distance).ok()?;
            code.get_mut(at..at + 4)?.copy_from_slice(&distance.to_le_bytes());
        }
        Kind::Abs8 => code.get_mut(at..at + 8)?.copy_from_slice(&target.to_le_bytes()),
        Kind::Arm64Call => {
            let reach = 1 << 27;
            if distance % 4 != 0 || !(-reach..reach).contains(&distance) {
                return None;
            }
            let place = code.get_mut(at..at + 4)?;
            let opcode = u32::from_le_bytes(place.try_into().ok()?) & 0xfc00_0000;
            let word = opcode | ((distance >> 2) as u32 & 0x03ff_ffff);
            place.copy_from_slice(&word.to_le_bytes());
        }
        _ => return None,
    }
    Some(())
}
