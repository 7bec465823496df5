//! The stack: spills whole and in part, unknown offsets, what helpers touch.

use crate::{load, xdp, xdp_with_value};

#[test]
fn a_pointer_that_was_partly_overwritten_is_none() {
    let spilled = "*(u64 *)(r10 -8) = r1";
    let filled = "r1 = *(u64 *)(r10 -8)\n r0 = *(u32 *)(r1 +0)\n exit";
    let over = |store: &str| format!("{spilled}\n {store}\n {filled}");
    for store in
        ["*(u8 *)(r10 -8) = 0", "*(u8 *)(r10 -1) = 0", "*(u32 *)(r10 -4) = 0", "*(u16 *)(r10 -6) = 0"]
    {
        xdp().refuses("R1 invalid mem access 'scalar'", &over(store));
    }
    xdp().accepts(&over("*(u64 *)(r10 -16) = 0"));
    xdp().refuses("invalid size of register fill", &over("r2 = 1\n lock *(u32 *)(r10 -8) += r2"));
    xdp().refuses("invalid size of register fill", "*(u64 *)(r10 -8) = r1\n r0 = *(u32 *)(r10 -8)\n exit");
    xdp().refuses("invalid size of register spill", "*(u32 *)(r10 -8) = r1\n r0 = 0\n exit");
}

#[test]
fn a_write_somewhere_spoils_every_slot_that_it_may_hit() {
    let smeared = |back: i32| {
        format!(
            "*(u64 *)(r10 -8) = r1
             *(u64 *)(r10 -16) = r1
             *(u64 *)(r10 -24) = r1
             r2 = *(u32 *)(r1 +12)
             r2 &= 8
             r3 = r10
             r3 += -16
             r3 += r2
             *(u8 *)(r3 +0) = 0
             r1 = *(u64 *)(r10 -{back})
             r0 = *(u32 *)(r1 +0)
             exit"
        )
    };
    xdp().refuses("R1 invalid mem access 'scalar'", &smeared(8));
    xdp().refuses("R1 invalid mem access 'scalar'", &smeared(16));
    xdp().accepts(&smeared(24));
}

#[test]
fn a_zero_written_somewhere_keeps_only_zeros() {
    let program = |first: u64, bound: u64| {
        format!(
            "r6 = map[idx:0][0]+0
             *(u64 *)(r10 -8) = {first}
             r2 = *(u32 *)(r1 +12)
             r2 &= 4
             r3 = r10
             r3 += -8
             r3 += r2
             *(u32 *)(r3 +0) = 0
             r4 = *(u64 *)(r10 -8)
             if r4 <= {bound} goto +1
             r0 = *(u64 *)(r4 +0)
             r0 = 0
             exit"
        )
    };
    xdp_with_value(8).accepts(&program(0, 0));
    xdp_with_value(8).refuses("R4 invalid mem access 'scalar'", &program(1, 1));
}

#[test]
fn a_read_somewhere_knows_nothing_of_spills() {
    let program = "*(u64 *)(r10 -8) = r1
         *(u64 *)(r10 -16) = r1
         r2 = *(u32 *)(r1 +12)
         r2 &= 8
         r3 = r10
         r3 += -16
         r3 += r2
         r1 = *(u64 *)(r3 +0)
         r0 = *(u32 *)(r1 +0)
         exit";
    xdp().refuses("R1 invalid mem access 'scalar'", program);
}

#[test]
fn the_stack_ends_after_512_bytes_and_at_the_frame_pointer() {
    let store = |at: &str| format!("*(u8 *)(r10 {at}) = 0\n r0 = 0\n exit");
    xdp().accepts(&store("-512"));
    xdp().refuses("invalid write to stack R10 off=-513 size=1", &store("-513"));
    xdp().refuses("invalid write to stack R10 off=0 size=1", &store("+0"));
    xdp().refuses("invalid read from stack", "r0 = *(u64 *)(r10 -520)\n exit");
    xdp().refuses("misaligned stack access", "*(u64 *)(r10 -12) = 0\n r0 = 0\n exit");
    let moved = |by: &str| {
        format!("r2 = *(u32 *)(r1 +12)\n {by}\n r3 = r10\n r3 += r2\n *(u8 *)(r3 -8) = 0\n r0 = 0\n exit")
    };
    xdp().accepts(&moved("r2 &= 7"));
    xdp().refuses("invalid variable-offset write to stack R3", &moved("r2 &= 15"));
    xdp().refuses("makes fp pointer be out of bounds", &moved("r2 = -r2"));
}

