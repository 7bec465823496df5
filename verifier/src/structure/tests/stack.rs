use super::*;
use brolga_core::{MapDef, MapIdx, MapInfo};

/// The slots live before each instruction, of a program whose map of file
/// descriptor 3 has keys of 4 bytes and values of 24.
#[track_caller]
fn live_at(text: &str, expected: &[&[usize]]) {
    let mut program = program(text);
    program.aux.maps.push(MapInfo::new(MapDef::hash(4, 24, 1)));
    program.aux.map_fds.insert(3, MapIdx(0));
    let structure = check(&program).expect("a structure");
    let live = |pc| (0..64).filter(|i| structure.stack_live_in(pc).contains(*i)).collect::<Vec<_>>();
    let found: Vec<_> = program.code.iter().map(|(pc, _)| live(pc)).collect();
    assert_eq!(found, expected);
}

const ALL: &[usize] = &{
    let mut all = [0; 64];
    let mut i = 0;
    while i < 64 {
        all[i] = i;
        i += 1;
    }
    all
};

#[test]
fn direct_accesses() {
    let text = "*(u64 *)(r10 - 8) = r1\n *(u64 *)(r10 - 16) = r1\n r0 = *(u64 *)(r10 - 16)\n exit";
    live_at(text, &[&[], &[], &[1], &[]]);
    // A part of a slot is no whole one, and an access may touch two.
    live_at("*(u32 *)(r10 - 4) = 0\n r0 = *(u8 *)(r10 - 8)\n exit", &[&[0], &[0], &[]]);
    live_at("*(u64 *)(r10 - 12) = 0\n r0 = *(u64 *)(r10 - 12)\n exit", &[&[0, 1], &[0, 1], &[]]);
    live_at("lock *(u64 *)(r10 - 8) += r1\n r0 = 0\n exit", &[&[0], &[], &[]]);
    live_at(
        "store_release((u64 *)(r10 - 8), r1)\n r0 = load_acquire((u64 *)(r10 - 8))\n exit",
        &[&[], &[0], &[]],
    );
    live_at("r0 = *(u64 *)(r10 - 512)\n exit", &[&[63], &[]]);
    // What is outside the frame is not a slot.
    live_at("r0 = *(u64 *)(r10 - 520)\n r0 = *(u64 *)(r10 + 0)\n exit", &[&[], &[], &[]]);
}

#[test]
fn branches_and_loops() {
    let either = "if r1 == 0 goto a\n *(u64 *)(r10 - 8) = 0\n a: r0 = *(u64 *)(r10 - 8)\n exit";
    live_at(either, &[&[0], &[], &[0], &[]]);
    let count = "*(u64 *)(r10 - 8) = 0\n l: r0 = *(u64 *)(r10 - 8)\n *(u64 *)(r10 - 8) = r0\n if r0 != 9 goto l\n exit";
    live_at(count, &[&[], &[0], &[], &[0], &[]]);
}

#[test]
fn copies_of_the_frame_pointer() {
    let text =
        "r2 = r10\n r2 += -16\n *(u64 *)(r2 + 8) = 0\n r0 = *(u64 *)(r2 + 0)\n r0 = *(u64 *)(r10 - 8)\n exit";
    live_at(text, &[&[1], &[1], &[1], &[0, 1], &[0], &[]]);
    let by_register = "r3 = 24\n r2 = r10\n r2 -= r3\n r0 = *(u64 *)(r2 + 0)\n exit";
    live_at(by_register, &[&[2], &[2], &[2], &[2], &[]]);
    // By an unknown number, in 32 bits, or by other means: it may be anywhere.
    for change in ["r2 -= r1", "w2 += 8", "r2 &= -8", "r2 = -r2", "r2 = (s32)r2", "r2 += r10"] {
        let text = format!("r2 = r10\n {change}\n *(u64 *)(r2 + 0) = 0\n r0 = *(u64 *)(r2 + 0)\n exit");
        live_at(&text, &[ALL, ALL, ALL, ALL, &[]]);
    }
    // Two ways to two places.
    let text = "r2 = r10\n if r1 == 0 goto a\n r2 += -8\n a: r0 = *(u64 *)(r2 - 8)\n exit";
    live_at(text, &[ALL, ALL, ALL, ALL, &[]]);
    // A pointer to elsewhere.
    live_at("r2 = r1\n r2 += r3\n r0 = *(u64 *)(r2 + 0)\n exit", &[&[], &[], &[], &[]]);
}

