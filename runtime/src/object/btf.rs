//! BTF: the types behind map definitions, and of functions.
//!
//! A reader of the few kinds that these are made of; of the others
//! it knows no more than their length. A type is looked into when it is asked
//! for. No walk is longer than [`MAX_DEPTH`], and all walks together are bounded
//! by the size of the section, since hostile types may share what they point to.

use super::ObjectError;
use super::funcs::Tags;
use brolga_core::func::{Func, Linkage, Param, ParamTags, Pointee};
use std::cell::Cell;

/// How long a chain of typedefs, arrays or qualifiers may be, as in libbpf.
const MAX_DEPTH: usize = 32;

/// The kinds, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int = 1,
    Ptr = 2,
    Array = 3,
    Struct = 4,
    Union = 5,
    Enum = 6,
    Fwd = 7,
    Typedef = 8,
    Volatile = 9,
    Const = 10,
    Restrict = 11,
    Func = 12,
    FuncProto = 13,
    Var = 14,
    Datasec = 15,
    Float = 16,
    DeclTag = 17,
    TypeTag = 18,
    Enum64 = 19,
}

impl Kind {
    const ALL: [Self; 19] = [
        Self::Int,
        Self::Ptr,
        Self::Array,
        Self::Struct,
        Self::Union,
        Self::Enum,
        Self::Fwd,
        Self::Typedef,
        Self::Volatile,
        Self::Const,
        Self::Restrict,
        Self::Func,
        Self::FuncProto,
        Self::Var,
        Self::Datasec,
        Self::Float,
        Self::DeclTag,
        Self::TypeTag,
        Self::Enum64,
    ];

    fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
    }

    /// The bytes that follow the 12 common ones.
    const fn extra(self, vlen: usize) -> usize {
        match self {
            Self::Int | Self::Var | Self::DeclTag => 4,
            Self::Array => 12,
            Self::Struct | Self::Union | Self::Datasec | Self::Enum64 => 12 * vlen,
            Self::Enum | Self::FuncProto => 8 * vlen,
            Self::Ptr
            | Self::Fwd
            | Self::Typedef
            | Self::Volatile
            | Self::Const
            | Self::Restrict
            | Self::Func
            | Self::Float
            | Self::TypeTag => 0,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Type<'d> {
    name: u32,
    kind: Kind,
    bitfields: bool,
    /// How many members there are, or a fact by the kind.
    vlen: u32,
    /// A size in bytes or another type's id, by the kind.
    word: u32,
    extra: &'d [u8],
}

/// The type information of an object.
#[derive(Debug)]
pub(super) struct Btf<'d> {
    types: Vec<Type<'d>>,
    strings: &'d [u8],
    /// How many bytes may still be looked at.
    left: Cell<usize>,
}

/// A variable of a section.
#[derive(Clone, Copy, Debug)]
pub(super) struct Var<'d> {
    pub(super) name: &'d str,
    pub(super) type_id: u32,
    /// The offset as it stands in the file, before relocation.
    pub(super) off: u32,
}

/// A member of a structure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member<'d> {
    pub(super) name: &'d str,
    pub(super) type_id: u32,
    /// In bytes; of a bit field the byte that it starts in.
    pub(super) off: u32,
}

fn bad(what: &'static str, at: u32) -> ObjectError {
    ObjectError::Btf { what, at }
}

