//! The rules about what a program holds, and about objects that are not plain
//! memory.

use super::Offset;
use crate::domain::Tnum;
use brolga_core::{Pc, Reg};
use thiserror::Error;

/// A broken rule about references, locks, timers, dynptrs or sockets.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Held {
    // References.
    /// A reference is held where the run may end.
    #[error("{place} would lead to reference leak")]
    Leak {
        /// The kernel's name of the place.
        place: &'static str,
        /// The references: their names, and the calls that acquired them.
        held: Vec<(u32, Pc)>,
    },
    /// What is to be released is not held.
    #[error("R{} must be referenced when passed to release function", .0.index())]
    NotReferenced(Reg),
    /// What is to be released is no longer held.
    #[error("func {name}#{id} reference has not been acquired before")]
    NotAcquired {
        /// The helper's name.
        name: String,
        /// Its number.
        id: i32,
    },
    /// Not the start of what is to be released.
    #[error("R{} must have zero offset when passed to release func or trusted arg to kfunc", .0.index())]
    ReleasesMiddle(Reg),
    /// Two arguments with references, of which one is to be released or handed on.
    #[error("more than one arg with ref_obj_id R{} {second} {first}", .reg.index())]
    TwoReferences {
        /// The register of the second.
        reg: Reg,
        /// The first reference.
        first: u32,
        /// The second.
        second: u32,
    },
    /// A size that must be known.
    #[error("R{} is not a known constant'", .0.index())]
    SizeNotConstant(Reg),

    // Locks and other fields of map values.
    /// Something that may not be done with a lock held.
    #[error("{0} cannot be used inside bpf_spin_lock-ed region")]
    InLock(&'static str),
    /// A call with a lock held.
    #[error("function calls are not allowed while holding a lock")]
    CallInLock,
    /// A second lock.
    #[error("Locking two bpf_spin_locks are not allowed")]
    TwoLocks,
    /// A lock is given back that there is none of.
    #[error("bpf_spin_unlock without taking a lock")]
    NoLock,
    /// Another lock is given back than is held.
    #[error("bpf_spin_unlock of different lock")]
    OtherLock,
    /// Where the field is, is not known.
    #[error("R{} doesn't have constant offset. {field} has to be at the constant offset", .reg.index())]
    FieldVariable {
        /// The register.
        reg: Reg,
        /// The kernel's name of what is wanted.
        field: &'static str,
    },
    /// Nothing is known of the map's values.
    #[error("map '{map}' has to have BTF in order to use {field}")]
    FieldUntyped {
        /// The map's name.
        map: String,
        /// The kernel's name of what is wanted.
        field: &'static str,
    },
    /// The map's values have no such field.
    #[error("map '{map}' has no valid {field}")]
    NoField {
        /// The map's name.
        map: String,
        /// The kernel's name of what is wanted.
        field: &'static str,
    },
    /// The field is elsewhere.
    #[error("off {off} doesn't point to 'struct {field}' that is at {at}")]
    FieldElsewhere {
        /// Where it was looked for.
        off: i64,
        /// The kernel's name of the structure.
        field: &'static str,
        /// Where it is.
        at: u32,
    },
    /// A field that the kernel manages is accessed as memory.
    #[error("{0} cannot be accessed directly by load/store")]
    FieldAccess(&'static str),
    /// A helper is given a kernel pointer's bytes.
    #[error("kptr cannot be accessed indirectly by helper")]
    KptrIndirect,
    /// A kernel pointer's bytes, it is not known which.
    #[error("kptr access cannot have variable offset")]
    KptrVariable,
    /// Not the start of a kernel pointer.
    #[error("kptr access misaligned expected={expected} off={off}")]
    KptrMisaligned {
        /// Where it starts.
        expected: u32,
        /// Where the access starts.
        off: i64,
    },
    /// A part of a kernel pointer.
    #[error("kptr access size must be BPF_DW")]
    KptrPart,
    /// A timer is to belong to another map than it lies in.
    #[error("timer pointer in R1 map_uid=0 doesn't match map pointer in R2 map_uid=0")]
    TimerOfOtherMap,
    /// Programs of a kind may not use such a map.
    #[error("{0}")]
    MapOfProgram(&'static str),

    // Sockets and other objects.
    /// A socket has no such field.
    #[error("R{} invalid {kind} access off={off} size={size}", .reg.index())]
    SocketField {
        /// The register.
        reg: Reg,
        /// The kernel's name of the pointer's type.
        kind: &'static str,
        /// The offset, in bytes.
        off: i64,
        /// The number of bytes.
        size: u32,
    },
    /// Flags that must be 0.
    #[error("get_local_storage() doesn't support non-zero flags")]
    StorageFlags,
    /// A structure of another kind.
    #[error("R{} is of type {found} but {expected} is expected", .reg.index())]
    OtherStructure {
        /// The register.
        reg: Reg,
        /// What it points to.
        found: &'static str,
        /// What is wanted.
        expected: &'static str,
    },

    // Dynptrs.
    /// Nowhere that a new dynptr can be.
    #[error("Dynptr has to be an uninitialized dynptr")]
    DynptrPlace,
    /// No dynptr is there.
    #[error("Expected an initialized dynptr as arg #{0}")]
    NoDynptr(usize),
    /// A dynptr of another kind is there.
    #[error("Expected a dynptr of type {kind} as arg #{arg}")]
    DynptrKind {
        /// The kernel's name of the kind wanted.
        kind: &'static str,
        /// The argument, from 0.
        arg: usize,
    },
    /// A dynptr is to be released that holds nothing.
    #[error("arg {} is an unacquired reference", .0.index())]
    DynptrUnacquired(Reg),
    /// A dynptr that must be released is overwritten.
    #[error("cannot overwrite referenced dynptr")]
    DynptrOverwritten,
    /// A helper may fill the bytes of a dynptr.
    #[error("potential write to dynptr at off={0} disallowed")]
    DynptrFilled(i32),
    /// A dynptr's bytes are read.
    #[error("invalid read from stack off {off}+{byte} size {size}")]
    DynptrRead {
        /// Where the read starts.
        off: i32,
        /// The first of its bytes that is a dynptr's.
        byte: i32,
        /// How many bytes it reads.
        size: u32,
    },
    /// A helper reads a dynptr's bytes.
    #[error("invalid read from stack R{} off {off}+{byte} size {size}", .reg.index())]
    DynptrReadByHelper {
        /// The register.
        reg: Reg,
        /// Where the read starts.
        off: i32,
        /// The first of its bytes that is a dynptr's.
        byte: i32,
        /// How many bytes it reads.
        size: u32,
    },
    /// A dynptr's bytes may be read, at an offset that is not known.
    #[error("invalid read from stack R{} var_off {}+{byte} size {size}", .reg.index(), Offset(*.var))]
    DynptrReadVariable {
        /// The register.
        reg: Reg,
        /// The variable part of the offset.
        var: Tnum,
        /// The first byte that is a dynptr's, from the least offset on.
        byte: i32,
        /// How many bytes are read.
        size: u32,
    },
    /// A dynptr over memory of another kind than a map's value.
    #[error("Unsupported reg type {0} for bpf_dynptr_from_mem data")]
    DynptrMemory(&'static str),

    // Iterators, and sections in which something may not be done.
    /// An iterator that is not on the stack.
    #[error("arg#0 expected pointer to an iterator on stack")]
    IteratorPlace,
    /// One begins where there is one, or not at a slot.
    #[error("expected uninitialized iter_num as arg #0")]
    IteratorThere,
    /// No iterator is there.
    #[error("expected an initialized iter_num as arg #0")]
    NoIterator,
    /// An argument of a kernel function that is no number.
    #[error("R{} is not a scalar", .0.index())]
    NoScalar(Reg),
    /// Something that may not be done while RCU is read.
    #[error("{0} cannot be used inside bpf_rcu_read_lock-ed region")]
    InRcu(&'static str),
    /// The same with preemption disabled.
    #[error("{0} cannot be used inside bpf_preempt_disable-ed region")]
    InPreempt(&'static str),
    /// RCU is read already.
    #[error("nested rcu read lock (kernel function bpf_rcu_read_lock)")]
    RcuTwice,
    /// RCU is not read.
    #[error("unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)")]
    RcuNotRead,
    /// Preemption is not disabled.
    #[error("unmatched attempt to enable preemption (kernel function bpf_preempt_enable)")]
    PreemptNotDisabled,
    /// A helper that sleeps where nothing may.
    #[error("sleepable helper {name}#{id} in {region}")]
    Sleeps {
        /// The helper's name.
        name: String,
        /// Its number.
        id: i32,
        /// The kernel's name of the section.
        region: &'static str,
    },

    // Strings.
    /// A string that may yet be changed.
    #[error("R{} does not point to a readonly map'", .0.index())]
    StringMayChange(Reg),
    /// A string whose place is not known.
    #[error("R{} is not a constant address'", .0.index())]
    StringAnywhere(Reg),
    /// A string in a map whose values have no known place.
    #[error("no direct value access support for this map type")]
    StringInOtherMap,
    /// The same, of one with several values.
    #[error("direct value access on string failed")]
    StringNotDirect,
    /// A string that the value's end cuts off.
    #[error("string is not zero-terminated")]
    StringWithoutEnd,
    /// What is no format, or wants more arguments.
    #[error("Invalid format string")]
    Format,
    /// Arguments that are no whole words. The kernel says nothing of it.
    #[error("the size of the arguments is no multiple of 8")]
    FormatArguments,
}
