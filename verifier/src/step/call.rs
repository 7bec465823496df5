//! Calls: of subprograms, whose bodies are walked, and of helpers, whose
//! prototypes say what they take and give.

use crate::domain::Scalar;
use crate::outcome::Cause;
use crate::reject::{Held, Why};
use crate::state::Frame;
use crate::state::value::{Id, MapRef, Ptr, PtrKind, Value};
use crate::step::arguments::Given;
use crate::structure::MAX_FRAMES;
use crate::walk::{Step, Walk};
use brolga_core::helper::table::{self, id};
use brolga_core::helper::{Proto, RefKind, RetKind};
use brolga_core::prog_type::SockKind;
use brolga_core::{Callee, MapFlags, MapKind, Reg};
use std::sync::Arc;

impl Walk<'_> {
    pub(crate) fn call(&mut self, callee: Callee) -> Result<Step, Cause> {
        self.may_call(callee)?;
        match callee {
            Callee::Subprog(off) => self.enter_subprog(off),
            Callee::Helper(id) => self.call_helper(id).map(|()| Step::On),
            Callee::Kfunc { .. } => self.call_kfunc(callee).map(|()| Step::On),
        }
    }

    fn enter_subprog(&mut self, off: i32) -> Result<Step, Cause> {
        let start = self.target(off)?;
        let subprog =
            self.structure.subprog_at(start).ok_or_else(|| self.bug("a call enters a subprogram"))?;
        if let Some(func) = self.global(subprog) {
            return self.call_global(subprog, func);
        }
        let depth = self.state.frames.len();
        if depth >= MAX_FRAMES {
            return Err(self.reject(Why::CallDepth(depth + 1)));
        }
        let mut frame = Frame { number: self.new_run(), ..Frame::new(depth as u8, subprog, self.pc) };
        for reg in Reg::ARGS {
            frame.regs[reg.index()] = *self.state.reg(reg);
        }
        self.lose_caller_saved();
        self.state.frames.push(frame);
        Ok(Step::To(start))
    }

    pub(crate) fn lose_caller_saved(&mut self) {
        for reg in [Reg::R0, Reg::R1, Reg::R2, Reg::R3, Reg::R4, Reg::R5] {
            self.state.set(reg, Value::Uninit);
        }
    }

    fn call_helper(&mut self, id: i32) -> Result<(), Cause> {
        let proto = self.callable(id)?;
        self.may_sleep_here(&proto)?;
        let given = self.arguments(&proto)?;
        for touched in &given.filled {
            self.fill_stack(touched);
        }
        self.releases(&proto, &given)?;
        self.own_rules(proto.id)?;
        if let Some(map) = given.map {
            self.map_fits(map, &proto)?;
        }
        self.facts.passes(self.pc, given.map.filter(|m| !m.inner).map(|m| m.idx));
        if proto.id == id::TAIL_CALL {
            if self.state.frames.iter().any(|frame| frame.callback.is_some()) {
                return Err(self.unsupported("a tail call while a callback runs"));
            }
            self.may_leave_early(Value::UNKNOWN, true)?;
        }
        if let Some(callback) = proto.callback {
            self.call_back(callback, &given)?;
        }
        self.lose_caller_saved();
        if proto.changes_packet {
            self.state.lose_packet();
        }
        let result = self.result(&proto, &given)?;
        let result = self.with_owner(&proto, &given, result);
        self.state.set(Reg::R0, result);
        Ok(())
    }

    /// What some helpers demand beyond their prototype.
    fn own_rules(&mut self, helper: i32) -> Result<(), Cause> {
        if helper == id::GET_LOCAL_STORAGE {
            self.rely(self.state.reg(Reg::R2).origins());
        }
        match helper {
            id::TAIL_CALL => self.nothing_held("tail_call"),
            id::GET_LOCAL_STORAGE if self.state.reg(Reg::R2).as_const() != Some(0) => {
                Err(self.held(Held::StorageFlags))
            }
            id::SNPRINTF => self.snprintf_format(),
            id::DYNPTR_FROM_MEM => self.dynptr_memory(self.state.reg(Reg::R1)),
            _ => Ok(()),
        }
    }

    /// The helper with this number, where the program may call it.
    fn callable(&self, id: i32) -> Result<Arc<Proto>, Cause> {
        let Some(proto) = self.aux.prog_type.helper_as(self.aux.attach, id) else {
            return Err(self.reject(match table::by_id(id) {
                Some(proto) => Why::HelperOfOtherType { name: proto.name.to_string(), id },
                None => Why::NoHelper(id),
            }));
        };
        if proto.gpl_only && !self.aux.gpl_compatible {
            return Err(self.reject(Why::GplOnly));
        }
        if let Some(what) = proto.fault() {
            return Err(self.unsupported(format!("{}, which takes {what}", proto.name)));
        }
        Ok(proto.clone())
    }

    fn result(&mut self, proto: &Proto, given: &Given) -> Result<Value, Cause> {
        match proto.ret.kind {
            RetKind::Integer => Ok(Value::anyway(integer_result(proto.id, given))),
            RetKind::Processor => Ok(Value::anyway(self.processor())),
            RetKind::Void => Ok(Value::Uninit),
            RetKind::MapValue => self.map_value_result(proto, given),
            RetKind::Mem(size) => Ok(self.object(PtrKind::Mem { size, rdonly: false }, proto.ret.nullable)),
            RetKind::Socket => Ok(self.object(PtrKind::Socket(SockKind::Full), proto.ret.nullable)),
            RetKind::TcpSock => Ok(self.object(PtrKind::Socket(SockKind::Tcp), proto.ret.nullable)),
            RetKind::SockCommon => Ok(self.object(PtrKind::Socket(SockKind::Common), proto.ret.nullable)),
            RetKind::AllocMem => self.allocated(proto, given),
            RetKind::BtfId if proto.ret.btf.is_some() => {
                let kind = PtrKind::Kernel { giver: proto.id, trusted: !proto.ret.nullable };
                Ok(self.object(kind, proto.ret.nullable))
            }
            RetKind::BtfId | RetKind::Kptr => Err(self.unsupported(format!("what {} returns", proto.name))),
        }
    }

    /// What is known of a processor's number.
    fn processor(&self) -> Scalar {
        let last = self.aux.processors.and_then(|count| count.checked_sub(1));
        last.and_then(|last| Scalar::from_unsigned_range(0, last.into())).unwrap_or(Scalar::UNKNOWN)
    }

    pub(crate) fn object(&mut self, kind: PtrKind, nullable: bool) -> Value {
        let id = if nullable { self.new_id() } else { Id::NONE };
        Value::Pointer(Ptr { nullable, id, ..Ptr::to(kind) })
    }

    /// A name for the value that a pointer is to, where it matters which it is.
    fn object_id(&mut self, map: MapRef) -> Id {
        if self.names_values(map) { self.new_id() } else { Id::NONE }
    }

    /// Memory of as many bytes as were asked for: a record, or a part of a dynptr.
    fn allocated(&mut self, proto: &Proto, given: &Given) -> Result<Value, Cause> {
        let size = given.alloc_size.ok_or_else(|| self.bug("allocated memory has a size"))? as u32;
        let record = proto.acquires == Some(RefKind::Ringbuf);
        let kind = if record { PtrKind::Record(size) } else { PtrKind::Mem { size, rdonly: false } };
        Ok(self.object(kind, proto.ret.nullable))
    }

    fn map_value_result(&mut self, proto: &Proto, given: &Given) -> Result<Value, Cause> {
        let map = given.map.ok_or_else(|| self.bug("a helper that returns a map value takes a map"))?;
        let def = map.def(self.aux);
        if def.kind.is_map_in_map() {
            if map.inner || def.inner.is_none() {
                return Err(self.unsupported("a map in a map in a map"));
            }
            return Ok(self.object(PtrKind::Map(MapRef { idx: map.idx, inner: true }), true));
        }
        match def.kind {
            MapKind::Xskmap => return Ok(self.object(PtrKind::Socket(SockKind::Xdp), true)),
            MapKind::Sockmap | MapKind::Sockhash => return Ok(self.object(PtrKind::SocketOfMap, true)),
            _ => {}
        }
        if !is_plain_value(def.kind) {
            return Err(self.unsupported(format!("values of a {} map", def.kind.name())));
        }
        // An inner map of that flag may be shorter than its template.
        let as_long = !map.inner || !def.flags.contains(MapFlags::INNER_MAP);
        let in_bounds = as_long && given.key.is_some_and(|key| key < u64::from(def.max_entries));
        let always = proto.id == id::MAP_LOOKUP_ELEM
            && matches!(def.kind, MapKind::Array | MapKind::PercpuArray)
            && in_bounds;
        let nullable = proto.ret.nullable && !always;
        let mut value = self.object(PtrKind::MapValue(map), nullable);
        if !nullable && let Value::Pointer(p) = &mut value {
            p.id = self.object_id(map);
        }
        Ok(value)
    }

    /// That the helper takes maps of this kind, and may change them where it does.
    fn map_fits(&self, map: MapRef, proto: &Proto) -> Result<(), Cause> {
        const WRITING: [i32; 4] = [2, 3, 87, 88];
        let def = map.def(self.aux);
        if def.flags.contains(MapFlags::RDONLY_PROG) && WRITING.contains(&proto.id) {
            return Err(self.reject(Why::MapReadOnly));
        }
        let kind = def.kind;
        if proto.id == id::TAIL_CALL && kind != MapKind::ProgArray {
            return Err(self.reject(Why::TailCallMap));
        }
        let by_map = helpers_of(kind).is_none_or(|ids| ids.contains(&proto.id));
        let by_helper = kinds_of(proto.id).is_none_or(|kinds| kinds.contains(&kind));
        if by_map && by_helper {
            return Ok(());
        }
        let helper = proto.name.to_string();
        Err(self.reject(Why::MapKind { kind: kind as u32, helper, id: proto.id }))
    }
}

