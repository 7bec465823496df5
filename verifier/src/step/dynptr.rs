//! Dynptrs: two stack slots that only helpers may look into.
//!
//! A dynptr has a name. What `bpf_dynptr_data` gives of it is owned by that
//! name, and lost when the dynptr is overwritten (one over a map's value) or
//! released (one of a ring buffer, which may not be overwritten).

use crate::outcome::Cause;
use crate::reject::{Held, Verb};
use crate::state::stack::{Byte, Dynptr, STACK_BYTES, StackSlot, place};
use crate::state::value::{Id, Ptr, PtrKind, Value};
use crate::step::arguments::Given;
use crate::step::stack::Touched;
use crate::walk::Walk;
use brolga_core::Reg;
use brolga_core::helper::{Arg, ArgFlags, RefKind};

/// The size of a `struct bpf_dynptr`, in bytes.
const SIZE: u32 = 16;

/// Where a dynptr is: a frame, and the slot of its half at the lower address.
type Place = (usize, usize);

impl Walk<'_> {
    /// An argument that is a dynptr, or is to become one.
    pub(crate) fn dynptr(
        &mut self,
        index: usize,
        arg: &Arg,
        acquires: Option<RefKind>,
        given: &mut Given,
    ) -> Result<(), Cause> {
        let reg = Reg::ARGS[index];
        if arg.flags.contains(ArgFlags::UNINIT) {
            return self.new_dynptr(reg, acquires == Some(RefKind::DynptrRingbuf));
        }
        let Some(dynptr) = self.dynptr_place(reg).and_then(|at| self.dynptr_at(at)) else {
            return Err(self.held(Held::NoDynptr(index)));
        };
        if arg.flags.contains(ArgFlags::DYNPTR_RINGBUF) && !dynptr.ringbuf {
            return Err(self.held(Held::DynptrKind { kind: "ringbuf", arg: index }));
        }
        if arg.flags.contains(ArgFlags::DYNPTR_LOCAL) && dynptr.ringbuf {
            return Err(self.held(Held::DynptrKind { kind: "local", arg: index }));
        }
        given.dynptr = dynptr.id;
        Ok(())
    }

    /// The two slots that a register points to, where they are a frame's.
    fn dynptr_place(&self, reg: Reg) -> Option<Place> {
        let ptr = self.state.reg(reg).ptr()?;
        let PtrKind::Stack(frame) = ptr.kind else { return None };
        let off = i32::try_from(ptr.fixed_off()?).ok()?;
        let fits = off % 8 == 0 && off <= -(SIZE as i32) && off >= -STACK_BYTES;
        fits.then(|| (usize::from(frame), place(off).0))
    }

    /// The dynptr whose lower half is there.
    fn dynptr_at(&self, (frame, slot): Place) -> Option<Dynptr> {
        let stack = &self.state.frames[frame].stack;
        let (low, high) = (stack.slot(slot).dynptr?, stack.slot(slot.checked_sub(1)?).dynptr?);
        (low.low && !high.low && low.id == high.id).then_some(low)
    }

    fn new_dynptr(&mut self, reg: Reg, ringbuf: bool) -> Result<(), Cause> {
        let ptr = self.state.reg(reg).ptr().copied().ok_or_else(|| self.bug("a dynptr is on the stack"))?;
        let unsure = ptr.var.as_const().is_none();
        let off = i64::from(ptr.off).wrapping_add(ptr.var.as_const().unwrap_or(0) as i64);
        if unsure || off % 8 != 0 || (off > -i64::from(SIZE) && off < 0) {
            return Err(self.held(Held::DynptrPlace));
        }
        for half in [0, 8] {
            let touched = self.stack_bytes(reg, &ptr, half, 8, Verb::Write)?;
            self.overwrite_dynptrs(&touched)?;
        }
        let at = self.dynptr_place(reg).ok_or_else(|| self.bug("a new dynptr is on the stack"))?;
        let id = if ringbuf { self.acquire() } else { self.new_id() };
        self.put_dynptr(at, ringbuf, id);
        Ok(())
    }

    fn put_dynptr(&mut self, (frame, slot): Place, ringbuf: bool, id: Id) {
        let stack = &mut self.state.frames[frame].stack;
        for (index, low) in [(slot, true), (slot - 1, false)] {
            *stack.slot_mut(index) = StackSlot::of_dynptr(Dynptr { ringbuf, low, id });
        }
    }

    /// That a dynptr which is to be released holds something.
    pub(crate) fn dynptr_releasable(&self, reg: Reg) -> Result<(), Cause> {
        let dynptr = self.dynptr_place(reg).and_then(|(frame, slot)| {
            let dynptr = self.state.frames[frame].stack.slot(slot).dynptr;
            dynptr.filter(|d| d.ringbuf && self.state.held.has(d.id))
        });
        dynptr.map(|_| ()).ok_or_else(|| self.held(Held::DynptrUnacquired(reg)))
    }

    /// The dynptr, its reference and all that was made of it are gone.
    pub(crate) fn release_dynptr(&mut self, reg: Reg) -> Result<(), Cause> {
        let at = self.dynptr_place(reg).ok_or_else(|| self.bug("a dynptr is released that is one"))?;
        let dynptr = self.dynptr_at(at).ok_or_else(|| self.bug("a dynptr is released that is one"))?;
        self.release(dynptr.id);
        self.destroy(dynptr.id);
        Ok(())
    }

    /// Every dynptr of this name becomes what no one has written.
    fn destroy(&mut self, id: Id) {
        for frame in 0..self.state.frames.len() {
            let stack = &self.state.frames[frame].stack;
            let is_it = |slot: &usize| stack.slot(*slot).dynptr.is_some_and(|d| d.id == id);
            let slots: Vec<usize> = (0..stack.len()).filter(is_it).collect();
            for slot in slots {
                *self.state.frames[frame].stack.slot_mut(slot) = StackSlot::UNINIT;
            }
        }
    }

    /// That these bytes may be overwritten: a dynptr of which one is a part is
    /// destroyed, and so is what was made of it.
    pub(crate) fn overwrite_dynptrs(&mut self, touched: &Touched) -> Result<(), Cause> {
        while let Some((_, dynptr)) = self.first_dynptr(touched) {
            if dynptr.ringbuf {
                return Err(self.held(Held::DynptrOverwritten));
            }
            self.state.lose_owned(dynptr.id);
            self.destroy(dynptr.id);
        }
        Ok(())
    }

    /// The first of these bytes that is a dynptr's or an iterator's.
    fn first_object(&self, touched: &Touched) -> Option<i32> {
        let stack = &self.state.frames[touched.frame].stack;
        touched.offs.clone().find(|off| matches!(stack.byte(*off), Byte::Dynptr | Byte::Iter))
    }

    /// The first of these bytes that is a dynptr's.
    pub(crate) fn first_dynptr(&self, touched: &Touched) -> Option<(i32, Dynptr)> {
        let stack = &self.state.frames[touched.frame].stack;
        let mut bytes = touched.offs.clone().filter(|off| stack.byte(*off) == Byte::Dynptr);
        bytes.find_map(|off| stack.slot(place(off).0).dynptr.map(|d| (off, d)))
    }

    /// That the program reads no byte of a dynptr or an iterator.
    pub(crate) fn reads_no_dynptr(
        &self,
        ptr: &Ptr,
        reg: Reg,
        size: u32,
        touched: &Touched,
    ) -> Result<(), Cause> {
        let Some(off) = self.first_object(touched) else { return Ok(()) };
        let (start, byte) = (touched.offs.start, off - touched.offs.start);
        Err(self.held(if touched.exact {
            Held::DynptrRead { off: start, byte, size }
        } else {
            Held::DynptrReadVariable { reg, var: ptr.var.tnum(), byte, size }
        }))
    }

    /// That a helper neither reads nor fills a byte of a dynptr as memory, nor reads
    /// one of an iterator.
    pub(crate) fn helper_spares_dynptrs(
        &self,
        (ptr, reg): (&Ptr, Reg),
        size: u32,
        fills: bool,
        touched: &Touched,
    ) -> Result<(), Cause> {
        // An iterator that is filled over is no more.
        let found = if fills { self.first_dynptr(touched).map(|d| d.0) } else { self.first_object(touched) };
        let Some(off) = found else { return Ok(()) };
        let (start, byte) = (touched.offs.start, off - touched.offs.start);
        Err(self.held(match (fills, touched.exact) {
            (true, _) => Held::DynptrFilled(off),
            (false, true) => Held::DynptrReadByHelper { reg, off: start, byte, size },
            (false, false) => Held::DynptrReadVariable { reg, var: ptr.var.tnum(), byte, size },
        }))
    }

    /// That `bpf_dynptr_from_mem` is given a map's value.
    pub(crate) fn dynptr_memory(&self, value: &Value) -> Result<(), Cause> {
        match value.ptr().map(|p| p.kind) {
            Some(PtrKind::MapValue(_)) => Ok(()),
            _ => Err(self.held(Held::DynptrMemory(value.type_name()))),
        }
    }
}
