//! What real programs do, as clang writes it, must be accepted.

use crate::{Load, load, xdp};
use brolga_core::{MapDef, MapKind};

#[test]
fn ethernet_and_ipv4_are_parsed() {
    xdp().accepts(
        "r2 = *(u32 *)(r1 +4)
         r1 = *(u32 *)(r1 +0)
         r3 = r1
         r3 += 14
         if r3 > r2 goto pass
         r4 = *(u16 *)(r1 +12)
         if r4 != 8 goto pass
         r4 = r1
         r4 += 34
         if r4 > r2 goto pass
         r4 = *(u8 *)(r1 +14)
         r4 <<= 2
         r4 &= 60
         if r4 < 20 goto pass
         r3 += r4
         r5 = r3
         r5 += 8
         if r5 > r2 goto pass
         r0 = *(u16 *)(r3 +2)
         r0 = be16 r0
         if r0 == 53 goto drop
         pass:
         r0 = 2
         exit
         drop:
         r0 = 1
         exit",
    );
}

#[test]
fn vlan_tags_are_skipped_in_a_loop() {
    xdp().accepts(
        "r2 = *(u32 *)(r1 +4)
         r1 = *(u32 *)(r1 +0)
         r6 = 0
         r1 += 12
         next:
         r3 = r1
         r3 += 6
         if r3 > r2 goto out
         r4 = *(u16 *)(r1 +0)
         if r4 != 129 goto out
         r1 += 4
         r6 += 1
         if r6 < 4 goto next
         out:
         r0 = 2
         exit",
    );
}

#[test]
fn a_variable_part_is_bounded_and_kept_over_the_stack() {
    xdp().accepts(
        "r6 = r1
         r2 = *(u32 *)(r1 +4)
         r1 = *(u32 *)(r1 +0)
         r3 = r1
         r3 += 1
         if r3 > r2 goto out
         r7 = *(u8 *)(r1 +0)
         r1 += r7
         *(u64 *)(r10 -8) = r1
         r3 = r1
         r3 += 4
         if r3 > r2 goto out
         r1 = *(u64 *)(r10 -8)
         r0 = *(u32 *)(r1 +0)
         out:
         r0 = 2
         exit",
    );
}

fn counters() -> Load {
    xdp().map(MapDef::array(8, 256)).map(MapDef::hash(4, 16, 1024))
}

#[test]
fn a_counter_is_looked_up_and_added_to() {
    counters().accepts(
        "r1 = *(u32 *)(r1 +12)
         *(u32 *)(r10 -4) = r1
         r2 = r10
         r2 += -4
         r1 = map[idx:0]
         call bpf_map_lookup_elem#1
         if r0 == 0 goto out
         r1 = 1
         lock *(u64 *)(r0 +0) += r1
         out:
         r0 = 2
         exit",
    );
}

#[test]
fn an_entry_is_made_where_there_is_none() {
    counters().accepts(
        "r1 = *(u32 *)(r1 +12)
         *(u32 *)(r10 -4) = r1
         r6 = r10
         r6 += -4
         r2 = r6
         r1 = map[idx:1]
         call bpf_map_lookup_elem#1
         if r0 != 0 goto found
         *(u64 *)(r10 -24) = r0
         *(u64 *)(r10 -16) = 1
         r3 = r10
         r3 += -24
         r2 = r6
         r4 = 0
         r1 = map[idx:1]
         call bpf_map_update_elem#2
         r2 = r6
         r1 = map[idx:1]
         call bpf_map_lookup_elem#1
         if r0 == 0 goto out
         found:
         r1 = *(u64 *)(r0 +8)
         r1 += 1
         *(u64 *)(r0 +8) = r1
         out:
         r0 = 2
         exit",
    );
}

#[test]
fn an_index_is_tested_signed_and_unsigned() {
    for test in [
        "if r6 > 255 goto out",
        "if r6 >= 256 goto out",
        "w6 = w6\n if w6 > 255 goto out",
        "r6 &= 255",
        "if r6 s< 0 goto out\n if r6 s> 255 goto out",
        "r6 <<= 56\n r6 >>= 56",
        "w6 >>= 24",
    ] {
        let text = format!(
            "call bpf_ktime_get_ns#5
             r6 = r0
             *(u32 *)(r10 -4) = 0
             r2 = r10
             r2 += -4
             r1 = map[idx:0]
             call bpf_map_lookup_elem#1
             if r0 == 0 goto out
             {test}
             r0 += r6
             *(u8 *)(r0 +0) = 1
             out:
             r0 = 2
             exit"
        );
        xdp().map(MapDef::array(256, 1)).accepts(&text);
    }
}