#[test]
fn numbers_keep_their_bounds_over_the_stack_only_where_all_of_them_is_kept() {
    let value = |lines: &str| {
        format!(
            "r6 = map[idx:0][0]+0\n call 5\n {lines}\n r6 += r0\n *(u8 *)(r6 +0) = 1\n out: r0 = 0\n exit"
        )
    };
    let load = || xdp_with_value(8);
    load().accepts(&value("*(u64 *)(r10 -8) = r0\n if r0 > 7 goto out\n r0 = *(u64 *)(r10 -8)"));
    load().accepts(&value("*(u64 *)(r10 -8) = r0\n if r0 > 7 goto out\n r0 = *(u32 *)(r10 -8)"));
    load().refuses(
        "unbounded",
        &value("*(u32 *)(r10 -8) = r0\n *(u32 *)(r10 -4) = r0\n if r0 > 7 goto out\n r0 = *(u64 *)(r10 -8)"),
    );
    load().refuses("unbounded", &value("*(u64 *)(r10 -8) = r0\n if w0 > 7 goto out\n r0 = *(u64 *)(r10 -8)"));
    load().refuses(
        "unbounded",
        &value("*(u64 *)(r10 -8) = r0\n if r0 > 7 goto out\n *(u8 *)(r10 -8) = 9\n r0 = *(u64 *)(r10 -8)"),
    );
    load().refuses(
        "unbounded",
        &value(
            "r0 &= 7\n *(u64 *)(r10 -8) = r0\n r1 = 9\n lock *(u64 *)(r10 -8) += r1\n r0 = *(u64 *)(r10 -8)",
        ),
    );
}

#[test]
fn an_atomic_knows_where_in_the_stack_it_is() {
    let somewhere = |insn: &str| {
        format!(
            "r2 = *(u32 *)(r1 +12)\n r2 &= 8\n r3 = r10\n r3 += -16\n r3 += r2\n r0 = 0\n {insn}\n r0 = 0\n exit"
        )
    };
    let words = "variable offset stack pointer cannot be passed into helper function; var_off=(0x0; 0x8) off=-16 size=8";
    xdp().refuses(words, &somewhere("lock *(u64 *)(r3 +0) += r2"));
    xdp().refuses(words, &somewhere("r2 = xchg_64(r3 +0, r2)"));
    xdp().refuses(words, &somewhere("r0 = cmpxchg_64(r3 +0, r0, r2)"));
    xdp().accepts(&somewhere("r2 = load_acquire((u64 *)(r3 +0))"));
    xdp().accepts(&somewhere("store_release((u64 *)(r3 +0), r2)"));
}

#[test]
fn a_helper_that_fills_spoils_what_was_there() {
    let program = "r6 = r1
         *(u64 *)(r10 -8) = r6
         r2 = 0
         r3 = r10
         r3 += -8
         r4 = 8
         call bpf_skb_load_bytes#26
         r1 = *(u64 *)(r10 -8)
         r0 = *(u32 *)(r1 +0)
         exit";
    load("sched_cls").refuses("R1 invalid mem access 'scalar'", program);
}

#[test]
fn what_a_helper_gets_lies_in_the_stack() {
    let call = |lines: &str| format!("{lines}\n r4 = 0\n r5 = 0\n call bpf_csum_diff#28\n r0 = 0\n exit");
    let load = || load("sched_cls");
    load().refuses("R2 unbounded memory access", &call("r1 = r10\n r1 += -8\n r2 = 0x7fffffff\n r3 = 0"));
    load().refuses("R2 min value is negative", &call("r1 = r10\n r1 += -8\n r2 = -1\n r3 = 0"));
    load().refuses("invalid", &call("r1 = r10\n r1 += -8\n *(u64 *)(r10 -8) = 0\n r2 = 12\n r3 = 0"));
    load().accepts(&call("r1 = r10\n r1 += -8\n *(u64 *)(r10 -8) = 0\n r2 = 8\n r3 = 0"));
    load().accepts(&call("r1 = 0\n r2 = 0\n r3 = 0"));
    load().refuses("R1 type=scalar expected=", &call("r1 = 0\n r2 = 4\n r3 = 0"));
}