/// The kinds whose values are bytes that a program may address.
const fn is_plain_value(kind: MapKind) -> bool {
    matches!(
        kind,
        MapKind::Array
            | MapKind::Hash
            | MapKind::PercpuArray
            | MapKind::PercpuHash
            | MapKind::LruHash
            | MapKind::LruPercpuHash
            | MapKind::LpmTrie
            | MapKind::CgroupStorage
            | MapKind::PercpuCgroupStorage
            | MapKind::SkStorage
            | MapKind::InodeStorage
            | MapKind::TaskStorage
            | MapKind::CgrpStorage
    )
}

/// What is known of a number that a helper returns: those that copy return the
/// number of bytes or a negative error.
fn integer_result(id: i32, given: &Given) -> Scalar {
    const MAX_ERRNO: i64 = 4095;
    const COPYING: [i32; 5] = [45, 67, 114, 115, 141];
    match given.max_size {
        Some(size) if COPYING.contains(&id) => {
            Scalar::from_signed_range(-MAX_ERRNO, size as i64).unwrap_or(Scalar::UNKNOWN)
        }
        Some(_) | None => Scalar::UNKNOWN,
    }
}

/// The helpers that take a map of this kind; any, where there is no list.
const fn helpers_of(kind: MapKind) -> Option<&'static [i32]> {
    Some(match kind {
        MapKind::ProgArray => &[12],
        MapKind::PerfEventArray => &[22, 25, 55, 111, 121],
        MapKind::StackTrace => &[27],
        MapKind::CgroupArray => &[33, 37],
        MapKind::CgroupStorage | MapKind::PercpuCgroupStorage => &[81],
        MapKind::Devmap | MapKind::DevmapHash | MapKind::Xskmap => &[51, 1],
        MapKind::Cpumap => &[51],
        MapKind::ArrayOfMaps | MapKind::HashOfMaps => &[1],
        MapKind::Sockmap => &[52, 53, 3, 60, 82, 1],
        MapKind::Sockhash => &[72, 70, 3, 71, 82, 1],
        MapKind::ReuseportSockarray => &[82],
        MapKind::Queue | MapKind::Stack => &[87, 88, 89],
        MapKind::SkStorage => &[107, 108],
        MapKind::InodeStorage => &[145, 146],
        MapKind::TaskStorage => &[156, 157],
        MapKind::BloomFilter => &[87, 89],
        MapKind::CgrpStorage => &[210, 211],
        MapKind::Ringbuf => &[130, 131, 134, 198, 199, 200],
        MapKind::UserRingbuf => &[209],
        MapKind::Hash
        | MapKind::Array
        | MapKind::PercpuHash
        | MapKind::PercpuArray
        | MapKind::LruHash
        | MapKind::LruPercpuHash
        | MapKind::LpmTrie
        | MapKind::StructOps
        | MapKind::Arena => return None,
    })
}