#[test]
fn arrays_on_the_stack_are_filled_and_summed_in_loops() {
    xdp().accepts(
        "r1 = 0
         fill:
         r2 = r10
         r2 += -64
         r3 = r1
         r3 <<= 3
         r2 += r3
         *(u64 *)(r2 +0) = r1
         r1 += 1
         if r1 < 8 goto fill
         r0 = 0
         r1 = 0
         sum:
         r2 = r10
         r2 += -64
         r3 = r1
         r3 <<= 3
         r2 += r3
         r4 = *(u64 *)(r2 +0)
         r0 += r4
         r1 += 1
         if r1 < 8 goto sum
         exit",
    );
}

#[test]
fn a_subprogram_gets_a_pointer_to_fill_and_a_packet_to_read() {
    xdp().accepts(
        "r2 = *(u32 *)(r1 +4)
         r1 = *(u32 *)(r1 +0)
         r3 = r10
         r3 += -16
         call parse
         if r0 == 0 goto out
         r0 = *(u32 *)(r10 -16)
         r0 &= 3
         exit
         out:
         r0 = 2
         exit
         parse:
         r4 = r1
         r4 += 34
         r0 = 0
         if r4 > r2 goto done
         r4 = *(u32 *)(r1 +26)
         *(u32 *)(r3 +0) = r4
         r0 = 1
         done:
         exit",
    );
}

#[test]
fn a_map_in_a_map() {
    let mut outer = MapDef::new(MapKind::HashOfMaps, 4, 4, 8);
    outer.inner = Some(Box::new(MapDef::hash(4, 8, 16)));
    xdp().map(outer).accepts(
        "r6 = *(u32 *)(r1 +12)
         *(u32 *)(r10 -4) = r6
         r2 = r10
         r2 += -4
         r1 = map[idx:0]
         call bpf_map_lookup_elem#1
         if r0 == 0 goto out
         r7 = r0
         r2 = r10
         r2 += -4
         r1 = r7
         call bpf_map_lookup_elem#1
         if r0 == 0 goto out
         r1 = *(u64 *)(r0 +0)
         r1 += 1
         *(u64 *)(r0 +0) = r1
         out:
         r0 = 2
         exit",
    );
}

#[test]
fn a_classifier_reads_its_fields_and_copies_bytes() {
    load("sched_cls").accepts(
        "r6 = r1
         r7 = *(u32 *)(r6 +0)
         r8 = *(u32 *)(r6 +16)
         r1 = r6
         r2 = 12
         r3 = r10
         r3 += -8
         r4 = 2
         call bpf_skb_load_bytes#26
         if r0 s< 0 goto out
         r1 = *(u16 *)(r10 -8)
         if r1 != 8 goto out
         *(u32 *)(r6 +8) = r7
         r0 = *(u32 *)(r6 +8)
         out:
         r0 = 0
         exit",
    );
}

#[test]
fn a_socket_filter_of_old() {
    load("socket_filter").accepts(
        "r6 = r1
         r0 = *(u16 *)skb[12]
         if r0 != 0x800 goto drop
         r0 = *(u8 *)skb[23]
         if r0 != 6 goto drop
         r7 = r6
         r0 = *(u8 *)skb[14]
         w0 &= 15
         w0 <<= 2
         r1 = r0
         r0 = *(u16 *)skb[r1 +16]
         if r0 == 443 goto keep
         drop:
         r0 = 0
         exit
         keep:
         r0 = -1
         exit"
            .replace("r0 = *(u16 *)skb[r1 +16]", "r8 = r1\n r0 = *(u16 *)skb[r8 +16]")
            .as_str(),
    );
}

#[test]
fn tail_calls_from_the_main_program() {
    xdp().map(MapDef::prog_array(4)).accepts(
        "r6 = *(u32 *)(r1 +12)
         r2 = map[idx:0]
         r3 = r6
         call bpf_tail_call#12
         r0 = 2
         exit",
    );
}
