//! What tells profilers about native code: perf's map of symbols, and its dump
//! of code with source lines.
//!
//! Formats: `tools/perf/Documentation/jit-interface.txt` and
//! `jitdump-specification.txt` of the kernel's sources.

use crate::engine::Engine;
#[cfg(feature = "gdb")]
use crate::gdb;
use brolga_core::{Aux, Pc};
use brolga_jit::{Function, Image};
use rustix::time::{ClockId, clock_gettime};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where an engine writes what it compiles.
#[derive(Debug, Default)]
pub(crate) struct Profile(Mutex<Sinks>);

#[derive(Debug, Default)]
struct Sinks {
    map: Option<File>,
    dump: Option<Dump>,
    #[cfg(feature = "gdb")]
    gdb: bool,
}

impl Profile {
    fn sinks(&self) -> MutexGuard<'_, Sinks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether source lines are wanted.
    pub(crate) fn wants_lines(&self) -> bool {
        let sinks = self.sinks();
        #[cfg(feature = "gdb")]
        if sinks.gdb {
            return true;
        }
        sinks.dump.is_some()
    }

    #[cfg(feature = "gdb")]
    pub(crate) fn tell_gdb(&self) {
        self.sinks().gdb = true;
    }

    /// Shows an image to debuggers, where that is wanted; as long as what this
    /// gives is held.
    #[cfg(feature = "gdb")]
    pub(crate) fn show(&self, image: &Image, aux: &Aux) -> Option<gdb::Registered> {
        let wanted = self.sinks().gdb;
        let object = wanted.then(|| gdb::object(image, aux).ok()).flatten()?;
        Some(gdb::Registered::new(object))
    }

    /// Writes down the functions of an image. What can not be written is missing
    /// in the profile: nobody loads a program for that.
    pub(crate) fn announce(&self, image: &Image, aux: &Aux) {
        let mut sinks = self.sinks();
        if sinks.map.is_none() && sinks.dump.is_none() {
            return;
        }
        for function in image.functions() {
            let name = symbol(&aux.name, function);
            if let Some(map) = &mut sinks.map {
                let address = image.address() + function.offset as usize;
                // One write, so that lines of several engines do not mix.
                let line = format!("{address:x} {:x} {name}\n", function.len);
                let _ = map.write_all(line.as_bytes());
            }
            if let Some(dump) = &mut sinks.dump {
                let _ = dump.function(&name, image, function, aux);
            }
        }
    }
}

/// A function's name to a profiler: the program's, and the function's own in a
/// subprogram.
pub(crate) fn symbol(program: &str, function: &Function) -> String {
    let program = if program.is_empty() { "anonymous" } else { program };
    let whole = match function.start {
        Pc(0) => format!("bpf_prog_{program}"),
        _ => format!("bpf_prog_{program}::{}", function.name),
    };
    whole.chars().map(|c| if c.is_control() || c.is_whitespace() { '_' } else { c }).collect()
}

/// A file in jitdump's format.
#[derive(Debug)]
struct Dump {
    file: File,
    /// The number of the next function.
    next: u64,
}

/// `JIT_CODE_LOAD` and `JIT_CODE_DEBUG_INFO`
const CODE_LOAD: u32 = 0;
const DEBUG_INFO: u32 = 2;
/// The length of a record's start, in bytes.
const RECORD: usize = 16;

/// `EM_X86_64`, or `EM_AARCH64`.
const MACHINE: u32 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };

fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

impl Dump {
    fn create(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        let mut dump = Self { file, next: 0 };
        let head = [0x4a69_5444, 1, 40, MACHINE, 0, std::process::id()];
        let mut bytes: Vec<u8> = head.iter().flat_map(|word: &u32| word.to_ne_bytes()).collect();
        bytes.extend(now().to_ne_bytes());
        bytes.extend(0u64.to_ne_bytes());
        dump.file.write_all(&bytes)?;
        mark(&dump.file)?;
        Ok(dump)
    }