#[test]
fn spilled_pointers() {
    let text = "r2 = r10\n *(u64 *)(r10 - 8) = r2\n r3 = *(u64 *)(r10 - 8)\n r0 = *(u64 *)(r3 - 16)\n exit";
    live_at(text, &[&ALL[1..], &ALL[1..], ALL, ALL, &[]]);
    // To a place that is not known, across slots, or by an exchange.
    for spill in ["r2 += r1\n *(u64 *)(r2 + 0) = r10", "*(u64 *)(r10 - 12) = r2", "r2 = xchg_64(r10 - 8, r2)"]
    {
        let text = format!("r2 = r10\n {spill}\n r3 = *(u64 *)(r10 - 8)\n r0 = *(u64 *)(r3 - 16)\n exit");
        let structure = structure(&text);
        let load = Pc(program(&text).code.len() as u32 - 2);
        assert_eq!(structure.stack_live_in(load), SlotSet::ALL, "{text}");
    }
    // Another value of the same slot is none.
    let over = "*(u64 *)(r10 - 8) = r10\n *(u64 *)(r10 - 8) = r1\n r3 = *(u64 *)(r10 - 8)\n r0 = *(u64 *)(r3 + 0)\n exit";
    live_at(over, &[&[], &[], &[0], &[], &[]]);
}

#[test]
fn helpers_read_as_much_as_they_say() {
    let lookup = "r1 = map[fd:3]\n r2 = r10\n r2 += -32\n call bpf_map_lookup_elem\n exit";
    live_at(lookup, &[&[3], &[3], &[3], &[3], &[]]);
    let unknown = "r2 = r10\n r2 += -32\n call bpf_map_lookup_elem\n exit";
    live_at(unknown, &[&[0, 1, 2, 3], &[0, 1, 2, 3], &[0, 1, 2, 3], &[]]);
    let update = "r1 = map[fd:3]\n r2 = r10\n r2 += -8\n r3 = r2\n r3 += -24\n r4 = 0\n call bpf_map_update_elem\n exit";
    let all = &[0, 1, 2, 3].as_slice();
    live_at(update, &[all, all, all, all, all, all, all, &[]]);
    // It fills what it is told to.
    let fill = "r2 = 0\n r3 = r10\n r3 += -24\n w4 = 16\n call bpf_skb_load_bytes\n r0 = *(u64 *)(r10 - 24)\n r0 = *(u64 *)(r10 - 8)\n exit";
    let (before, after) = (&[0].as_slice(), &[0, 2].as_slice());
    live_at(fill, &[before, before, before, before, before, after, before, &[]]);
}

#[test]
fn memory_of_unknown_size_is_read() {
    let fill = "r2 = 0\n r3 = r10\n r3 += -16\n r4 = r6\n call bpf_skb_load_bytes\n exit";
    let all = &[0, 1].as_slice();
    live_at(fill, &[all, all, all, all, all, &[]]);
    let where_to = "r2 = 0\n r3 = r10\n r3 -= r6\n r4 = 8\n call bpf_skb_load_bytes\n exit";
    live_at(where_to, &[ALL, ALL, ALL, ALL, ALL, &[]]);
}

#[test]
fn callees_read_anything() {
    live_at("r1 = r10\n call s\n exit\n s: r0 = *(u64 *)(r1 - 8)\n exit", &[ALL, ALL, &[], &[], &[]]);
    live_at("r1 = r10\n call s\n exit\n s: r0 = r2\n exit", &[&[], &[], &[], &[], &[]]);
    live_at("r1 = r10\n call kernel-function#7\n exit", &[ALL, ALL, &[]]);
    // What a kernel function returns may be what it was given.
    let text = "r1 = r10\n call kernel-function#7\n r0 = *(u64 *)(r0 - 8)\n exit";
    live_at(text, &[ALL, ALL, ALL, &[]]);
    // A callback gets its context.
    let text = "r1 = 5\n r2 = subprog[c]\n r3 = r10\n r4 = 0\n call bpf_loop\n exit\n c: r0 = 0\n exit";
    live_at(text, &[ALL, ALL, ALL, ALL, ALL, &[], &[], &[]]);
}
