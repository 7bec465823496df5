//! What BTF says of a program's functions.

/// Who may call a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linkage {
    /// Only what the verifier sees: it is walked with each call.
    Static,
    /// Anyone: it is verified once, for every argument of its types.
    Global,
}

/// What a pointer parameter points to, modifiers aside.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointee {
    /// BTF's name of the kind of type, such as `STRUCT`.
    pub kind: &'static str,
    /// The type's name; may be empty.
    pub name: String,
    /// The type's size in bytes, where it has one.
    pub size: Option<u32>,
}

/// What a parameter's tags say of it (`__arg_ctx` and its like).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ParamTags {
    /// It is the context, whatever its type's name.
    pub ctx: bool,
    /// It is never null.
    pub nonnull: bool,
    /// Some other tag.
    pub other: bool,
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Param {
    /// A number: an integer or an enumeration.
    Scalar,
    /// A pointer.
    Pointer {
        /// To what.
        to: Pointee,
        /// What else is said of it.
        tags: ParamTags,
    },
    /// Something else, by BTF's name of the kind of type.
    Other(&'static str),
}

/// A function of a program, by its BTF.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Func {
    /// The name.
    pub name: String,
    /// Who may call it.
    pub linkage: Linkage,
    /// What it takes, in r1 to r5.
    pub params: Vec<Param>,
    /// Whether it returns a number.
    pub returns_scalar: bool,
}

impl Func {
    /// A function that only the program calls, without parameters of known
    /// types.
    #[must_use]
    pub fn of_program(name: impl Into<String>) -> Self {
        Self { name: name.into(), linkage: Linkage::Static, params: Vec::new(), returns_scalar: true }
    }
}
