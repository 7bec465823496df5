//! When facts of an instruction say no more than others.

use brolga_core::facts::{InsnFacts, Region};

/// Whether all that is `said` follows from what is `known`: what says less, by
/// leaving more ways open.
pub(super) fn follows(said: &InsnFacts, known: &InsnFacts) -> bool {
    if !known.reached {
        return true;
    }
    let ways =
        (said.ways.taken || !known.ways.taken) && (said.ways.falls_through || !known.ways.falls_through);
    said.reached
        && ways
        && (!said.divisor_nonzero || known.divisor_nonzero)
        && (said.map.is_none() || said.map == known.map)
        && (said.callback.is_none() || said.callback == known.callback)
        && region(said.region, known.region)
}

fn region(said: Option<Region>, known: Option<Region>) -> bool {
    match (said, known) {
        (_, None) | (Some(Region::Other), _) => true,
        (Some(Region::Stack { fixed: None }), Some(Region::Stack { .. })) => true,
        (said, known) => said == known,
    }
}
