//! That every chain of calls fits the stack, once the walk has shown how much
//! of it each subprogram needs.
//!
//! Chains are those of the program's text, whether or not the walk took them,
//! and a subprogram whose address is taken counts as called. A frame counts as
//! the next multiple of 16 bytes. As in the kernel's compiled programs, those of
//! the kinds that may interrupt one another give each large frame a stack of its
//! own, unless a tail call or a callback that runs later may need it too.
//!
//! The walk over chains goes only once over a subprogram at the same depth in
//! bytes and frames, so that its time does not grow with the number of chains.

use super::{MAX_FRAMES, Structure, StructureError};
use crate::reject::Reject;
use brolga_core::facts::SubprogId;
use brolga_core::prog_type::ProgramType;

/// The most bytes of stack that a frame, and all frames of a chain, may have.
const MAX_STACK: u32 = 512;

/// What a frame's size is rounded up to.
const ROUND: u32 = 16;

/// From how many bytes on a frame may get a stack of its own.
const MIN_PRIVATE: u32 = 64;

/// From how many bytes of callers' frames on a tail call is refused.
const MAX_BELOW_TAIL_CALL: u32 = 256;

/// What the walk over the program's paths found of a subprogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    /// How many bytes below its frame pointer it may touch.
    pub(crate) bytes: u32,
    /// Whether a helper took it as a callback that runs later (of a timer).
    pub(crate) runs_later: bool,
}

/// Checks every chain of calls; `frames` are by subprogram. Gives the bytes of
/// the deepest chain, without the frames that have a stack of their own.
///
/// # Errors
///
/// As the kernel's `check_max_stack_depth`, in its order.
pub(crate) fn check(prog_type: &ProgramType, structure: &Structure, frames: &[Frame]) -> Result<u32, Reject> {
    let may_be_private =
        interrupts_itself(prog_type) && !structure.subprogs().iter().any(|s| s.has_tail_call);
    let mut chains = Chains::new(structure, frames);
    for root in (1..frames.len()).rev().filter(|i| frames[*i].runs_later) {
        chains.walk(SubprogId(root as u32))?;
    }
    if may_be_private {
        chains.give_private_stacks();
    }
    chains.walk(SubprogId::MAIN)?;
    Ok(chains.deepest)
}

/// The kinds whose programs may run while another of them does on the same CPU:
/// kprobe, tracepoint, perf_event and raw_tracepoint.
fn interrupts_itself(prog_type: &ProgramType) -> bool {
    matches!(prog_type.number, Some(2 | 5 | 7 | 17))
}

struct Chains<'a> {
    structure: &'a Structure,
    frames: &'a [Frame],
    /// Which subprograms have a stack of their own.
    private: Vec<bool>,
    /// What was gone over: a bit for each number of frames, by subprogram and
    /// depth before it in units of [`ROUND`].
    seen: Vec<[u8; (MAX_STACK / ROUND) as usize + 1]>,
    deepest: u32,
}

/// A frame of the chain that is being walked.
struct Link {
    subprog: SubprogId,
    /// The next callee to go to.
    edge: usize,
    /// The bytes of this chain, this frame's included.
    depth: u32,
}

impl<'a> Chains<'a> {
    fn new(structure: &'a Structure, frames: &'a [Frame]) -> Self {
        let count = frames.len();
        let seen = vec![[0; _]; count];
        Self { structure, frames, private: vec![false; count], seen, deepest: 0 }
    }

    /// What a callback that runs later may call has none, for it may run while
    /// the program does.
    fn give_private_stacks(&mut self) {
        for (i, frame) in self.frames.iter().enumerate() {
            let shared = self.seen[i].iter().any(|frames| *frames != 0);
            self.private[i] = !shared && rounded(frame.bytes) >= MIN_PRIVATE;
        }
    }

    fn walk(&mut self, root: SubprogId) -> Result<(), Reject> {
        let mut chain: Vec<Link> = Vec::with_capacity(MAX_FRAMES);
        chain.extend(self.enter(root, 0, 0)?);
        while let Some(link) = chain.last_mut() {
            let Some(edge) = self.structure.subprog(link.subprog).callees.get(link.edge) else {
                chain.pop();
                continue;
            };
            link.edge += 1;
            if self.frames[edge.to.index()].runs_later && !edge.called {
                continue;
            }
            let depth = link.depth;
            if chain.len() == MAX_FRAMES {
                return refuse(StructureError::TooManyFrames(MAX_FRAMES as u32));
            }
            chain.extend(self.enter(edge.to, depth, chain.len())?);
        }
        Ok(())
    }

    /// The frame of a subprogram that is called at this depth; nothing where
    /// all that it may call was gone over at the same depth.
    fn enter(&mut self, subprog: SubprogId, before: u32, frames: usize) -> Result<Option<Link>, Reject> {
        let has_tail_call = self.structure.subprog(subprog).has_tail_call;
        if subprog != SubprogId::MAIN && has_tail_call && before >= MAX_BELOW_TAIL_CALL {
            return refuse(StructureError::TailCallStack(before));
        }
        let depth = self.depth_with(subprog, before, frames)?;
        self.deepest = self.deepest.max(depth);
        let seen = &mut self.seen[subprog.index()][(before / ROUND) as usize];
        let first = *seen & 1 << frames == 0;
        *seen |= 1 << frames;
        Ok(first.then_some(Link { subprog, edge: 0, depth }))
    }

    fn depth_with(&self, subprog: SubprogId, before: u32, frames: usize) -> Result<u32, Reject> {
        let bytes = rounded(self.frames[subprog.index()].bytes);
        if self.private[subprog.index()] {
            let too_large = StructureError::SubprogStack { subprog: subprog.0, bytes };
            return if bytes > MAX_STACK { refuse(too_large) } else { Ok(before) };
        }
        let (depth, calls) = (before + bytes, frames as u32 + 1);
        let too_large = StructureError::CombinedStack { calls, bytes: depth };
        if depth > MAX_STACK { refuse(too_large) } else { Ok(depth) }
    }
}

const fn rounded(bytes: u32) -> u32 {
    bytes.next_multiple_of(ROUND)
}

fn refuse<T>(why: StructureError) -> Result<T, Reject> {
    Err(Reject { at: None, why: why.into() })
}
