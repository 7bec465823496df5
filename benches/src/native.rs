//! The bench programs as native code, where there is a C compiler.

#![expect(unsafe_code, reason = "loads shared objects and calls functions in them")]

use crate::programs::BenchProgram;
use std::ffi::{CString, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the compiler may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// `-O2`.
    Full,
    /// `-O2` without its vectorisers.
    Scalar,
}

/// A C compiler.
#[derive(Clone, Debug)]
pub struct Compiler {
    command: String,
    is_clang: bool,
}

type Entry = unsafe extern "C" fn(*mut c_void, u64) -> u64;

/// A bench program's native code.
#[derive(Debug)]
pub struct Native {
    library: *mut c_void,
    entry: Entry,
}

impl Compiler {
    /// The compiler of the environment variable `CC`, else clang, else whatever
    /// `cc` is.
    #[must_use]
    pub fn find() -> Option<Self> {
        let asked = std::env::var("CC").ok();
        let names = asked.iter().map(String::as_str).chain(["clang-19", "clang", "cc"]);
        names.map(str::to_owned).find_map(|command| {
            let output = Command::new(&command).arg("--version").output().ok()?;
            let is_clang = String::from_utf8_lossy(&output.stdout).contains("clang");
            output.status.success().then_some(Self { command, is_clang })
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.command
    }

    /// Compiles a bench program and loads it.
    #[must_use]
    pub fn compile(&self, program: &BenchProgram, level: Level) -> Option<Native> {
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(format!("{}.c", program.name));
        let library = Scratch::new(program.name, level);
        let flags: &[&str] = match (level, self.is_clang) {
            (Level::Full, _) => &[],
            (Level::Scalar, true) => &["-fno-vectorize", "-fno-slp-vectorize"],
            (Level::Scalar, false) => &["-fno-tree-vectorize"],
        };
        let mut command = Command::new(&self.command);
        command.args(["-O2", "-fPIC", "-shared", "-o"]).arg(&library.0).arg(source).args(flags);
        command.status().ok()?.success().then(|| Native::load(&library.0))?
    }
}

/// A file that is removed in the end.
struct Scratch(PathBuf);

impl Scratch {
    /// Two that are loaded at the same time must not have the same name: the
    /// second would be taken for the first.
    fn new(name: &str, level: Level) -> Self {
        Self(std::env::temp_dir().join(format!("brolga-{}-{name}-{level:?}.so", std::process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Native {
    fn load(path: &Path) -> Option<Self> {
        let path = CString::new(path.as_os_str().as_encoded_bytes()).ok()?;
        // SAFETY: the library is one of our own programs, which does nothing
        // when it is loaded; a symbol of a loaded library lives as long as it.
        unsafe {
            let library = libc::dlopen(path.as_ptr(), libc::RTLD_NOW);
            if library.is_null() {
                return None;
            }
            let entry = libc::dlsym(library, c"entry".as_ptr());
            if entry.is_null() {
                libc::dlclose(library);
                return None;
            }
            Some(Self { library, entry: std::mem::transmute::<*mut c_void, Entry>(entry) })
        }
    }

    /// Runs it.
    #[inline]
    pub fn run(&self, memory: &mut [u8]) -> u64 {
        // SAFETY: the programs are those of the table, which work on as much
        // memory as they are given.
        unsafe { (self.entry)(memory.as_mut_ptr().cast(), memory.len() as u64) }
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // SAFETY: loaded once, and no one calls into it any more.
        unsafe { libc::dlclose(self.library) };
    }
}
