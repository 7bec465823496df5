//! The live kernel as an oracle, through `bpf(2)`.
//!
//! Only `BPF_BTF_LOAD`, `BPF_MAP_CREATE`, `BPF_MAP_UPDATE_ELEM`, `BPF_PROG_LOAD` and
//! `BPF_PROG_TEST_RUN` are used; nothing is ever attached. Where the call is not allowed, [`Kernel::open`]
//! says so, and who asks says `skipped: no bpf(2)`.

#![expect(unsafe_code, reason = "a system call that no safe crate wraps")]

mod btf;
mod func_btf;
mod vmlinux;

use brolga_core::func::Func;
use brolga_core::{Callee, Code, Imm64, Insn, MapDef, MapKind, Pc};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

const MAP_CREATE: libc::c_long = 0;
const MAP_UPDATE_ELEM: libc::c_long = 2;
const PROG_LOAD: libc::c_long = 5;
const PROG_TEST_RUN: libc::c_long = 10;
const BTF_LOAD: libc::c_long = 18;

/// A kernel that lets us load programs.
#[derive(Clone, Copy, Debug)]
pub struct Kernel(());

/// A program as the kernel is to load it.
#[derive(Debug)]
pub struct Request<'a> {
    /// The number of the program type.
    pub prog_type: u32,
    /// The instructions; a map is referred to by its index in `maps`.
    pub code: &'a Code,
    /// The licence.
    pub license: &'a str,
    /// The `expected_attach_type`.
    pub attach: u32,
    /// The load flags.
    pub flags: u32,
    /// What maps to make.
    pub maps: &'a [MapDef],
    /// How much the log says: 0 for nothing, 1 for the path to an error, 2 for
    /// everything.
    pub log: u32,
}

/// What the kernel said of a program.
#[derive(Debug)]
pub struct Verdict {
    /// The program, where it was accepted.
    pub loaded: Option<Loaded>,
    /// The error number, where it was not.
    pub errno: i32,
    /// The verifier's log.
    pub log: String,
    /// How long the kernel took over it, maps not counted.
    pub took: Duration,
}

impl Verdict {
    /// The log's last line that says why a program was rejected.
    #[must_use]
    pub fn reason(&self) -> &str {
        let said = self.log.split("verification time").next().unwrap_or_default();
        // Not every reason ends its line.
        let said = said.rsplit_once("processed ").map_or(said, |(before, _)| before);
        let aside = ["cur state:", "old state:"];
        said.lines()
            .rfind(|line| !line.trim().is_empty() && !aside.iter().any(|start| line.starts_with(start)))
            .unwrap_or_default()
    }
}

/// A program that the kernel loaded; closing it unloads it.
#[derive(Debug)]
pub struct Loaded {
    prog: OwnedFd,
    maps: Vec<OwnedFd>,
}

/// What a run in the kernel gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The program's result, as the kernel reports it: 32 bits.
    pub retval: u32,
    /// The packet afterwards.
    pub packet: Vec<u8>,
}

/// `union bpf_attr`, filled by offset.
struct Attr([u8; 160]);

impl Attr {
    const fn new() -> Self {
        Self([0; 160])
    }

    fn u32(mut self, at: usize, value: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn address<T>(mut self, at: usize, of: &[T]) -> Self {
        self.0[at..at + 8].copy_from_slice(&(of.as_ptr() as u64).to_ne_bytes());
        self
    }

    fn read(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.0[at..at + 4].try_into().expect("four bytes"))
    }

