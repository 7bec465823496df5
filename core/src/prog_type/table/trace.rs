//! The kinds of programs that trace, and those that a system call runs. Their
//! contexts are what the programs see: nothing is converted.

use super::sets::{BASE, KPROBE, PERF_EVENT, SYSCALL, TRACE, helpers};
use crate::insn::Size;
use crate::prog_type::{CtxField, CtxLayout, ProgramType, ReturnRule, SizeSet, Sleepable};

/// The registers of `struct pt_regs` on x86-64, in order, 8 bytes each.
const PT_REGS: [&str; 21] = [
    "r15", "r14", "r13", "r12", "bp", "bx", "r11", "r10", "r9", "r8", "ax", "cx", "dx", "si", "di",
    "orig_ax", "ip", "cs", "flags", "sp", "ss",
];

/// `BPF_TRACE_KPROBE_SESSION`: whether the return is to be traced too.
const KPROBE_SESSION: u32 = 56;
/// `BPF_TRACE_UPROBE_SESSION`: the same in user space.
const UPROBE_SESSION: u32 = 57;

/// The most bytes of a tracepoint's record (`PERF_MAX_TRACE_SIZE`).
const MAX_RECORD: u32 = 8192;

/// The most arguments of a raw tracepoint (`MAX_BPF_FUNC_ARGS`).
const MAX_ARGS: u32 = 12;

fn registers(loads: SizeSet) -> Vec<CtxField> {
    let row = |(i, name): (usize, &&'static str)| CtxField::scalar(name, 8 * i as u32, 8);
    PT_REGS.iter().enumerate().map(row).map(|f| f.loads(loads)).collect()
}

fn plain(name: &'static str, size: u32, fields: Vec<CtxField>) -> CtxLayout {
    CtxLayout { name: name.into(), size, host_size: size, fields }
}

pub(super) fn kprobe() -> ProgramType {
    let session = |attach| ReturnRule { attach: Some(attach), range: 0..=1 };
    ProgramType {
        number: Some(2),
        sleepable: Sleepable::Allowed,
        ctx: plain("pt_regs", 168, registers(SizeSet::ALL)),
        returns: vec![session(KPROBE_SESSION), session(UPROBE_SESSION)],
        helpers: helpers(&[BASE, TRACE, KPROBE]),
        ..ProgramType::new("kprobe")
    }
}

pub(super) fn tracepoint() -> ProgramType {
    // The first 8 bytes are the kernel's own.
    let record = CtxField::scalar("record", 8, MAX_RECORD - 8).loads(SizeSet::ALL);
    ProgramType {
        number: Some(5),
        ctx: plain("tracepoint", MAX_RECORD, vec![record]),
        helpers: helpers(&[BASE, TRACE]),
        ..ProgramType::new("tracepoint")
    }
}

pub(super) fn raw_tracepoint() -> ProgramType {
    let args = CtxField::scalar("args", 0, 8 * MAX_ARGS).loads(SizeSet::ALL);
    ProgramType {
        number: Some(17),
        ctx: plain("bpf_raw_tracepoint_args", 8 * MAX_ARGS, vec![args]),
        helpers: helpers(&[BASE, TRACE]),
        ..ProgramType::new("raw_tracepoint")
    }
}

pub(super) fn perf_event() -> ProgramType {
    let mut fields = registers(SizeSet::only(Size::B8));
    fields.push(CtxField::scalar("sample_period", 168, 8).loads(SizeSet::ALL));
    fields.push(CtxField::scalar("addr", 176, 8).loads(SizeSet::ALL));
    ProgramType {
        number: Some(7),
        ctx: plain("bpf_perf_event_data", 184, fields),
        helpers: helpers(&[BASE, TRACE, PERF_EVENT]),
        ..ProgramType::new("perf_event")
    }
}

/// r1 points to as many bytes as whoever runs the program gives; it must be as
/// many as the furthest access of the program needs.
pub(super) fn syscall() -> ProgramType {
    let memory = CtxField::scalar("memory", 0, u16::MAX as u32).loads(SizeSet::ALL).stores(SizeSet::ALL);
    ProgramType {
        number: Some(31),
        attach_types: vec![0],
        sleepable: Sleepable::Required,
        ctx: plain("syscall", u16::MAX as u32, vec![memory]),
        helpers: helpers(&[BASE, SYSCALL]),
        ..ProgramType::new("syscall")
    }
}
