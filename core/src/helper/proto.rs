//! The prototype of a helper: `struct bpf_func_proto` and what the kernel's
//! verifier keeps in lists beside it.

use bitflags::bitflags;
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// What kind of value an argument must be (`enum bpf_arg_type`, its base).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgKind {
    /// The helper takes no such argument; the register is not looked at.
    Unused,
    /// Any initialised value (that is no pointer, for an unprivileged program).
    Anything,
    /// A map itself, known at load time.
    ConstMapPtr,
    /// A pointer to as many readable bytes as the map's key has.
    MapKey,
    /// A pointer to as many bytes as the map's value has.
    MapValue,
    /// A pointer to memory; its size is the next argument, or fixed.
    Mem,
    /// The size of the memory before it, in bytes, at least 1.
    ConstSize,
    /// The size of the memory before it, in bytes; 0 allows a null pointer.
    ConstSizeOrZero,
    /// The size of the memory that the helper will return, a known constant.
    ConstAllocSizeOrZero,
    /// The program's context, unmodified.
    Ctx,
    /// A `struct bpf_spin_lock` in a map value.
    SpinLock,
    /// A `struct bpf_timer` in a map value.
    Timer,
    /// A subprogram, as a callback.
    Func,
    /// A pointer into the stack.
    Stack,
    /// A constant string in a read-only map, with its NUL.
    ConstStr,
    /// A dynptr on the stack.
    Dynptr,
    /// Memory that a ring buffer reserved.
    RingbufMem,
    /// Any socket, by a `sock_common` or more.
    SockCommon,
    /// A full socket.
    Socket,
    /// Any socket, by a BTF-typed pointer or more.
    BtfSockCommon,
    /// A kernel object of a BTF type.
    BtfId,
    /// A per-CPU kernel variable of a BTF type.
    PercpuBtfId,
    /// A typed pointer field of a map value.
    KptrXchgDest,
}

bitflags! {
    /// What else holds of an argument.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ArgFlags: u8 {
        /// Null is allowed.
        const NULLABLE = 1 << 0;
        /// The helper initialises the memory; it need not be before.
        const UNINIT = 1 << 1;
        /// The helper only reads the memory.
        const RDONLY = 1 << 2;
        /// The helper writes to the memory.
        const WRITE = 1 << 3;
        /// The memory must be aligned to its fixed size.
        const ALIGNED = 1 << 4;
        /// The reference that the argument holds is released.
        const RELEASE = 1 << 5;
        /// The dynptr is one of a ring buffer's.
        const DYNPTR_RINGBUF = 1 << 6;
        /// The dynptr is one of local memory.
        const DYNPTR_LOCAL = 1 << 7;
    }
}

/// An argument of a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Arg {
    /// The kind of value.
    pub kind: ArgKind,
    /// What else holds.
    pub flags: ArgFlags,
    /// The size of an [`ArgKind::Mem`] that the next argument does not say, in
    /// bytes; else 0.
    pub fixed_size: u32,
    /// The kernel structure that an [`ArgKind::BtfId`] must point to; any,
    /// where there is none.
    pub btf: Option<&'static str>,
}

impl Arg {
    /// No argument.
    pub const UNUSED: Self = Self::of(ArgKind::Unused);
    /// Any initialised value.
    pub const ANYTHING: Self = Self::of(ArgKind::Anything);
    /// A map.
    pub const MAP: Self = Self::of(ArgKind::ConstMapPtr);
    /// A key of the map.
    pub const MAP_KEY: Self = Self::of(ArgKind::MapKey);
    /// A value of the map, read by the helper.
    pub const MAP_VALUE: Self = Self::of(ArgKind::MapValue);
    /// The context.
    pub const CTX: Self = Self::of(ArgKind::Ctx);
    /// Memory that the helper reads.
    pub const MEM: Self = Self::of(ArgKind::Mem).with(ArgFlags::RDONLY);
    /// Memory that the helper fills; it need not be initialised.
    pub const UNINIT_MEM: Self = Self::of(ArgKind::Mem).with(ArgFlags::UNINIT).with(ArgFlags::WRITE);
    /// The size of the memory before it, not 0.
    pub const SIZE: Self = Self::of(ArgKind::ConstSize);
    /// The size of the memory before it.
    pub const SIZE_OR_ZERO: Self = Self::of(ArgKind::ConstSizeOrZero);

    /// A kernel object of this structure.
    #[must_use]
    pub const fn btf(name: &'static str) -> Self {
        Self { btf: Some(name), ..Self::of(ArgKind::BtfId) }
    }