/// The kinds of map that a helper takes; any, where there is no list.
const fn kinds_of(id: i32) -> Option<&'static [MapKind]> {
    Some(match id {
        12 => &[MapKind::ProgArray],
        22 | 25 | 55 | 111 | 121 => &[MapKind::PerfEventArray],
        27 => &[MapKind::StackTrace],
        33 | 37 => &[MapKind::CgroupArray],
        51 => &[MapKind::Devmap, MapKind::DevmapHash, MapKind::Cpumap, MapKind::Xskmap],
        52 | 53 | 60 => &[MapKind::Sockmap],
        70..=72 => &[MapKind::Sockhash],
        81 => &[MapKind::CgroupStorage, MapKind::PercpuCgroupStorage],
        82 => &[MapKind::ReuseportSockarray, MapKind::Sockmap, MapKind::Sockhash],
        87 | 89 => &[MapKind::Queue, MapKind::Stack, MapKind::BloomFilter],
        88 => &[MapKind::Queue, MapKind::Stack],
        107 | 108 => &[MapKind::SkStorage],
        130 | 131 | 134 | 198 => &[MapKind::Ringbuf],
        145 | 146 => &[MapKind::InodeStorage],
        156 | 157 => &[MapKind::TaskStorage],
        195 => &[MapKind::PercpuArray, MapKind::PercpuHash, MapKind::LruPercpuHash],
        209 => &[MapKind::UserRingbuf],
        210 | 211 => &[MapKind::CgrpStorage],
        _ => return None,
    })
}
