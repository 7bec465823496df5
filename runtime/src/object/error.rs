//! What is wrong with bytes that are no eBPF object.

use thiserror::Error;

/// Why an object, or one of its programs, can not be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ObjectError {
    /// The bytes are no ELF file that can be read.
    #[error("not a readable ELF file: {0}")]
    Elf(String),
    /// An ELF file of another kind than a little-endian object for BPF.
    #[error("not an eBPF object: {0}")]
    NotBpf(String),
    /// More is described than such a file can hold, or than a loader should
    /// take: overlapping sections, or programs that grow when they are linked.
    #[error("the object describes too much: {0}")]
    TooLarge(&'static str),
    /// The type information (`.BTF`) is malformed.
    #[error("malformed BTF: {what} (type {at})")]
    Btf {
        /// What is wrong.
        what: &'static str,
        /// The type, or the offset of a string, where it is wrong.
        at: u32,
    },
    /// The line information (`.BTF.ext`) is malformed.
    #[error("malformed BTF.ext: {0}")]
    BtfExt(&'static str),
    /// A map's definition is malformed.
    #[error("map `{map}`: {what}")]
    Map {
        /// The map.
        map: String,
        /// What is wrong with its definition.
        what: String,
    },
    /// A function's symbol does not lie in its section, or is no whole number
    /// of instructions.
    #[error("function `{function}` is not a sequence of instructions of section `{section}`")]
    Function {
        /// The function.
        function: String,
        /// The section.
        section: String,
    },
    /// A reference that can not be resolved.
    #[error("section `{section}`, offset {offset:#x}: {what}")]
    Relocation {
        /// The section that holds the instruction.
        section: String,
        /// The instruction's offset in the section, in bytes.
        offset: u64,
        /// Why not.
        what: String,
    },
    /// There is no program of this name.
    #[error("the object has no program `{0}`")]
    NoProgram(String),
    /// There is no map of this name.
    #[error("the object has no map `{0}`")]
    NoMap(String),
    /// There is no global variable of this name, or not of this size.
    #[error("the object has no global variable `{name}` of {size} bytes")]
    NoGlobal {
        /// The name asked for.
        name: String,
        /// The size of the value given, in bytes.
        size: usize,
    },
}
