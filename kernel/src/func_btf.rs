//! BTF for a program's functions, as small as can be.

use brolga_core::func::{Func, Linkage, Param, Pointee};

const INT: u32 = 1;
const PTR: u32 = 2;
const STRUCT: u32 = 4;
const FWD: u32 = 7;
const FUNC: u32 = 12;
const FUNC_PROTO: u32 = 13;
const FLOAT: u32 = 16;
const DECL_TAG: u32 = 17;

/// The id of the type `int`, which comes first.
const INT_ID: u32 = 1;

/// The id of the i-th function: those come after `int`, the prototypes first.
/// Fixed, so that who names them need not look at the types.
pub(super) const fn id_of(i: u32) -> u32 {
    INT_ID + 1 + i
}

/// The types of these functions, ready to be loaded.
pub(super) fn of<'a>(funcs: impl Iterator<Item = &'a Func> + Clone) -> Vec<u8> {
    let mut out = Btf { types: Vec::new(), strings: vec![0], count: 0 };
    out.integer();
    let count = funcs.clone().count() as u32;
    // The functions first, so that their ids are known; what they are of follows.
    for (i, func) in (0..).zip(funcs.clone()) {
        let linkage = u32::from(func.linkage == Linkage::Global);
        out.add(&func.name, FUNC, linkage, id_of(count + i), &[]);
    }
    let mut next = id_of(2 * count);
    let mut later = Vec::new();
    for func in funcs.clone() {
        let mut params = Vec::new();
        for param in &func.params {
            let (id, types) = parameter(param, &mut next);
            params.extend([0, id]);
            later.extend(types);
        }
        let vlen = func.params.len() as u32;
        out.add_named(&params, FUNC_PROTO, vlen, if func.returns_scalar { INT_ID } else { 0 });
    }
    later.iter().for_each(|late| out.late(late));
    for (i, func) in (0..).zip(funcs) {
        out.tags(func, id_of(i));
    }
    out.finish()
}

/// A type that a parameter refers to.
enum Late {
    Pointer(u32),
    To(Pointee),
    Float,
}

fn parameter(param: &Param, next: &mut u32) -> (u32, Vec<Late>) {
    match param {
        Param::Scalar => (INT_ID, Vec::new()),
        Param::Pointer { to, .. } => {
            *next += 2;
            (*next - 2, vec![Late::Pointer(*next - 1), Late::To(to.clone())])
        }
        Param::Other(_) => {
            *next += 1;
            (*next - 1, vec![Late::Float])
        }
    }
}

struct Btf {
    types: Vec<u8>,
    strings: Vec<u8>,
    count: u32,
}

impl Btf {
    fn integer(&mut self) {
        // 32 bits, signed.
        self.add("int", INT, 0, 4, &[1 << 24 | 32]);
    }

    fn string(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let at = self.strings.len() as u32;
        self.strings.extend(text.bytes().chain([0]));
        at
    }

    fn add(&mut self, name: &str, kind: u32, vlen: u32, word: u32, extra: &[u32]) {
        let name = self.string(name);
        let words = [name, kind << 24 | vlen, word];
        self.types.extend(words.iter().chain(extra).flat_map(|w| w.to_le_bytes()));
        self.count += 1;
    }

    /// A prototype, whose parameters must have names.
    fn add_named(&mut self, params: &[u32], kind: u32, vlen: u32, word: u32) {
        let name = self.string("x");
        let named: Vec<u32> = params.chunks(2).flat_map(|p| [name, p[1]]).collect();
        self.add("", kind, vlen, word, &named);
    }

    fn late(&mut self, late: &Late) {
        match late {
            Late::Pointer(to) => self.add("", PTR, 0, *to, &[]),
            Late::To(Pointee { name, size: Some(size), .. }) => self.add(name, STRUCT, 0, *size, &[]),
            Late::To(Pointee { name, size: None, .. }) => self.add(name, FWD, 0, 0, &[]),
            Late::Float => self.add("float", FLOAT, 0, 4, &[]),
        }
    }

    fn tags(&mut self, func: &Func, id: u32) {
        for (i, param) in (0..).zip(&func.params) {
            let Param::Pointer { tags, .. } = param else { continue };
            for (name, is) in [("arg:ctx", tags.ctx), ("arg:nonnull", tags.nonnull)] {
                if is {
                    self.add(name, DECL_TAG, 0, id, &[i]);
                }
            }
        }
    }

    fn finish(self) -> Vec<u8> {
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        let header = [0x0001_eb9f, 24, 0, types, types, strings];
        let header = header.iter().flat_map(|w: &u32| w.to_le_bytes());
        header.chain(self.types).chain(self.strings).collect()
    }
}
