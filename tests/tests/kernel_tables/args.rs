//! What each helper takes and gives: every argument of every prototype, tried
//! with what it is not.
//!
//! A call is made of valid arguments as far as a program without type
//! information can have them; what can not be had (a callback, a timer) is only
//! tried in its turn, and what comes after it is not.

use super::{Ask, Differences, ask, kernel, kernel_types};
use brolga_core::helper::{Arg, ArgFlags, ArgKind, Proto, RetKind};
use brolga_core::prog_type::{FieldKind, ProgramType, Sleepable};
use brolga_core::{MapDef, MapKind};
use brolga_tests::kernel::{Kernel, Verdict};
use std::fmt::Write as _;
use std::sync::Arc;

/// A prototype and a type of program that has it.
struct Subject {
    proto: Arc<Proto>,
    program_type: &'static Arc<ProgramType>,
}

/// Every prototype once, in a type of program that can give it the most.
fn subjects() -> Vec<Subject> {
    let mut all: Vec<Subject> = Vec::new();
    let mut types: Vec<_> = kernel_types().collect();
    types.sort_by_key(|t| (!t.packet.writes(), t.name != "sched_cls"));
    for program_type in types {
        for proto in program_type.helpers.values().filter(|p| !super::CONFIGURED.contains(&p.id)) {
            let sleeps = program_type.sleepable != Sleepable::No;
            let known = all.iter().any(|s| s.proto == *proto);
            if !known && (sleeps || !proto.may_sleep) {
                all.push(Subject { proto: proto.clone(), program_type });
            }
        }
    }
    all
}

impl Subject {
    /// The map that the helper wants.
    fn map(&self) -> MapDef {
        match self.proto.id {
            12 => MapDef::prog_array(1),
            22 | 25 | 55 | 111 | 121 => MapDef::new(MapKind::PerfEventArray, 4, 4, 1),
            27 => MapDef::new(MapKind::StackTrace, 4, 128, 1),
            33 | 37 => MapDef::new(MapKind::CgroupArray, 4, 4, 1),
            51 => MapDef::new(MapKind::Devmap, 4, 4, 1),
            60 => MapDef::new(MapKind::Sockmap, 4, 4, 1),
            71 => MapDef::new(MapKind::Sockhash, 4, 4, 1),
            81 => MapDef::new(MapKind::CgroupStorage, 16, 8, 0),
            87..=89 => MapDef::new(MapKind::Queue, 0, 8, 1),
            130..=134 | 198 => MapDef::new(MapKind::Ringbuf, 0, 0, 4096),
            195 => MapDef::new(MapKind::PercpuHash, 4, 8, 1),
            _ => MapDef::hash(4, 8, 1),
        }
    }

    fn takes_task(&self) -> bool {
        self.proto.args.iter().any(|a| a.btf == Some("task_struct"))
    }

    /// The place of a pointer to a socket in the context.
    fn sock(&self) -> Option<u32> {
        let is_sock =
            |kind| matches!(kind, FieldKind::Socket | FieldKind::SockOrNull | FieldKind::SocketOrNull);
        self.program_type.ctx.fields.iter().find(|f| is_sock(f.kind)).map(|f| f.off)
    }

    /// r6 is the context, r7 a task or a socket where the helper wants one, and
    /// 64 bytes of the stack are 0; r1 to r5 are unknown.
    fn prologue(&self) -> String {
        let mut text = String::from("r6 = r1\nr0 = 0\n");
        for slot in 1..=8 {
            let _ = writeln!(text, "*(u64 *)(r10 - {}) = r0", 8 * slot);
        }
        if self.takes_task() {
            text += "call bpf_get_current_task_btf\nr7 = r0\n";
        } else if let Some(off) = self.sock() {
            let _ = writeln!(text, "r7 = *(u64 *)(r6 + {off})\nif r7 != 0 goto +2\nr0 = 0\nexit");
        }
        text + "call bpf_ktime_get_ns\n"
    }

