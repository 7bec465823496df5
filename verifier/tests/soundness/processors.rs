//! What is known of a processor's number: it is below the number of processors.

use crate::{Load, xdp};

/// Reads a place that there is not where the processor's number is above 1.
const THIRD: &str = "call bpf_get_smp_processor_id#8
     if r0 <= 1 goto +1
     r0 = *(u8 *)(r0 +0)
     r0 = 0
     exit";

fn xdp_on(processors: u32) -> Load {
    let mut load = xdp();
    load.aux.processors = Some(processors);
    load
}

#[test]
fn ways_of_processors_that_there_are_not_are_not_walked() {
    xdp_on(1).accepts(THIRD);
    let accepted = xdp_on(2).accepts(THIRD);
    assert!(!accepted.verified.facts().at(brolga_core::Pc(2)).reached);
}

#[test]
fn ways_of_processors_that_there_may_be_are_walked() {
    let words = "R0 invalid mem access 'scalar'";
    xdp_on(3).refuses(words, THIRD);
    xdp_on(u32::MAX).refuses(words, THIRD);
    xdp().refuses(words, THIRD);
}

#[test]
fn the_number_is_not_negative() {
    let negative = "call 8\n if r0 s>= 0 goto +1\n r0 = *(u8 *)(r0 +0)\n r0 = 0\n exit";
    xdp_on(u32::MAX).accepts(negative);
    xdp().refuses("R0 invalid mem access 'scalar'", negative);
}