    /// An argument of a kind, without flags.
    #[must_use]
    pub const fn of(kind: ArgKind) -> Self {
        Self { kind, flags: ArgFlags::empty(), fixed_size: 0, btf: None }
    }

    /// The same with these flags too.
    #[must_use]
    pub const fn with(self, flags: ArgFlags) -> Self {
        Self { flags: self.flags.union(flags), ..self }
    }

    /// The same, or null.
    #[must_use]
    pub const fn or_null(self) -> Self {
        self.with(ArgFlags::NULLABLE)
    }

    /// The same with a fixed size in bytes.
    #[must_use]
    pub const fn sized(self, fixed_size: u32) -> Self {
        Self { fixed_size, ..self }
    }

    /// Whether null is allowed.
    #[must_use]
    pub const fn nullable(&self) -> bool {
        self.flags.contains(ArgFlags::NULLABLE)
    }
}

/// What kind of value a helper returns (`enum bpf_return_type`, its base).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetKind {
    /// A number.
    Integer,
    /// The number of a processor ([`Aux::processors`](crate::Aux::processors)).
    Processor,
    /// Nothing: r0 may not be read.
    Void,
    /// The address of a value of the map argument.
    MapValue,
    /// A full socket.
    Socket,
    /// A TCP socket.
    TcpSock,
    /// Any socket.
    SockCommon,
    /// Memory of as many bytes as the [`ArgKind::ConstAllocSizeOrZero`]
    /// argument said.
    AllocMem,
    /// Memory of this many bytes.
    Mem(u32),
    /// Memory of the type of the per-CPU variable, or another kernel object.
    BtfId,
    /// The kernel object that the typed pointer field held.
    Kptr,
}

/// What a helper returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ret {
    /// The kind of value.
    pub kind: RetKind,
    /// Whether it may be null instead.
    pub nullable: bool,
    /// The kernel structure that a [`RetKind::BtfId`] points to, where the
    /// prototype alone says it.
    pub btf: Option<&'static str>,
}

impl Ret {
    /// A number.
    pub const INTEGER: Self = Self::of(RetKind::Integer);
    /// Nothing.
    pub const VOID: Self = Self::of(RetKind::Void);
    /// The address of a map value, or null.
    pub const MAP_VALUE_OR_NULL: Self = Self::or_null(RetKind::MapValue);

    /// A value of this kind.
    #[must_use]
    pub const fn of(kind: RetKind) -> Self {
        Self { kind, nullable: false, btf: None }
    }

    /// A value of this kind, or null.
    #[must_use]
    pub const fn or_null(kind: RetKind) -> Self {
        Self { nullable: true, ..Self::of(kind) }
    }

    /// A kernel object of this structure, or null.
    #[must_use]
    pub const fn btf_or_null(name: &'static str) -> Self {
        Self { btf: Some(name), ..Self::or_null(RetKind::BtfId) }
    }
}

/// What a helper does with the subprogram that it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Callback {
    /// It runs it a number of times: with the round's index and the context
    /// (`bpf_loop`).
    Loop,
    /// It runs it for every element of a map: with the map, the key, the value
    /// and the context (`bpf_for_each_map_elem`).
    MapElem,
    /// It runs it for the mapping of an address: with the task, the mapping and
    /// the context (`bpf_find_vma`).
    Vma,
    /// It runs it for every sample of a ring: with the sample as a dynptr and
    /// the context (`bpf_user_ringbuf_drain`).
    UserRingbuf,
    /// It has it run when a timer is due: with the map, the key and the value
    /// that the timer is in (`bpf_timer_set_callback`).
    Timer,
}

impl Callback {
    /// Whether it runs at another time than the call, on its own.
    #[must_use]
    pub const fn runs_later(self) -> bool {
        matches!(self, Self::Timer)
    }

    /// What the subprogram may return: 0 to go on, 1 to stop.
    #[must_use]
    pub const fn results(self) -> RangeInclusive<i32> {
        match self {
            Self::Loop | Self::MapElem | Self::Vma | Self::UserRingbuf => 0..=1,
            Self::Timer => 0..=0,
        }
    }
}

/// What a helper acquires, which the program must release before it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefKind {
    /// A socket.
    Socket,
    /// Memory reserved in a ring buffer.
    Ringbuf,
    /// A kernel object taken from a map value.
    Kptr,
    /// A dynptr's memory in a ring buffer.
    DynptrRingbuf,
}