    /// Sets an argument to what it may be, where that can be had.
    fn valid(&self, index: usize) -> Option<String> {
        let (arg, r) = (self.proto.args[index], index + 1);
        match arg.kind {
            ArgKind::Unused => Some(String::new()),
            ArgKind::Anything | ArgKind::Stack => Some(format!("r{r} = 0\n")),
            ArgKind::Ctx => Some(format!("r{r} = r6\n")),
            ArgKind::ConstMapPtr => Some(format!("r{r} = map[idx:0]\n")),
            ArgKind::MapKey | ArgKind::MapValue | ArgKind::Mem => Some(format!("r{r} = r10\nr{r} += -64\n")),
            ArgKind::ConstSize | ArgKind::ConstSizeOrZero | ArgKind::ConstAllocSizeOrZero => {
                Some(format!("r{r} = 8\n"))
            }
            ArgKind::BtfId if arg.btf == Some("task_struct") => Some(format!("r{r} = r7\n")),
            ArgKind::BtfSockCommon | ArgKind::SockCommon => self.sock().map(|_| format!("r{r} = r7\n")),
            ArgKind::BtfId
            | ArgKind::SpinLock
            | ArgKind::Timer
            | ArgKind::Func
            | ArgKind::ConstStr
            | ArgKind::Dynptr
            | ArgKind::RingbufMem
            | ArgKind::Socket
            | ArgKind::PercpuBtfId
            | ArgKind::KptrXchgDest => None,
        }
    }

    /// Sets the arguments before this one to what they may be.
    fn valid_before(&self, index: usize) -> Option<String> {
        (0..index).map(|i| self.valid(i)).collect()
    }

    fn ask(&self, kernel: Kernel, text: &str) -> Verdict {
        let question = Ask {
            attach: super::attach_for(self.program_type, self.proto.id),
            sleepable: self.proto.may_sleep.then_some(true),
            maps: &[self.map()],
            log: 1,
            ..Ask::default()
        };
        ask(kernel, self.program_type, text, question)
    }

    /// What the kernel says where this argument is set so, and those before it
    /// right; nothing where those can not be had.
    fn with(&self, kernel: Kernel, index: usize, set: &str) -> Option<Verdict> {
        let (prologue, before) = (self.prologue(), self.valid_before(index)?);
        let text = format!("{prologue}{before}{set}\ncall {}\nr0 = 0\nexit", self.proto.id);
        Some(self.ask(kernel, &text))
    }

    fn name(&self, index: usize) -> String {
        format!("{} argument {} in {}", self.proto.name, index + 1, self.program_type.name)
    }
}

/// What the kernel says that it expected where a pointer was wrong; nothing for
/// an argument that is no pointer.
const fn expected(kind: ArgKind) -> Option<&'static str> {
    Some(match kind {
        ArgKind::Unused
        | ArgKind::Anything
        | ArgKind::ConstSize
        | ArgKind::ConstSizeOrZero
        | ArgKind::ConstAllocSizeOrZero => return None,
        ArgKind::ConstMapPtr => "map_ptr",
        ArgKind::MapKey | ArgKind::MapValue | ArgKind::Mem => {
            "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"
        }
        ArgKind::Ctx => "ctx",
        ArgKind::SpinLock | ArgKind::KptrXchgDest => "map_value, ptr_",
        ArgKind::Timer | ArgKind::ConstStr => "map_value",
        ArgKind::Func => "func",
        ArgKind::Stack => "fp",
        ArgKind::Dynptr => "fp, dynptr_ptr",
        ArgKind::RingbufMem => "ringbuf_mem",
        ArgKind::SockCommon => "sock_common, sock, tcp_sock, xdp_sock",
        ArgKind::Socket => "sock",
        ArgKind::BtfSockCommon => "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_",
        ArgKind::BtfId => "ptr_, trusted_ptr_, rcu_ptr_",
        ArgKind::PercpuBtfId => "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_",
    })
}

/// Asks about every argument of every prototype.
fn for_each_argument(what: &'static str, mut compare: impl FnMut(&mut Differences, Kernel, &Subject, usize)) {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new(what);
    for subject in subjects() {
        for index in 0..subject.proto.args.len() {
            compare(&mut differences, kernel, &subject, index);
        }
    }
    differences.none_expected();
}

