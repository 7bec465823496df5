//! Executable memory.
//!
//! It is never writable and executable at once: a [`Draft`] is written, sealing
//! it consumes it, and the [`Text`] that comes of it can only be read and run.
//! Both unmap their memory when they are dropped.

#![expect(unsafe_code, reason = "memory that machine code is written into and run from")]

use crate::error::PublishError;
use crate::place;
use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
use std::ffi::c_void;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};

/// How much executable memory there is in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// How many images.
    pub images: usize,
    /// How many bytes of memory they take, whole pages counted.
    pub bytes: usize,
}

static IMAGES: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

impl Live {
    /// What is live now.
    #[must_use]
    pub fn now() -> Self {
        Self { images: IMAGES.load(Ordering::Relaxed), bytes: BYTES.load(Ordering::Relaxed) }
    }
}

/// Pages of our own.
#[derive(Debug)]
struct Pages {
    start: NonNull<c_void>,
    len: usize,
}

// SAFETY: the pages belong to this value alone, wherever it is.
unsafe impl Send for Pages {}
// SAFETY: a shared reference gives out the address and nothing else.
unsafe impl Sync for Pages {}

impl Pages {
    fn map(len: usize) -> Result<Self, Errno> {
        let page = rustix::param::page_size();
        let len = len.max(1).next_multiple_of(page);
        for place in place::places(len, page) {
            let flags = MapFlags::PRIVATE | MapFlags::FIXED_NOREPLACE;
            let Ok(mapped) = Self::map_at(place as *mut c_void, len, flags) else { continue };
            // Linux before 4.17 takes the place as a hint: that is as good where
            // it was followed.
            if mapped.start.as_ptr() as usize == place {
                return Ok(mapped);
            }
        }
        Self::map_at(null_mut(), len, MapFlags::PRIVATE)
    }

    fn map_at(place: *mut c_void, len: usize, flags: MapFlags) -> Result<Self, Errno> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: without `FIXED` no existing mapping is replaced, and nothing
        // else knows of the new one.
        let start = unsafe { mmap_anonymous(place, len, access, flags)? };
        let start = NonNull::new(start).ok_or(Errno::NOMEM)?;
        IMAGES.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(len, Ordering::Relaxed);
        Ok(Self { start, len })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own; who calls into it keeps the
        // value alive, as `Image::entry` demands. Unmapping whole pages of ours
        // can not fail.
        let _ = unsafe { munmap(self.start.as_ptr(), self.len) };
        IMAGES.fetch_sub(1, Ordering::Relaxed);
        BYTES.fetch_sub(self.len, Ordering::Relaxed);
    }
}

/// Memory that code is being written into.
#[derive(Debug)]
pub(crate) struct Draft {
    pages: Pages,
    len: usize,
}

impl Draft {
    /// Zeroed memory for so many bytes.
    pub(crate) fn new(len: usize) -> Result<Self, Errno> {
        Ok(Self { pages: Pages::map(len)?, len })
    }

    /// The address of the first byte.
    pub(crate) fn address(&self) -> usize {
        self.pages.start.as_ptr() as usize
    }

    /// The memory.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: readable and writable until it is sealed, at least this long,
        // zeroed by the system, and borrowed from its only owner.
        unsafe { std::slice::from_raw_parts_mut(self.pages.start.as_ptr().cast(), self.len) }
    }

    /// Makes the memory executable, and no longer writable.
    pub(crate) fn seal(self) -> Result<Text, PublishError> {
        let Self { pages, len } = self;
        let start = pages.start.as_ptr();
        // SAFETY: the range is mapped and ours. Before it becomes executable, as
        // Cranelift's own JIT does it.
        unsafe { icache::clear_cache(start, len) }.map_err(|e| PublishError::Cache(e.to_string()))?;
        // SAFETY: the pages are ours, and the only reference to their bytes was
        // borrowed from the draft that is consumed here.
        unsafe { mprotect(start, pages.len, MprotectFlags::READ | MprotectFlags::EXEC)? };
        icache::pipeline_flush_mt().map_err(|e| PublishError::Cache(e.to_string()))?;
        Ok(Text { pages, len })
    }
}

/// Memory that code runs from.
#[derive(Debug)]
pub(crate) struct Text {
    pages: Pages,
    len: usize,
}

impl Text {
    /// The address of the first byte.
    pub(crate) fn start(&self) -> NonNull<c_void> {
        self.pages.start
    }

    /// The bytes, veneers included.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: readable as long as the value lives, and written by no one.
        unsafe { std::slice::from_raw_parts(self.pages.start.as_ptr().cast(), self.len) }
    }
}