/// One helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proto {
    /// The number that a call names it by.
    pub id: i32,
    /// The name, such as `bpf_map_lookup_elem`.
    pub name: Cow<'static, str>,
    /// The arguments, in r1 to r5.
    pub args: [Arg; 5],
    /// The result, in r0.
    pub ret: Ret,
    /// Whether only a program under a GPL-compatible licence may call it.
    pub gpl_only: bool,
    /// Whether packet pointers may be passed as memory (`pkt_access`).
    pub packet_args: bool,
    /// Whether a call may move or change the packet, so that every packet
    /// pointer is lost.
    pub changes_packet: bool,
    /// What the caller must release later.
    pub acquires: Option<RefKind>,
    /// Whether a call may sleep.
    pub may_sleep: bool,
    /// What happens to the subprogram that an [`ArgKind::Func`] is.
    pub callback: Option<Callback>,
}

impl Proto {
    /// A helper without arguments that returns a number, to build others from.
    #[must_use]
    pub const fn new(id: i32, name: &'static str) -> Self {
        Self {
            id,
            name: Cow::Borrowed(name),
            args: [Arg::UNUSED; 5],
            ret: Ret::INTEGER,
            gpl_only: false,
            packet_args: false,
            changes_packet: false,
            acquires: None,
            may_sleep: false,
            callback: None,
        }
    }

    /// The same with these arguments, at most five.
    #[must_use]
    pub const fn takes(mut self, args: &[Arg]) -> Self {
        let mut i = 0;
        while i < args.len() {
            self.args[i] = args[i];
            i += 1;
        }
        self
    }

    /// The same with this result.
    #[must_use]
    pub const fn returns(mut self, ret: Ret) -> Self {
        self.ret = ret;
        self
    }

    /// The same, for GPL-compatible programs only.
    #[must_use]
    pub const fn gpl(mut self) -> Self {
        self.gpl_only = true;
        self
    }

    /// The same, with packet pointers allowed as memory.
    #[must_use]
    pub const fn packet_args(mut self) -> Self {
        self.packet_args = true;
        self
    }

    /// The same, after which every packet pointer is lost.
    #[must_use]
    pub const fn changes_packet(mut self) -> Self {
        self.changes_packet = true;
        self
    }

    /// The same, acquiring what the caller must release.
    #[must_use]
    pub const fn acquires(mut self, kind: RefKind) -> Self {
        self.acquires = Some(kind);
        self
    }

    /// The same, for programs that may sleep only.
    #[must_use]
    pub const fn sleeps(mut self) -> Self {
        self.may_sleep = true;
        self
    }

    /// The same, doing this with the subprogram that it takes.
    #[must_use]
    pub const fn runs(mut self, callback: Callback) -> Self {
        self.callback = Some(callback);
        self
    }

    /// How many arguments there are.
    #[must_use]
    pub fn arity(&self) -> usize {
        self.args.iter().take_while(|a| a.kind != ArgKind::Unused).count()
    }

    /// What in the prototype says too little for a call to be checked.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let args = &self.args[..self.arity()];
        let is_size = |arg: &Arg| matches!(arg.kind, ArgKind::ConstSize | ArgKind::ConstSizeOrZero);
        let is_unsized = |arg: &Arg| arg.kind == ArgKind::Mem && arg.fixed_size == 0;
        let before = [None].into_iter().chain(args.iter().map(Some));
        let sizes_nothing = before
            .zip(args)
            .any(|(before, arg)| is_size(arg) && before.is_none_or(|before| before.kind != ArgKind::Mem));
        let after = args.iter().skip(1).map(Some).chain([None]);
        let no_size =
            args.iter().zip(after).any(|(arg, after)| is_unsized(arg) && !after.is_some_and(is_size));
        let map = args.iter().position(|arg| arg.kind == ArgKind::ConstMapPtr).unwrap_or(args.len());
        let of_map = |arg: &Arg| matches!(arg.kind, ArgKind::MapKey | ArgKind::MapValue);
        let takes_func = args.iter().any(|arg| arg.kind == ArgKind::Func);
        match () {
            () if no_size => Some("memory whose size nothing says"),
            () if sizes_nothing => Some("a size without memory before it"),
            () if args[..map].iter().any(of_map) => Some("a key or value without a map before it"),
            () if takes_func != self.callback.is_some() => {
                Some("a callback of which nothing says who runs it")
            }
            () => None,
        }
    }

    /// Whether a call releases the reference that an argument holds.
    #[must_use]
    pub fn releases(&self) -> bool {
        self.args.iter().any(|a| a.flags.contains(ArgFlags::RELEASE))
    }
}
