//! The subprograms of a program, and how they are called.

use super::{Liveness, Plan, Reference, short};
use crate::error::CompileError;
use crate::options::{Options, Passes, Tier};
use brolga_core::facts::SubprogId;
use brolga_core::helper::table::id;
use brolga_core::insn::RegSet;
use brolga_core::{Callee, Code, Linked, Pc, Reg};

/// What calls a subprogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The host: r1, r2 and the run, in C's convention.
    Main,
    /// Other subprograms: the registers that it reads, then the run where the
    /// program makes tail calls.
    Subprog { parameters: RegSet },
    /// Helpers, in C's convention with five arguments, and other subprograms in
    /// the same way.
    Callback,
}

/// Every subprogram of a program with its plan, by [`SubprogId`].
pub(crate) struct ProgramPlan<'a> {
    pub(crate) linked: &'a Linked,
    pub(crate) plans: Vec<Option<Plan>>,
    pub(crate) roles: Vec<Role>,
    /// Every subprogram, after those it calls.
    pub(crate) callees_first: Vec<SubprogId>,
    /// Whether any subprogram makes a tail call.
    pub(crate) tail_calls: bool,
}

impl<'a> ProgramPlan<'a> {
    pub(crate) fn new(linked: &'a Linked, options: &Options) -> Result<Self, CompileError> {
        let (code, facts) = (&linked.exec().code, linked.facts());
        // The quick tier makes no more code than there is.
        let passes = match options.tier {
            Tier::Best => options.passes,
            Tier::Quick => options.passes.difference(Passes::UNROLL | Passes::TURN),
        };
        let plans: Vec<Option<Plan>> =
            facts.subprogs.iter().map(|s| Plan::new(code, facts, *s, passes)).collect();
        let tail_calls = linked.exec().calls.values().any(|call| call.proto.id == id::TAIL_CALL);
        let roles = vec![Role::Subprog { parameters: RegSet::EMPTY }; facts.subprogs.len()];
        let mut program = Self { linked, plans, roles, callees_first: Vec::new(), tail_calls };
        if program.plans.first().is_none_or(Option::is_none) {
            return Err(CompileError::Facts { at: Pc::START, what: "a main program that is never reached" });
        }
        let links = program.links()?;
        program.roles[SubprogId::MAIN.index()] = Role::Main;
        program.solve(&links, options.passes.contains(Passes::NARROW));
        Ok(program)
    }

    /// The argument registers that a call reads.
    fn arguments(&self, at: Pc, callee: Callee) -> RegSet {
        match callee {
            Callee::Helper(_) | Callee::Kfunc { .. } => {
                self.linked.exec().calls.get(&at).map_or(RegSet::ARGS, |call| {
                    RegSet::args(helper_arity(call.proto.id, call.proto.arity()))
                })
            }
            Callee::Subprog(off) => self.callee(at, off).map_or(RegSet::EMPTY, |s| self.parameters(s)),
        }
    }

    /// The argument registers that a call of a subprogram passes.
    pub(crate) fn parameters(&self, subprog: SubprogId) -> RegSet {
        match self.roles[subprog.index()] {
            Role::Main => RegSet::args(2),
            Role::Subprog { parameters } => parameters,
            Role::Callback => RegSet::ARGS,
        }
    }

    /// The subprogram that is this far from a place.
    pub(crate) fn callee(&self, at: Pc, off: i32) -> Option<SubprogId> {
        self.linked.facts().subprog_at(at.jump(off)?)
    }

    /// Whether some run reaches a subprogram.
    pub(crate) fn is_reached(&self, subprog: SubprogId) -> bool {
        self.plans[subprog.index()].is_some()
    }

    /// Finds the subprograms that are callbacks, and who calls whom.
    fn links(&mut self) -> Result<Vec<(SubprogId, SubprogId)>, CompileError> {
        let mut links = Vec::new();
        let mut callbacks = Vec::new();
        for (index, plan) in self.plans.iter().enumerate() {
            let caller = SubprogId(index as u32);
            for &Reference { at, off, is_callback } in plan.iter().flat_map(|plan| &plan.references) {
                let what = "a reference to what is no subprogram";
                let callee = self.callee(at, off).ok_or(CompileError::Facts { at, what })?;
                if is_callback && !self.is_reached(callee) {
                    // Its address is taken, and no one ever runs it.
                    continue;
                }
                if !self.is_reached(callee) {
                    return Err(CompileError::Facts { at, what });
                }
                if callee == SubprogId::MAIN {
                    return Err(CompileError::Unsupported { at, what: "a call of the main program" });
                }
                links.push((caller, callee));
                callbacks.extend(is_callback.then_some(callee));
            }
        }
        callbacks.into_iter().for_each(|s| self.roles[s.index()] = Role::Callback);
        Ok(links)
    }

    fn code(&self) -> &'a Code {
        &self.linked.exec().code
    }

    /// Finds what is live in every plan, callees first: what a call reads is
    /// what its callee has live at its start.
    fn solve(&mut self, links: &[(SubprogId, SubprogId)], narrow: bool) {
        self.callees_first = callees_first(links, self.plans.len());
        for index in self.callees_first.clone().into_iter().map(SubprogId::index) {
            let Some(mut plan) = self.plans[index].take() else { continue };
            let arguments = |at, callee| self.arguments(at, callee);
            Liveness { code: self.code(), narrow, arguments: &arguments }.solve(&mut plan);
            if narrow {
                short::solve(self.code(), self.linked.facts(), &mut plan);
            }
            let live = plan.blocks[0].live.any();
            if let Role::Subprog { parameters } = &mut self.roles[index] {
                *parameters = Reg::ARGS.into_iter().filter(|reg| live.contains(*reg)).collect();
            }
            self.plans[index] = Some(plan);
        }
    }
}

/// How many arguments a helper is called with: as many as its prototype has,
/// but that `bpf_trace_printk` also looks at the registers that its format
/// string speaks of.
pub(crate) const fn helper_arity(id: i32, arity: usize) -> usize {
    if id == id::TRACE_PRINTK { Reg::ARGS.len() } else { arity }
}

/// The subprograms, each after those it calls. The call graph of a verified
/// program has no cycle.
fn callees_first(links: &[(SubprogId, SubprogId)], count: usize) -> Vec<SubprogId> {
    let mut height = vec![0; count];
    // A chain of calls is at most as long as there are subprograms.
    for _ in 0..count {
        let mut changed = false;
        for (caller, callee) in links {
            let least = height[callee.index()] + 1;
            if height[caller.index()] < least {
                height[caller.index()] = least;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    let mut order: Vec<SubprogId> = (0..count as u32).map(SubprogId).collect();
    order.sort_by_key(|subprog| height[subprog.index()]);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callees_come_first() {
        let link = |a, b| (SubprogId(a), SubprogId(b));
        assert_eq!(callees_first(&[link(0, 1), link(1, 3), link(3, 2)], 4), [2, 3, 1, 0].map(SubprogId));
        assert_eq!(callees_first(&[], 2), [0, 1].map(SubprogId));
    }

    #[test]
    fn a_cycle_ends() {
        let link = |a, b| (SubprogId(a), SubprogId(b));
        assert_eq!(callees_first(&[link(0, 1), link(1, 0)], 2).len(), 2);
    }
}
