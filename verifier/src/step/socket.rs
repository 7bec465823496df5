//! Loads from objects of the kernel's: sockets, and a map's own structure.

use crate::outcome::Cause;
use crate::reject::{Held, Why};
use crate::state::value::{MapRef, Ptr, Value};
use crate::step::memory::Access;
use crate::walk::Walk;
use brolga_core::MapKind;
use brolga_core::prog_type::SockKind;

/// `struct bpf_map` begins with a digest of this many bytes, of which a program
/// may read any; what follows is not described here.
const DIGEST: i64 = 32;

impl Walk<'_> {
    pub(crate) fn load_socket(&self, kind: SockKind, ptr: &Ptr, access: &Access) -> Result<Value, Cause> {
        let (reg, size) = (access.reg, access.size);
        // Such pointers can not be moved, so that the offset is the access's.
        let off = i64::from(ptr.off) + i64::from(access.off);
        if kind.may_load(off, size) {
            return Ok(Value::UNKNOWN);
        }
        Err(self.held(Held::SocketField { reg, kind: ptr.type_name(), off, size: size.bytes() }))
    }

    /// What a program finds in a map's own structure, which the kernel lets it
    /// look at.
    pub(crate) fn load_map_object(&self, map: MapRef, ptr: &Ptr, access: &Access) -> Result<Value, Cause> {
        let off = self.map_object(map, ptr, access)?;
        let end = off + i64::from(access.size.bytes());
        if end <= DIGEST {
            return Ok(Value::UNKNOWN);
        }
        Err(self.unsupported("a read of a map's own structure"))
    }

    pub(crate) fn store_map_object(&self, map: MapRef, ptr: &Ptr, access: &Access) -> Cause {
        match self.map_object(map, ptr, access) {
            Ok(_) => self.reject(Why::WritesMapObject(structure(map.def(self.aux).kind))),
            Err(cause) => cause,
        }
    }

    fn map_object(&self, map: MapRef, ptr: &Ptr, access: &Access) -> Result<i64, Cause> {
        let name = structure(map.def(self.aux).kind);
        let off = i64::from(ptr.off) + i64::from(access.off);
        if off < 0 {
            return Err(self.reject(Why::MapObjectNegative { reg: access.reg, name, off }));
        }
        Ok(off)
    }
}

/// The kernel's name of a map's structure.
const fn structure(kind: MapKind) -> &'static str {
    match kind {
        MapKind::Array => "bpf_array",
        MapKind::Hash => "bpf_htab",
        _ => "bpf_map",
    }
}