    fn function(&mut self, name: &str, image: &Image, function: &Function, aux: &Aux) -> io::Result<()> {
        let lines = debug_info(image, function, aux);
        if !lines.is_empty() {
            self.record(DEBUG_INFO, &lines)?;
        }
        let address = (image.address() + function.offset as usize) as u64;
        let thread = rustix::thread::gettid().as_raw_nonzero().get() as u32;
        let mut body: Vec<u8> = [std::process::id(), thread].iter().flat_map(|id| id.to_ne_bytes()).collect();
        for word in [address, address, function.len.into(), self.next] {
            body.extend(word.to_ne_bytes());
        }
        body.extend(name.as_bytes());
        body.push(0);
        let start = function.offset as usize;
        body.extend(image.code().get(start..start + function.len as usize).unwrap_or_default());
        self.next += 1;
        self.record(CODE_LOAD, &body)
    }

    fn record(&mut self, kind: u32, body: &[u8]) -> io::Result<()> {
        let len = (RECORD + body.len()) as u32;
        let mut bytes: Vec<u8> = [kind, len].iter().flat_map(|word| word.to_ne_bytes()).collect();
        bytes.extend(now().to_ne_bytes());
        bytes.extend(body);
        self.file.write_all(&bytes)
    }
}

/// Which source line each piece of a function came from; nothing where none is
/// known.
fn debug_info(image: &Image, function: &Function, aux: &Aux) -> Vec<u8> {
    let end = function.offset + function.len;
    let pieces = image.listings().lines.iter();
    let of_function = pieces.filter(|piece| (function.offset..end).contains(&piece.offset));
    let mut entries = Vec::new();
    let mut count = 0u64;
    for piece in of_function {
        let Some(line) = aux.line(piece.pc) else { continue };
        entries.extend(((image.address() + piece.offset as usize) as u64).to_ne_bytes());
        entries.extend(line.line.to_ne_bytes());
        entries.extend(0u32.to_ne_bytes());
        entries.extend(line.file.bytes().filter(|byte| *byte != 0));
        entries.push(0);
        count += 1;
    }
    if count == 0 {
        return entries;
    }
    let start = (image.address() + function.offset as usize) as u64;
    [&start.to_ne_bytes()[..], &count.to_ne_bytes(), &entries].concat()
}

/// Maps the dump's first page as code: by that perf finds the file.
fn mark(file: &File) -> io::Result<()> {
    use rustix::mm::{MapFlags, ProtFlags, mmap};
    #[expect(unsafe_code, reason = "mmap")]
    // SAFETY: a mapping at an address of the kernel's choice is in nobody's way;
    // nobody looks at it.
    unsafe {
        mmap(std::ptr::null_mut(), 4096, ProtFlags::READ | ProtFlags::EXEC, MapFlags::PRIVATE, file, 0)?;
    }
    Ok(())
}

impl Engine {
    /// From now on appends the native code of every program that is loaded to
    /// `/tmp/perf-PID.map`, where `perf report` looks for symbols: one for each
    /// subprogram.
    ///
    /// # Errors
    ///
    /// Where the file can not be written.
    pub fn write_perf_map(&self) -> io::Result<PathBuf> {
        let path = PathBuf::from(format!("/tmp/perf-{}.map", std::process::id()));
        let file = OpenOptions::new().append(true).create(true).open(&path)?;
        self.profile().sinks().map = Some(file);
        Ok(path)
    }

    /// From now on writes the native code of every program that is loaded, with
    /// its source lines where they are known, to `jit-PID.dump` in a directory:
    /// after `perf record -k 1`, `perf inject --jit` takes it from there. The
    /// mark by which perf finds the file, a mapped page, stays as long as the
    /// process.
    ///
    /// # Errors
    ///
    /// Where the file can not be written or mapped.
    pub fn write_jitdump(&self, dir: &Path) -> io::Result<PathBuf> {
        let path = dir.join(format!("jit-{}.dump", std::process::id()));
        self.profile().sinks().dump = Some(Dump::create(&path)?);
        Ok(path)
    }
}
