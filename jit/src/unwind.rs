//! Call frame information: how to go from a frame of compiled code to its
//! caller's.
//!
//! With it a panic of a helper goes through compiled code to whoever catches it,
//! and a debugger or a profiler sees the callers of compiled code. The code pays
//! nothing: it has no cleanup to do, and the information is looked at only when
//! something unwinds.
//!
//! The table is in the format of an `.eh_frame` section (Linux Standard Base,
//! Core, 5.0, section 10.6). It lies behind the code, in the same memory, and
//! its addresses are distances, so that it is the same wherever that memory is.

use crate::error::CompileError;
use brolga_core::Pc;
use cranelift_codegen::CompiledCode;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::isa::unwind::UnwindInfo;
use cranelift_codegen::isa::unwind::systemv::UnwindInfo as Function;
use gimli::constants::{DW_EH_PE_pcrel, DW_EH_PE_sdata4};
use gimli::write::{Address, CommonInformationEntry, EhFrame, EndianVec, FrameTable};
use gimli::{DwEhPe, LittleEndian};

/// What is known of the frames of a program's functions.
#[derive(Clone, Debug)]
pub(crate) struct Frames {
    /// What all functions have in common.
    common: &'static CommonInformationEntry,
    /// By the offset of each function in the code.
    functions: Vec<(u32, Function)>,
}

/// What the frames of all functions for a machine have in common.
pub(crate) fn common(isa: &dyn TargetIsa) -> Result<CommonInformationEntry, CompileError> {
    let common = isa.create_systemv_cie();
    let mut common = common.ok_or_else(|| CompileError::Target("its frames have no description".into()))?;
    common.fde_address_encoding = DwEhPe(DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0);
    Ok(common)
}

impl Frames {
    /// Of no function yet.
    pub(crate) const fn new(common: &'static CommonInformationEntry) -> Self {
        Self { common, functions: Vec::new() }
    }

    /// Adds a function that starts at this offset of the code.
    pub(crate) fn add(
        &mut self,
        offset: u32,
        code: &CompiledCode,
        isa: &dyn TargetIsa,
        at: Pc,
    ) -> Result<(), CompileError> {
        let failed = |why: String| CompileError::Backend { at, why };
        match code.create_unwind_info(isa).map_err(|error| failed(error.to_string()))? {
            Some(UnwindInfo::SystemV(info)) => self.functions.push((offset, info)),
            _ => return Err(failed("a frame without a description".into())),
        }
        Ok(())
    }

    /// The table, for a place so many bytes behind the start of the code; it ends
    /// with the word that says so.
    pub(crate) fn table(&self, distance: usize) -> Result<Vec<u8>, gimli::write::Error> {
        let mut table = FrameTable::default();
        let common = table.add_cie(self.common.clone());
        for (offset, info) in &self.functions {
            let address = u64::from(*offset).wrapping_sub(distance as u64);
            table.add_fde(common, info.to_fde(Address::Constant(address)));
        }
        let mut section = EhFrame(EndianVec::new(LittleEndian));
        table.write_eh_frame(&mut section)?;
        let mut bytes = section.0.into_vec();
        bytes.extend([0; 4]);
        Ok(bytes)
    }
}

/// A table that the unwinder of this process knows of, until this is dropped.
#[derive(Debug)]
pub(crate) struct Registered {
    /// The address of the table.
    table: usize,
}

#[expect(unsafe_code, reason = "the unwinder's functions")]
mod system {
    use super::Registered;

    // Of libgcc or LLVM's libunwind, which the standard library unwinds with.
    unsafe extern "C" {
        fn __register_frame(table: *const u8);
        fn __deregister_frame(table: *const u8);
    }

    impl Registered {
        /// Makes a table known.
        ///
        /// # Safety
        ///
        /// It is a well-formed `.eh_frame` section of code that it is true of,
        /// ends with an empty entry, and neither changes nor goes away before
        /// the value that this gives is dropped; no code that it describes runs
        /// after that.
        pub(crate) unsafe fn new(table: *const u8) -> Self {
            // SAFETY: as the caller says.
            unsafe { parts(table, |part| __register_frame(part)) };
            Self { table: table.expose_provenance() }
        }
    }

    impl Drop for Registered {
        fn drop(&mut self) {
            let table = std::ptr::with_exposed_provenance(self.table);
            // SAFETY: what was registered, once; it is still there.
            unsafe { parts(table, |part| __deregister_frame(part)) };
        }
    }

    /// What the unwinder takes at once: libgcc a whole section.
    #[cfg(target_env = "gnu")]
    unsafe fn parts(table: *const u8, each: impl Fn(*const u8)) {
        each(table);
    }

    /// What the unwinder takes at once: libunwind one function's entry.
    ///
    /// # Safety
    ///
    /// The table is well-formed, and ends with an empty entry.
    #[cfg(not(target_env = "gnu"))]
    unsafe fn parts(mut table: *const u8, each: impl Fn(*const u8)) {
        // SAFETY: an entry is its length and, within that, the distance to the
        // entry that it has in common with others, which itself has 0 there.
        unsafe {
            loop {
                let len = table.cast::<u32>().read_unaligned() as usize;
                if len == 0 {
                    return;
                }
                if table.cast::<u32>().add(1).read_unaligned() != 0 {
                    each(table);
                }
                table = table.add(4 + len);
            }
        }
    }
}