#[test]
fn registers_are_read_as_far_as_there_are_arguments() {
    for_each_argument("arguments that there are", |differences, kernel, subject, index| {
        let Some(verdict) = subject.with(kernel, index, "") else { return };
        let read = verdict.log.contains(&format!("R{} !read_ok", index + 1));
        let row = subject.proto.args[index].kind != ArgKind::Unused;
        differences.compare(row, read, || subject.name(index));
    });
}

#[test]
fn pointers_are_of_the_kinds_that_the_rows_say() {
    for_each_argument("kinds of pointers", |differences, kernel, subject, index| {
        let arg = subject.proto.args[index];
        let Some(words) = expected(arg.kind) else { return };
        let refusal = format!("R{} type=scalar expected={words}", index + 1);
        for (value, row) in [(1, true), (0, !arg.nullable())] {
            let set = format!("r{} = {value}", index + 1);
            let Some(verdict) = subject.with(kernel, index, &set) else { return };
            let refused = verdict.log.lines().any(|line| line == refusal);
            let of = || format!("{} as {value}: {}", subject.name(index), verdict.reason());
            differences.compare(row, refused, of);
        }
    });
}

#[test]
fn sizes_may_be_zero_as_the_rows_say() {
    for_each_argument("sizes", |differences, kernel, subject, index| {
        let row = match subject.proto.args[index].kind {
            ArgKind::ConstSize => true,
            ArgKind::ConstSizeOrZero => false,
            _ => return,
        };
        let Some(verdict) = subject.with(kernel, index, &format!("r{} = 0", index + 1)) else { return };
        let refused = verdict.log.contains("invalid zero-sized read");
        differences.compare(row, refused, || subject.name(index));
    });
}

/// How many bytes a call with our arguments looks at.
fn looked_at(subject: &Subject, arg: Arg) -> Option<u32> {
    match arg.kind {
        ArgKind::MapKey => Some(subject.map().key_size),
        ArgKind::MapValue => Some(subject.map().value_size),
        ArgKind::Mem if arg.fixed_size > 0 => Some(arg.fixed_size),
        ArgKind::Mem => Some(8),
        _ => None,
    }
}

/// Sets the argument after this one to its size, where that is one.
fn size_after(arg: Arg, index: usize, size: u32) -> String {
    let sized = arg.kind == ArgKind::Mem && arg.fixed_size == 0;
    if sized { format!("r{} = {size}\n", index + 2) } else { String::new() }
}

#[test]
fn memory_is_read_and_written_as_far_as_the_rows_say() {
    for_each_argument("memory", |differences, kernel, subject, index| {
        let arg = subject.proto.args[index];
        let Some(size) = looked_at(subject, arg).filter(|size| *size > 0) else { return };
        let r = index + 1;
        let set = format!("r{r} = r10\n{}", size_after(arg, index, size));
        let Some(verdict) = subject.with(kernel, index, &set) else { return };
        let write = arg.flags.contains(ArgFlags::WRITE);
        let row =
            format!("invalid {} stack R{r} off=0 size={size}", if write { "write to" } else { "read from" });
        differences.compare(true, verdict.reason() == row, || {
            format!("{}: {row}: {}", subject.name(index), verdict.reason())
        });
    });
}

#[test]
fn memory_is_aligned_where_the_rows_say() {
    for_each_argument("alignment of memory", |differences, kernel, subject, index| {
        let arg = subject.proto.args[index];
        if arg.kind != ArgKind::Mem || arg.fixed_size == 0 {
            return;
        }
        let set = format!("r{0} = r10\nr{0} += -63", index + 1);
        let Some(verdict) = subject.with(kernel, index, &set) else { return };
        let refused = verdict.log.contains("misaligned stack access");
        let row = arg.flags.contains(ArgFlags::ALIGNED);
        differences.compare(row, refused, || subject.name(index));
    });
}

