//! The kernel's own types, as far as what its functions are numbered.

use std::collections::HashMap;

const FUNC: u32 = 12;

/// How many bytes follow the first twelve of a type of this kind, with so many
/// members.
const fn rest(kind: u32, members: usize) -> Option<usize> {
    Some(match kind {
        // Integers, variables and tags; arrays; structures and unions and what
        // has 64-bit values; enumerations and prototypes.
        1 | 14 | 17 => 4,
        3 => 12,
        4 | 5 | 15 | 19 => 12 * members,
        6 | 13 => 8 * members,
        2 | 7..=12 | 16 | 18 => 0,
        _ => return None,
    })
}

/// The functions of BTF by name, with their ids; as many as can be read.
pub(super) fn functions(btf: &[u8]) -> HashMap<String, i32> {
    let word = |at: usize| Some(u32::from_le_bytes(*btf.get(at..)?.first_chunk()?));
    let name = |at: usize| {
        let text = btf.get(at..)?.split(|byte| *byte == 0).next()?;
        String::from_utf8(text.to_vec()).ok()
    };
    let mut found = HashMap::new();
    let header = || Some((word(4)? as usize, word(8)? as usize, word(12)? as usize, word(16)? as usize));
    let Some((len, types, bytes, strings)) = header() else { return found };
    let (mut at, mut id) = (len + types, 0);
    let end = at + bytes;
    while at < end {
        id += 1;
        let (Some(text), Some(info)) = (word(at), word(at + 4)) else { break };
        let (kind, members) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
        if kind == FUNC
            && let Some(name) = name(len + strings + text as usize)
        {
            found.insert(name, id);
        }
        let Some(rest) = rest(kind, members) else { break };
        at += 12 + rest;
    }
    found
}
