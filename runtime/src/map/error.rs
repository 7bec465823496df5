//! What can go wrong with a map, with the kernel's number for it.

use crate::fd::FdError;
use brolga_core::{MapFlags, MapKind};
use rustix::io::Errno;
use thiserror::Error;

/// Why a map was not created, or an operation on one not done.
///
/// [`errno`](Self::errno) is the number that `bpf(2)` and the helpers give for
/// the same cause.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MapError {
    /// Maps of this kind can not be created here.
    #[error("maps of kind {} are not supported by this runtime", .0.name())]
    Unsupported(MapKind),
    /// A spin lock, timer or typed pointer that is not aligned within the value.
    #[error("a managed field at offset {off} does not fit a value of {size} bytes")]
    ManagedField {
        /// The field's offset in the value, in bytes.
        off: u32,
        /// The value size asked for, in bytes.
        size: u32,
    },
    /// The kind wants another key size.
    #[error("a {} map can not have keys of {size} bytes", .kind.name())]
    KeySize {
        /// The map's kind.
        kind: MapKind,
        /// The key size asked for, in bytes.
        size: u32,
    },
    /// The kind wants another value size.
    #[error("a {} map can not have values of {size} bytes", .kind.name())]
    ValueSize {
        /// The map's kind.
        kind: MapKind,
        /// The value size asked for, in bytes.
        size: u32,
    },
    /// A map for no elements.
    #[error("a {} map needs room for at least one element", .0.name())]
    NoEntries(MapKind),
    /// Flags that the kind does not know, or that contradict each other.
    #[error("a {} map can not have the flags {flags:?}", .kind.name())]
    Flags {
        /// The map's kind.
        kind: MapKind,
        /// The flags asked for.
        flags: MapFlags,
    },
    /// Keys, values or the number of elements are over the kind's limit.
    #[error("a {} map of {max_entries} elements with {key_size}-byte keys and {value_size}-byte values is over the limit", .kind.name())]
    TooBig {
        /// The map's kind.
        kind: MapKind,
        /// The key size asked for, in bytes.
        key_size: u32,
        /// The value size asked for, in bytes.
        value_size: u32,
        /// The number of elements asked for.
        max_entries: u32,
    },
    /// The memory is not to be had.
    #[error("no memory for {bytes} bytes of map elements")]
    NoMemory {
        /// How much was asked for, in bytes.
        bytes: u64,
    },
    /// A key of another size than the map's keys.
    #[error("the key has {given} bytes, this map's keys have {needed}")]
    KeyLength {
        /// The size of the key given, in bytes.
        given: usize,
        /// The size of the map's keys, in bytes.
        needed: u32,
    },
    /// A value of another size than the map's values.
    #[error("the value has {given} bytes, this map's values have {needed}")]
    ValueLength {
        /// The size of the value given, in bytes.
        given: usize,
        /// The size that the host's view of a value has, in bytes.
        needed: usize,
    },
    /// Update flags that there are not, or that the map can not honour.
    #[error("the update flags {0:#x} are not valid for this map")]
    UpdateFlags(u64),
    /// An index past the array's end.
    #[error("index {index} is past the end of an array of {max_entries}")]
    Index {
        /// The index.
        index: u32,
        /// The array's length.
        max_entries: u32,
    },
    /// A new key in a map that is full.
    #[error("the map is full")]
    Full,
    /// [`Update::NoExist`](super::Update::NoExist) of a key that the map has.
    #[error("the map already has this key")]
    Exists,
    /// A key that the map does not have.
    #[error("the map does not have this key")]
    NoEntry,
    /// Deletion from a map whose elements always exist.
    #[error("elements of this map can not be deleted")]
    NotDeletable,
    /// The host may not read this map ([`MapFlags::WRONLY`]).
    #[error("the host may not read this map")]
    NotReadable,
    /// The host may not write this map ([`MapFlags::RDONLY`], or frozen).
    #[error("the host may not write this map")]
    NotWritable,
    /// A program, or a tail call into the array, that is not like the programs
    /// that the array is for already: of another type, attach type or memory
    /// size, or with other load flags.
    #[error("the program is not like those that this program array is for")]
    Incompatible,
    /// What a program array's slot is to be set to is no program.
    #[error(transparent)]
    Fd(#[from] FdError),
    /// A file descriptor where there is no engine that could have given it out.
    #[error("the map belongs to no engine, so a file descriptor means nothing to it")]
    NoEngine,
    /// A map that programs can not be put into.
    #[error("a {0:?} map holds no programs")]
    NotProgArray(MapKind),
    /// An operation that maps of this kind do not have.
    #[error("maps of this kind do not have this operation")]
    Operation,
    /// A new key in a trie that is full.
    #[error("the trie is full")]
    TrieFull,
    /// A prefix that is longer than the trie's keys.
    #[error("the prefix of {given} bits is longer than the {longest} bits of a key")]
    Prefix {
        /// The prefix's length, in bits.
        given: u32,
        /// The most there may be.
        longest: u32,
    },
    /// A map of maps without a template for them, or with one that can not be in
    /// a map.
    #[error("a {} map can not hold maps of this kind", .0.name())]
    Inner(MapKind),
    /// A map that is not like those that a map of maps is for.
    #[error("the map is not like those that this map of maps is for")]
    UnlikeInner,
    /// Elements that are allocated one by one, in a kind of map that can not.
    #[error("a {} map can not have its elements allocated one by one", .0.name())]
    Prealloc(MapKind),
    /// `map_extra` that means nothing to the kind.
    #[error("a {} map can not have {extra:#x} as its map_extra", .kind.name())]
    Extra {
        /// The map's kind.
        kind: MapKind,
        /// The number given.
        extra: u64,
    },
    /// A ring buffer of another size than a power of two of whole pages.
    #[error("a ring buffer can not have {0} bytes: it takes a power of two of whole pages")]
    RingSize(u32),
    /// Someone else reads the ring buffer already.
    #[error("the ring buffer has a reader already")]
    Busy,
    /// The map was frozen before.
    #[error("the map is already frozen")]
    AlreadyFrozen,
}

