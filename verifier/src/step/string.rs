//! Strings that are known when a program is loaded: in a map that no one will
//! change any more.

use crate::outcome::Cause;
use crate::reject::Held;
use crate::state::value::PtrKind;
use crate::step::region::Bytes;
use crate::walk::Walk;
use brolga_core::map::MapFlags;
use brolga_core::{MapKind, Reg, format};
use std::sync::Arc;

/// A string, where it lies.
struct Text {
    frozen: Arc<[u8]>,
    start: usize,
}

impl Walk<'_> {
    /// An argument that is a string with its NUL.
    pub(crate) fn constant_string(&mut self, reg: Reg) -> Result<(), Cause> {
        let Text { frozen, start } = self.string_at(reg)?;
        if frozen[start..].contains(&0) { Ok(()) } else { Err(self.held(Held::StringWithoutEnd)) }
    }

    /// The bytes that a register points to, up to the value's end.
    fn string_at(&self, reg: Reg) -> Result<Text, Cause> {
        let ptr = *self.state.reg(reg).ptr().ok_or_else(|| self.bug("a string is in a map value"))?;
        let PtrKind::MapValue(map) = ptr.kind else { return Err(self.bug("a string is in a map value")) };
        let def = map.def(self.aux);
        let info = self.aux.map(map.idx);
        let is_frozen = !map.inner && def.flags.contains(MapFlags::RDONLY_PROG) && info.frozen.is_some();
        if !is_frozen {
            return Err(self.held(Held::StringMayChange(reg)));
        }
        let Some(off) = ptr.fixed_off().filter(|_| ptr.var.as_const().is_some()) else {
            return Err(self.held(Held::StringAnywhere(reg)));
        };
        if def.kind != MapKind::Array {
            return Err(self.held(Held::StringInOtherMap));
        }
        let size = i64::from(def.value_size).saturating_sub(ptr.off.into()) as u32;
        let bytes = Bytes { reg, off: ptr.off.into(), size, zero_ok: false, writes: false, by_helper: true };
        self.in_map_value(&ptr, map, &bytes)?;
        let frozen = info.frozen.clone().filter(|_| def.max_entries == 1);
        let frozen = frozen.ok_or_else(|| self.held(Held::StringNotDirect))?;
        let start = usize::try_from(off).ok().filter(|start| *start <= frozen.len());
        let start = start.ok_or_else(|| self.held(Held::StringNotDirect))?;
        Ok(Text { frozen, start })
    }

    /// That `bpf_snprintf` is given a format, and arguments enough for it.
    pub(crate) fn snprintf_format(&mut self) -> Result<(), Cause> {
        self.rely(self.state.reg(Reg::R5).origins());
        let Text { frozen, start } = self.string_at(Reg::R3)?;
        // The kernel looks at the known bits of the size only.
        let size = self.state.reg(Reg::R5).scalar().map_or(0, |size| size.tnum().value());
        if !size.is_multiple_of(8) {
            return Err(self.held(Held::FormatArguments));
        }
        let arguments = usize::try_from(size / 8).unwrap_or(usize::MAX);
        format::check(&frozen[start..], arguments).map_err(|_| self.held(Held::Format))
    }
}