    fn call(&mut self, command: libc::c_long) -> io::Result<i32> {
        // SAFETY: the attribute is as large as said, and every address in it is
        // that of a slice which its caller keeps alive over the call.
        let result = unsafe { libc::syscall(libc::SYS_bpf, command, self.0.as_mut_ptr(), self.0.len()) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as i32) }
    }

    fn fd(&mut self, command: libc::c_long) -> io::Result<OwnedFd> {
        // SAFETY: the call returned a new descriptor that no one else has.
        self.call(command).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl Kernel {
    /// The kernel, where it lets us load the smallest program there is.
    #[must_use]
    pub fn open() -> Option<Self> {
        let smallest = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];
        let code = Code::decode(&smallest).expect("two instructions");
        let request =
            Request { prog_type: 1, code: &code, license: "", attach: 0, flags: 0, maps: &[], log: 0 };
        Self(()).load(&request).ok()?.loaded.map(|_| Self(()))
    }

    /// The BTF ids of the kernel's functions by name; nothing where the kernel does
    /// not show its types.
    #[must_use]
    pub fn functions(self) -> HashMap<String, i32> {
        std::fs::read("/sys/kernel/btf/vmlinux").map(|btf| vmlinux::functions(&btf)).unwrap_or_default()
    }

    /// Asks for a program to be loaded.
    ///
    /// # Errors
    ///
    /// Where a map can not be made. A rejected program is no error.
    pub fn load(self, request: &Request<'_>) -> io::Result<Verdict> {
        self.load_with(request, &BTreeMap::new())
    }

    /// The same with BTF that says this of the functions, by the place where they
    /// start. Where there is nothing to say, and the program takes the address of
    /// one, it says that all are static.
    ///
    /// # Errors
    ///
    /// Where a map or the BTF can not be made.
    pub fn load_with(self, request: &Request<'_>, funcs: &BTreeMap<Pc, Func>) -> io::Result<Verdict> {
        let maps = request.maps.iter().map(create_map).collect::<io::Result<Vec<_>>>()?;
        let code = with_fds(request.code, &maps).encode();
        let license = [request.license.as_bytes(), &[0]].concat();
        let mut log = vec![0_u8; if request.log > 0 { 1 << 20 } else { 0 }];
        let mut attr = Attr::new()
            .u32(0, request.prog_type)
            .u32(4, (code.len() / 8) as u32)
            .address(8, &code)
            .address(16, &license)
            .u32(44, request.flags)
            .u32(68, request.attach);
        if request.log > 0 {
            attr = attr.u32(24, request.log).u32(28, log.len() as u32).address(32, &log);
        }
        let funcs = functions(request.code, funcs);
        let types = if funcs.is_empty() { None } else { Some(load_btf(&funcs)?) };
        let infos: Vec<[u32; 2]> =
            (0..).zip(funcs.keys()).map(|(i, at)| [at.0, func_btf::id_of(i)]).collect();
        if let Some(types) = &types {
            attr = attr
                .u32(72, types.as_raw_fd() as u32)
                .u32(76, 8)
                .address(80, &infos)
                .u32(88, infos.len() as u32);
        }
        let start = Instant::now();
        let loaded = attr.fd(PROG_LOAD);
        let took = start.elapsed();
        let end = log.iter().position(|b| *b == 0).unwrap_or(log.len());
        log.truncate(end);
        let log = String::from_utf8_lossy(&log).into_owned();
        Ok(match loaded {
            Ok(prog) => Verdict { loaded: Some(Loaded { prog, maps }), errno: 0, log, took },
            Err(error) => Verdict { loaded: None, errno: error.raw_os_error().unwrap_or(0), log, took },
        })
    }
}

/// What the kernel says that it holds for what a descriptor is of, in bytes.
fn memlock(fd: &OwnedFd) -> Option<u64> {
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_raw_fd())).ok()?;
    info.lines().find_map(|line| line.strip_prefix("memlock:"))?.trim().parse().ok()
}