/// `ENOTSUPP`, which is no error number of user space's.
const NOTSUPP: i32 = 524;

impl MapError {
    /// The kernel's (positive) error number for this.
    #[must_use]
    pub fn errno(&self) -> i32 {
        let errno = match self {
            Self::Unsupported(_) | Self::Operation => Errno::OPNOTSUPP,
            Self::Prealloc(_) => return NOTSUPP,
            Self::TrieFull => Errno::NOSPC,
            Self::Busy => Errno::BUSY,
            Self::KeySize { .. }
            | Self::ValueSize { .. }
            | Self::NoEntries(_)
            | Self::Flags { .. }
            | Self::ManagedField { .. }
            | Self::KeyLength { .. }
            | Self::ValueLength { .. }
            | Self::UpdateFlags(_)
            | Self::NotDeletable
            | Self::Incompatible
            | Self::Prefix { .. }
            | Self::Inner(_)
            | Self::UnlikeInner
            | Self::Extra { .. }
            | Self::RingSize(_)
            | Self::NotProgArray(_) => Errno::INVAL,
            Self::Fd(FdError::NotOpen(_) | FdError::NotMap(_)) | Self::NoEngine => Errno::BADF,
            Self::Fd(FdError::NotProgram(_) | FdError::NotTypes(_)) => Errno::INVAL,
            Self::TooBig { .. } | Self::Index { .. } | Self::Full => Errno::TOOBIG,
            Self::NoMemory { .. } => Errno::NOMEM,
            Self::Exists => Errno::EXIST,
            Self::NoEntry => Errno::NOENT,
            Self::NotReadable | Self::NotWritable => Errno::PERM,
            Self::AlreadyFrozen => Errno::BUSY,
        };
        errno.raw_os_error()
    }
}
