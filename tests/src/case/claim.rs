//! Claims about registers in the comments of a case file.

use super::{Case, CaseError, header};
use brolga_core::{Pc, Reg};
use brolga_verifier::Claims;
use brolga_verifier::state::value::Value;

/// What a register must hold once the instruction on a line is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    line: u32,
    reg: Reg,
    holds: Holds,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Holds {
    Number,
    Between(u64, u64),
    Pointer(String),
    Packet(u16),
}

impl Claim {
    /// The claim of a comment, where it is one: `rN=...`.
    pub(super) fn parse(line: u32, comment: &str) -> Result<Option<Self>, CaseError> {
        let Some((name, what)) = comment.split_once('=') else { return Ok(None) };
        let number = name.trim().strip_prefix('r').and_then(|n| n.parse().ok());
        let Some(reg) = number.and_then(Reg::new) else { return Ok(None) };
        let wrong = CaseError::Header { line: line as usize, what: "that is no claim" };
        let holds = Holds::parse(what.trim()).ok_or(wrong)?;
        Ok(Some(Self { line, reg, holds }))
    }

    /// That it is so in every state claimed after the instruction.
    fn check(&self, case: &Case, claims: &Claims) -> Result<(), String> {
        let line = self.line;
        let at = case.assembly.pc_of(line).ok_or(format!("line {line}: a claim needs an instruction"))?;
        let after = case.assembly.code.next(at);
        let states = claims.at(after);
        if states.is_empty() {
            return Err(format!("line {line}: nothing is claimed after the instruction"));
        }
        match states.iter().map(|s| s.reg(self.reg)).find(|value| !self.holds.holds(value)) {
            None => Ok(()),
            Some(value) => Err(format!("line {line}, insn {}: {} is {value:?}", Pc(at.0), self.reg)),
        }
    }
}

impl Holds {
    fn parse(text: &str) -> Option<Self> {
        if let Some(range) = text.strip_prefix("scalar(").and_then(|t| t.strip_suffix(')')) {
            let (low, high) = range.split_once("..=")?;
            return Some(Self::Between(header::number(low)?, header::number(high)?));
        }
        if let Some(bytes) = text.strip_prefix("pkt(r=").and_then(|t| t.strip_suffix(')')) {
            return bytes.parse().ok().map(Self::Packet);
        }
        match header::number(text) {
            Some(number) => Some(Self::Between(number, number)),
            None if text == "scalar" => Some(Self::Number),
            None => Some(Self::Pointer(text.to_owned())),
        }
    }

    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Number, Value::Number(_)) => true,
            (Self::Between(low, high), Value::Number(n)) if (*low as i64) < 0 => {
                n.range.smin() == *low as i64 && n.range.smax() == *high as i64
            }
            (Self::Between(low, high), Value::Number(n)) => n.range.umin() == *low && n.range.umax() == *high,
            (Self::Pointer(name), Value::Pointer(p)) => p.type_name() == name,
            (Self::Packet(bytes), Value::Pointer(p)) => p.type_name() == "pkt" && p.range == *bytes,
            (Self::Number | Self::Between(..) | Self::Pointer(_) | Self::Packet(_), _) => false,
        }
    }
}

/// Every claim of the case that does not hold.
pub(super) fn check(case: &Case, claims: &Claims) -> Vec<String> {
    case.claims.iter().filter_map(|claim| claim.check(case, claims).err()).collect()
}