/// r8 and r9: a packet pointer with 64 bytes behind it, where the type has one.
fn packet_prologue(program_type: &ProgramType) -> Option<String> {
    let at = |kind| program_type.ctx.fields.iter().find(|f| f.kind == kind);
    let (data, end) = (at(FieldKind::PacketData)?, at(FieldKind::PacketEnd)?);
    let size = 8 * data.size;
    let (data, end) = (data.off, end.off);
    Some(format!(
        "r8 = *(u{size} *)(r6 + {data})\nr9 = *(u{size} *)(r6 + {end})\nr0 = r8\nr0 += 64\n\
         if r0 <= r9 goto +2\nr0 = 0\nexit\n"
    ))
}

#[test]
fn packets_are_memory_where_the_rows_say() {
    for_each_argument("packets as memory", |differences, kernel, subject, index| {
        let arg = subject.proto.args[index];
        let Some(size) = looked_at(subject, arg).filter(|size| *size > 0) else { return };
        let (Some(packet), Some(before)) =
            (packet_prologue(subject.program_type), subject.valid_before(index))
        else {
            return;
        };
        let r = index + 1;
        let after = size_after(arg, index, size);
        let (prologue, id) = (subject.prologue(), subject.proto.id);
        let text = format!("{prologue}{packet}{before}r{r} = r8\n{after}call {id}\nr0 = 0\nexit");
        let refused = subject.ask(kernel, &text).log.contains("helper access to the packet is not allowed");
        let row = subject.program_type.packet.to_helper(&subject.proto);
        differences.compare(row, !refused, || subject.name(index));
    });
}

/// Asks about every call that can be made in full, followed by `after`.
fn for_each_call(
    what: &'static str,
    packet: bool,
    after: &str,
    mut compare: impl FnMut(&mut Differences, &Subject, &Verdict),
) {
    let Some(kernel) = kernel() else { return };
    let mut differences = Differences::new(what);
    for subject in subjects() {
        let packet = if packet { packet_prologue(subject.program_type) } else { Some(String::new()) };
        let (Some(packet), Some(args)) = (packet, subject.valid_before(5)) else { continue };
        let text =
            format!("{}{packet}{args}call {}\n{after}r0 = 0\nexit", subject.prologue(), subject.proto.id);
        let verdict = subject.ask(kernel, &text);
        // A call that is refused for another cause says nothing.
        let called = format!("call {}#{}", subject.proto.name, subject.proto.id);
        let mut after = verdict.log.lines().skip_while(|line| !line.contains(&called)).skip(1);
        if verdict.loaded.is_some() || after.any(|line| line.starts_with(char::is_numeric)) {
            compare(&mut differences, &subject, &verdict);
        }
    }
    differences.none_expected();
}

#[test]
fn results_may_be_read_where_there_are_any() {
    for_each_call("void results", false, "r6 = r0\n", |differences, subject, verdict| {
        let void = verdict.log.contains("R0 !read_ok");
        differences.compare(subject.proto.ret.kind == RetKind::Void, void, || subject.proto.name.to_string());
    });
}

#[test]
fn results_are_numbers_where_the_rows_say() {
    for_each_call("numbers", false, "r0 += 1\nr0 = *(u8 *)(r0 + 0)\n", |differences, subject, verdict| {
        let row = matches!(subject.proto.ret.kind, RetKind::Integer | RetKind::Processor);
        let number = verdict.log.contains("R0 invalid mem access 'scalar'");
        differences.compare(row, number, || format!("{}: {}", subject.proto.name, verdict.reason()));
    });
}

#[test]
fn results_are_released_where_the_rows_say() {
    for_each_call("references", false, "", |differences, subject, verdict| {
        let leaks = verdict.log.contains("Unreleased reference");
        differences.compare(subject.proto.acquires.is_some(), leaks, || subject.proto.name.to_string());
    });
}

#[test]
fn packet_pointers_are_lost_where_the_rows_say() {
    for_each_call(
        "changes of the packet",
        true,
        "r0 = *(u8 *)(r8 + 0)\n",
        |differences, subject, verdict| {
            let lost = verdict.log.contains("R8 invalid mem access 'scalar'");
            let of = || format!("{}: {}", subject.proto.name, verdict.reason());
            differences.compare(subject.proto.changes_packet, lost, of);
        },
    );
}