/// The little-endian word at this offset.
pub(super) fn word(data: &[u8], at: usize) -> Option<u32> {
    let bytes = data.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

/// The part of `data` from `base + off`, `len` bytes long.
pub(super) fn part(data: &[u8], base: u32, off: u32, len: u32) -> Option<&[u8]> {
    let start = (base as usize).checked_add(off as usize)?;
    data.get(start..start.checked_add(len as usize)?)
}

/// The string that starts here, up to its NUL; none where it is longer than any
/// name is.
fn string_at(strings: &[u8], off: u32) -> Option<&str> {
    let bytes = strings.get(off as usize..)?;
    let bytes = &bytes[..bytes.len().min(4096)];
    let len = bytes.iter().position(|b| *b == 0)?;
    str::from_utf8(&bytes[..len]).ok()
}

impl<'d> Btf<'d> {
    const MAGIC: u16 = 0xeb9f;

    /// Reads the contents of a `.BTF` section.
    pub(super) fn parse(data: &'d [u8]) -> Result<Self, ObjectError> {
        let magic = data.first_chunk().map(|b| u16::from_le_bytes(*b));
        if magic != Some(Self::MAGIC) {
            return Err(bad("no BTF header", 0));
        }
        let field = |at| word(data, at).ok_or(bad("a header that is cut off", 0));
        let header = field(4)?;
        let types = part(data, header, field(8)?, field(12)?).ok_or(bad("types outside the section", 0))?;
        let strings =
            part(data, header, field(16)?, field(20)?).ok_or(bad("strings outside the section", 0))?;
        let left = Cell::new(data.len().saturating_mul(64).saturating_add(1 << 20));
        Ok(Self { types: read_types(types)?, strings, left })
    }

    fn spend(&self, bytes: usize) -> Result<(), ObjectError> {
        let left =
            self.left.get().checked_sub(bytes).ok_or(ObjectError::TooLarge("types that share much"))?;
        self.left.set(left);
        Ok(())
    }

    /// The string at this offset.
    pub(super) fn string(&self, off: u32) -> Result<&'d str, ObjectError> {
        let string = string_at(self.strings, off).ok_or(bad("no string at this offset", off))?;
        self.spend(string.len() + 1)?;
        Ok(string)
    }

    /// The strings, for line information.
    pub(super) const fn strings(&self) -> &'d [u8] {
        self.strings
    }

    /// Ids start at 1; 0 is `void`.
    fn get(&self, id: u32) -> Result<&Type<'d>, ObjectError> {
        let index = (id as usize).checked_sub(1).ok_or(bad("void where a type is needed", 0))?;
        self.spend(12)?;
        self.types.get(index).ok_or(bad("no such type", id))
    }

    /// The type behind typedefs and qualifiers.
    fn plain(&self, id: u32) -> Result<(u32, &Type<'d>), ObjectError> {
        let mut at = id;
        for _ in 0..MAX_DEPTH {
            let found = self.get(at)?;
            match found.kind {
                Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                    at = found.word
                }
                Kind::Int
                | Kind::Ptr
                | Kind::Array
                | Kind::Struct
                | Kind::Union
                | Kind::Enum
                | Kind::Fwd
                | Kind::Func
                | Kind::FuncProto
                | Kind::Var
                | Kind::Datasec
                | Kind::Float
                | Kind::DeclTag
                | Kind::Enum64 => return Ok((at, found)),
            }
        }
        Err(bad("a chain of types without end", id))
    }

    /// The variables of the section with this name.
    pub(super) fn section(&self, name: &str) -> Result<Vec<Var<'d>>, ObjectError> {
        let is_it = |t: &&Type<'_>| t.kind == Kind::Datasec && self.string(t.name) == Ok(name);
        let Some(section) = self.types.iter().find(is_it) else { return Ok(Vec::new()) };
        section.extra.chunks_exact(12).map(|entry| self.var(entry)).collect()
    }

    fn var(&self, entry: &[u8]) -> Result<Var<'d>, ObjectError> {
        let [id, off] = [0, 4].map(|at| word(entry, at).unwrap_or(0));
        let var = self.get(id)?;
        if var.kind != Kind::Var {
            return Err(bad("a section's entry is no variable", id));
        }
        Ok(Var { name: self.string(var.name)?, type_id: var.word, off })
    }

    /// The members of a structure.
    pub(super) fn members(&self, id: u32) -> Result<Vec<Member<'d>>, ObjectError> {
        let (id, found) = self.plain(id)?;
        if found.kind != Kind::Struct {
            return Err(bad("not a structure", id));
        }
        self.spend(found.extra.len())?;
        let bits = |off: u32| if found.bitfields { off & 0x00ff_ffff } else { off };
        let member = |entry: &[u8]| {
            let [name, type_id, off] = [0, 4, 8].map(|at| word(entry, at).unwrap_or(0));
            Ok(Member { name: self.string(name)?, type_id, off: bits(off) / 8 })
        };
        found.extra.chunks_exact(12).map(member).collect()
    }

    /// Whether it is a structure of this name.
    pub(super) fn is_struct(&self, id: u32, name: &str) -> bool {
        self.plain(id).is_ok_and(|(_, t)| t.kind == Kind::Struct && self.string(t.name) == Ok(name))
    }

    /// Whether it is a structure at all.
    pub(super) fn is_any_struct(&self, id: u32) -> bool {
        self.plain(id).is_ok_and(|(_, t)| t.kind == Kind::Struct)
    }

    /// The type that a pointer points to.
    pub(super) fn pointee(&self, id: u32) -> Result<u32, ObjectError> {
        let (id, found) = self.plain(id)?;
        if found.kind == Kind::Ptr { Ok(found.word) } else { Err(bad("not a pointer", id)) }
    }

    /// Whether it is a pointer to what the kernel manages (`__kptr` and its
    /// like).
    pub(super) fn is_kptr(&self, id: u32) -> bool {
        let tagged = |id| self.get(id).is_ok_and(|t| t.kind == Kind::TypeTag && self.is_kptr_tag(t.name));
        self.pointee(id).is_ok_and(tagged)
    }

    fn is_kptr_tag(&self, name: u32) -> bool {
        matches!(self.string(name), Ok("kptr" | "kptr_untrusted" | "percpu_kptr" | "uptr"))
    }

    /// The type of an array's elements, and how many there are.
    pub(super) fn array(&self, id: u32) -> Result<(u32, u32), ObjectError> {
        let (id, found) = self.plain(id)?;
        match (found.kind, word(found.extra, 0), word(found.extra, 8)) {
            (Kind::Array, Some(element), Some(len)) => Ok((element, len)),
            _ => Err(bad("not an array", id)),
        }
    }

    /// The size of a value of the type, in bytes.
    pub(super) fn size(&self, id: u32) -> Result<u32, ObjectError> {
        let (mut at, mut count) = (id, 1u64);
        for _ in 0..MAX_DEPTH {
            let (plain, found) = self.plain(at)?;
            let size = match found.kind {
                Kind::Int | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Float => {
                    found.word
                }
                Kind::Ptr => 8,
                Kind::Array => {
                    let (element, len) = self.array(plain)?;
                    (at, count) = (element, count.saturating_mul(len.into()));
                    continue;
                }
                _ => return Err(bad("a type without a size", plain)),
            };
            let bytes = count.saturating_mul(size.into());
            return u32::try_from(bytes).map_err(|_| bad("a size that is too large", id));
        }
        Err(bad("a chain of types without end", id))
    }
}

