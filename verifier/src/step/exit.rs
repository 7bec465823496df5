//! The end of a program or subprogram, and legacy packet loads.

use crate::outcome::Cause;
use crate::reject::Why;
use crate::state::Frame;
use crate::state::value::{PtrKind, Value};
use crate::walk::{Step, Walk};
use brolga_core::{PacketAt, Reg};

impl Walk<'_> {
    pub(crate) fn exit(&mut self) -> Result<Step, Cause> {
        if self.state.frames.len() > 1 {
            return self.leave_subprog();
        }
        self.nothing_held("BPF_EXIT instruction in main prog")?;
        let result = self.read(Reg::R0)?;
        match self.state.top().callback {
            Some(kind) => self.callback_result(kind, &result)?,
            None if self.in_global() => self.global_result(&result)?,
            None => self.result_allowed(&result)?,
        }
        Ok(Step::End)
    }

    /// A legacy packet load outside the packet, or a tail call that succeeds,
    /// ends a subprogram early: its caller goes on with this result. (In the
    /// main program it ends the run.)
    pub(crate) fn may_leave_early(&mut self, result: Value, packet_moves: bool) -> Result<(), Cause> {
        if self.state.frames.len() == 1 {
            return match self.state.top().callback {
                Some(kind) => self.callback_result(kind, &result),
                None => Ok(()),
            };
        }
        let mut early = self.state.clone();
        if packet_moves {
            early.lose_packet();
        }
        let &Frame { callsite, callback, .. } = early.top();
        early.frames.pop();
        if let Some(kind) = callback {
            self.callback_result(kind, &result)?;
            return self.push(early, callsite);
        }
        early.set(Reg::R0, result);
        self.push(early, callsite.plus(1))
    }

    fn leave_subprog(&mut self) -> Result<Step, Cause> {
        let result = *self.state.reg(Reg::R0);
        if result.ptr().is_some_and(|p| matches!(p.kind, PtrKind::Stack(_))) {
            return Err(self.reject(Why::ReturnsStack));
        }
        if let Some(kind) = self.state.top().callback {
            return self.leave_callback(kind);
        }
        let callsite = self.state.top().callsite;
        self.state.frames.pop();
        self.state.set(Reg::R0, result);
        Ok(Step::To(callsite.plus(1)))
    }

    fn result_allowed(&mut self, result: &Value) -> Result<(), Cause> {
        let Some(range) = self.aux.prog_type.returns(self.aux.attach) else { return Ok(()) };
        let Value::Number(n) = result else {
            return Err(self.reject(Why::ResultKind(result.type_name())));
        };
        self.rely_on(n);
        let (min, max) = (*range.start(), *range.end());
        if n.range.smin() < i64::from(min) || n.range.smax() > i64::from(max) {
            return Err(self.reject(Why::Result { found: n.range, min, max }));
        }
        Ok(())
    }

    /// `LD_ABS`, `LD_IND`: as a call that takes r6 and gives r0. It may end the
    /// program with 0, which is what the kernel allows without a look at the
    /// results that the type may have.
    pub(crate) fn load_packet(&mut self, at: PacketAt) -> Result<(), Cause> {
        if !self.aux.prog_type.legacy_packet_loads {
            return Err(self.reject(Why::LegacyLoad));
        }
        let ctx = self.read(Reg::R6)?;
        self.nothing_held("BPF_LD_[ABS|IND]")?;
        let Value::Pointer(p) = ctx else { return Err(self.reject(Why::LegacyLoadContext)) };
        if p.kind != PtrKind::Ctx {
            return Err(self.reject(Why::LegacyLoadContext));
        }
        if let PacketAt::Ind(reg) = at {
            self.read(reg)?;
        }
        self.unmoved(Reg::R6, &p)?;
        self.may_leave_early(Value::immediate(0), false)?;
        for reg in Reg::ARGS {
            self.state.set(reg, Value::Uninit);
        }
        self.state.set(Reg::R0, Value::UNKNOWN);
        Ok(())
    }
}