impl Loaded {
    /// What the kernel holds for the program, in bytes: its instructions as they
    /// are kept, in whole pages. The machine code is not in it.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        memlock(&self.prog)
    }

    /// What the kernel holds for a map, in bytes, all its elements included.
    #[must_use]
    pub fn map_memory(&self, map: usize) -> Option<u64> {
        memlock(self.maps.get(map)?)
    }

    /// Puts the program into a slot of one of its program arrays.
    ///
    /// # Errors
    ///
    /// Where the kernel does not let it.
    pub fn put_itself(&self, map: usize, slot: u32) -> io::Result<()> {
        self.update(map, &slot.to_ne_bytes(), &self.prog.as_raw_fd().to_ne_bytes())
    }

    /// Writes an element of one of its maps.
    ///
    /// # Errors
    ///
    /// Where the kernel does not let it.
    pub fn update(&self, map: usize, key: &[u8], value: &[u8]) -> io::Result<()> {
        let fd = self.maps.get(map).map_or(-1, AsRawFd::as_raw_fd);
        Attr::new().u32(0, fd as u32).address(8, key).address(16, value).call(MAP_UPDATE_ELEM).map(|_| ())
    }

    /// Runs the program on a packet.
    ///
    /// # Errors
    ///
    /// Where the kernel has no test run for the program's type, or the packet
    /// is too short for it.
    pub fn run(&self, packet: &[u8]) -> io::Result<Ran> {
        self.run_often(packet, 1).map(|(ran, _)| ran)
    }

    /// Runs the program on a packet, `times` times one after the other: what
    /// the last run gave, and how long one took on average, the kernel's loop
    /// around it included.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub fn run_often(&self, packet: &[u8], times: u32) -> io::Result<(Ran, Duration)> {
        let mut out = vec![0_u8; packet.len() + 512];
        let mut attr = Attr::new()
            .u32(0, self.prog.as_raw_fd() as u32)
            .u32(8, packet.len() as u32)
            .u32(12, out.len() as u32)
            .address(16, packet)
            .address(24, &out)
            .u32(32, times);
        attr.call(PROG_TEST_RUN)?;
        out.truncate(attr.read(12) as usize);
        let time = Duration::from_nanos(attr.read(36).into());
        Ok((Ran { retval: attr.read(4), packet: out }, time))
    }
}

/// What BTF is to say of the functions; nothing where it is not needed.
fn functions(code: &Code, funcs: &BTreeMap<Pc, Func>) -> BTreeMap<Pc, Func> {
    let takes_address = |insn: &Insn| matches!(insn, Insn::LoadImm64 { imm: Imm64::Func(_), .. });
    if funcs.is_empty() && !code.iter().any(|(_, insn)| takes_address(insn)) {
        return BTreeMap::new();
    }
    let start = |(pc, insn): (Pc, &Insn)| match *insn {
        Insn::Call(Callee::Subprog(off)) | Insn::LoadImm64 { imm: Imm64::Func(off), .. } => pc.jump(off),
        _ => None,
    };
    let starts = code.iter().filter_map(start).chain([Pc::START]);
    let known = |at: Pc| funcs.get(&at).cloned();
    starts.map(|at| (at, known(at).unwrap_or_else(|| Func::of_program(format!("f{at}"))))).collect()
}

fn load_btf(funcs: &BTreeMap<Pc, Func>) -> io::Result<OwnedFd> {
    let types = func_btf::of(funcs.values());
    Attr::new().address(0, &types).u32(16, types.len() as u32).fd(BTF_LOAD)
}

fn create_map(def: &MapDef) -> io::Result<OwnedFd> {
    let inner = match &def.inner {
        Some(inner) => Some(create_map(inner)?),
        None => None,
    };
    let mut attr = Attr::new()
        .u32(0, def.kind as u32)
        .u32(4, def.key_size)
        .u32(8, def.value_size)
        .u32(12, def.max_entries)
        .u32(16, def.flags.bits());
    if MapKind::is_map_in_map(def.kind) {
        attr = attr.u32(20, inner.as_ref().map_or(0, |fd| fd.as_raw_fd() as u32));
    }
    if !btf::is_needed(def) {
        return attr.fd(MAP_CREATE);
    }
    let types = btf::of_map(def);
    let btf = Attr::new().address(0, &types.blob).u32(16, types.blob.len() as u32).fd(BTF_LOAD)?;
    attr.u32(48, btf.as_raw_fd() as u32).u32(52, types.key).u32(56, types.value).fd(MAP_CREATE)
}

/// The code with every map index made a file descriptor.
fn with_fds(code: &Code, maps: &[OwnedFd]) -> Code {
    let fd = |idx: i32| maps.get(idx as usize).map_or(-1, AsRawFd::as_raw_fd);
    let mut out = code.clone();
    for (pc, insn) in code.iter() {
        if let Insn::LoadImm64 { dst, imm } = *insn {
            let imm = match imm {
                Imm64::MapIdx(idx) => Imm64::MapFd(fd(idx)),
                Imm64::MapIdxValue { idx, off } => Imm64::MapValue { fd: fd(idx), off },
                other => other,
            };
            out.replace(pc, Insn::LoadImm64 { dst, imm });
        }
    }
    out
}