/// Functions.
impl Btf<'_> {
    /// What the tags of parameters say: `__arg_ctx` and its like.
    pub(super) fn param_tags(&self) -> Result<Tags, ObjectError> {
        let mut tags = Tags::new();
        for found in self.types.iter().filter(|t| t.kind == Kind::DeclTag) {
            let Some(tag) = self.string(found.name)?.strip_prefix("arg:") else { continue };
            let index = word(found.extra, 0).unwrap_or(u32::MAX);
            let said = tags.entry((found.word, index)).or_default();
            match tag {
                "ctx" => said.ctx = true,
                "nonnull" => said.nonnull = true,
                _ => said.other = true,
            }
        }
        Ok(tags)
    }

    /// A function by its type.
    pub(super) fn func(&self, id: u32, tags: &Tags) -> Result<Func, ObjectError> {
        let func = self.get(id)?;
        let proto = self.get(func.word)?;
        if func.kind != Kind::Func || proto.kind != Kind::FuncProto {
            return Err(bad("not a function", id));
        }
        // The number of members is the linkage here.
        let linkage = if func.vlen == 1 { Linkage::Global } else { Linkage::Static };
        self.spend(proto.extra.len())?;
        let param = |(index, entry): (u32, &[u8])| {
            let tags = tags.get(&(id, index)).copied().unwrap_or_default();
            self.param(word(entry, 4).unwrap_or(0), tags)
        };
        let params = (0..).zip(proto.extra.chunks_exact(8)).map(param).collect::<Result<_, _>>()?;
        let name = self.string(func.name)?.to_owned();
        Ok(Func { name, linkage, params, returns_scalar: self.is_scalar(proto.word) })
    }

    fn is_scalar(&self, id: u32) -> bool {
        self.plain(id).is_ok_and(|(_, t)| matches!(t.kind, Kind::Int | Kind::Enum | Kind::Enum64))
    }

    fn param(&self, id: u32, tags: ParamTags) -> Result<Param, ObjectError> {
        if self.is_scalar(id) {
            return Ok(Param::Scalar);
        }
        let (_, found) = self.plain(id)?;
        match found.kind {
            Kind::Ptr => Ok(Param::Pointer { to: self.param_pointee(found.word)?, tags }),
            Kind::Struct | Kind::Union => Ok(Param::Other("STRUCT")),
            _ => Ok(Param::Other("UNKN")),
        }
    }

    /// What a parameter points to: by the name of the structure, but for a name
    /// that the kernel gives a context.
    fn param_pointee(&self, id: u32) -> Result<Pointee, ObjectError> {
        const CONTEXT: &str = "bpf_user_pt_regs_t";
        let named = |kind, name: &str, size| Pointee { kind, name: name.to_owned(), size };
        if let Ok(found) = self.get(id)
            && found.kind == Kind::Typedef
            && self.string(found.name)? == CONTEXT
        {
            return Ok(named("TYPEDEF", CONTEXT, self.size(id).ok()));
        }
        match self.plain(id) {
            Ok((_, found)) => {
                let kind = if found.kind == Kind::Struct { "STRUCT" } else { "UNKN" };
                Ok(named(kind, self.string(found.name)?, self.size(id).ok()))
            }
            Err(_) => Ok(named("VOID", "", None)),
        }
    }
}

fn read_types(mut data: &[u8]) -> Result<Vec<Type<'_>>, ObjectError> {
    let mut types = Vec::new();
    while !data.is_empty() {
        let cut = bad("a type that is cut off", types.len() as u32 + 1);
        let (found, rest) = read_type(data).ok_or(cut)?;
        types.push(found);
        data = rest;
    }
    Ok(types)
}

fn read_type(data: &[u8]) -> Option<(Type<'_>, &[u8])> {
    let [name, info, word] = [word(data, 0)?, word(data, 4)?, word(data, 8)?];
    let kind = Kind::from_number(info >> 24 & 0x1f)?;
    let (extra, rest) = data.get(12..)?.split_at_checked(kind.extra(info as usize & 0xffff))?;
    let (bitfields, vlen) = (info >> 31 == 1, info & 0xffff);
    Some((Type { name, kind, bitfields, vlen, word, extra }, rest))
}
