//! What is shared or owned: locks, timers, ring buffers, dynptrs, kernel
//! pointers, local storage.

use super::row;
use super::words::{
    ANY, DYNPTR, FUNC, INT, MAP, MEM, OUT, SIZE0, SOCK, STACK0, TASK, VALUE, VALUE_OR_NULL, VOID, released,
};
use crate::helper::{Arg, ArgFlags, ArgKind, Callback, Proto, RefKind, Ret, RetKind};

const LOCK: Arg = Arg::of(ArgKind::SpinLock);
const TIMER: Arg = Arg::of(ArgKind::Timer);
const RECORD: Arg = Arg::of(ArgKind::RingbufMem);
const RING_DYNPTR: Arg = DYNPTR.with(ArgFlags::DYNPTR_RINGBUF);
const CONST_DYNPTR: Arg = DYNPTR.with(ArgFlags::RDONLY);
const NEW: ArgFlags = ArgFlags::UNINIT.union(ArgFlags::WRITE);
const ALLOC_SIZE: Arg = Arg::of(ArgKind::ConstAllocSizeOrZero);
const PERCPU: Arg = Arg::of(ArgKind::PercpuBtfId);
const CGROUP: Arg = Arg::btf("cgroup");
const INODE: Arg = Arg::btf("inode");

pub(super) static ROWS: [Proto; 33] = [
    // Locks and timers.
    row(93, "bpf_spin_lock", &[LOCK], VOID),
    row(94, "bpf_spin_unlock", &[LOCK], VOID),
    row(169, "bpf_timer_init", &[TIMER, MAP, ANY], INT).gpl(),
    row(170, "bpf_timer_set_callback", &[TIMER, FUNC], INT).gpl().runs(Callback::Timer),
    row(171, "bpf_timer_start", &[TIMER, ANY, ANY], INT).gpl(),
    row(172, "bpf_timer_cancel", &[TIMER], INT).gpl(),
    // Ring buffers.
    row(130, "bpf_ringbuf_output", &[MAP, MEM, SIZE0, ANY], INT),
    row(131, "bpf_ringbuf_reserve", &[MAP, ALLOC_SIZE, ANY], Ret::or_null(RetKind::AllocMem))
        .acquires(RefKind::Ringbuf),
    row(132, "bpf_ringbuf_submit", &[released(RECORD), ANY], VOID),
    row(133, "bpf_ringbuf_discard", &[released(RECORD), ANY], VOID),
    row(134, "bpf_ringbuf_query", &[MAP, ANY], INT),
    row(209, "bpf_user_ringbuf_drain", &[MAP, FUNC, STACK0, ANY], INT).runs(Callback::UserRingbuf),
    // Dynptrs.
    row(197, "bpf_dynptr_from_mem", &[OUT, SIZE0, ANY, DYNPTR.with(ArgFlags::DYNPTR_LOCAL).with(NEW)], INT),
    row(198, "bpf_ringbuf_reserve_dynptr", &[MAP, ANY, ANY, RING_DYNPTR.with(NEW)], INT)
        .acquires(RefKind::DynptrRingbuf),
    row(199, "bpf_ringbuf_submit_dynptr", &[released(RING_DYNPTR), ANY], VOID),
    row(200, "bpf_ringbuf_discard_dynptr", &[released(RING_DYNPTR), ANY], VOID),
    row(201, "bpf_dynptr_read", &[OUT, SIZE0, CONST_DYNPTR, ANY, ANY], INT),
    row(202, "bpf_dynptr_write", &[CONST_DYNPTR, ANY, MEM, SIZE0, ANY], INT),
    row(203, "bpf_dynptr_data", &[CONST_DYNPTR, ANY, ALLOC_SIZE], Ret::or_null(RetKind::AllocMem)),
    // Kernel pointers and per-CPU variables.
    row(
        194,
        "bpf_kptr_xchg",
        &[Arg::of(ArgKind::KptrXchgDest), released(Arg::of(ArgKind::BtfId)).or_null()],
        Ret::or_null(RetKind::Kptr),
    )
    .acquires(RefKind::Kptr),
    row(153, "bpf_per_cpu_ptr", &[PERCPU, ANY], Ret::or_null(RetKind::BtfId)),
    row(154, "bpf_this_cpu_ptr", &[PERCPU], Ret::of(RetKind::BtfId)),
    // Storage that belongs to something.
    row(81, "bpf_get_local_storage", &[MAP, ANY], Ret::of(RetKind::MapValue)),
    row(107, "bpf_sk_storage_get", &[MAP, SOCK, VALUE.or_null(), ANY], VALUE_OR_NULL),
    row(108, "bpf_sk_storage_delete", &[MAP, SOCK], INT),
    row(145, "bpf_inode_storage_get", &[MAP, INODE.or_null(), VALUE.or_null(), ANY], VALUE_OR_NULL),
    row(146, "bpf_inode_storage_delete", &[MAP, INODE.or_null()], INT),
    row(156, "bpf_task_storage_get", &[MAP, TASK.or_null(), VALUE.or_null(), ANY], VALUE_OR_NULL),
    row(157, "bpf_task_storage_delete", &[MAP, TASK.or_null()], INT),
    row(210, "bpf_cgrp_storage_get", &[MAP, CGROUP.or_null(), VALUE.or_null(), ANY], VALUE_OR_NULL),
    row(211, "bpf_cgrp_storage_delete", &[MAP, CGROUP.or_null()], INT),
    // Whether the task is in a control group of a map.
    row(33, "bpf_skb_under_cgroup", &[super::words::CTX, MAP, ANY], INT),
    row(37, "bpf_current_task_under_cgroup", &[MAP, ANY], INT),
];
