//! The `bpf(2)` layer, by the bytes that the kernel is spoken to with.

#![expect(unsafe_code, reason = "the layer takes addresses")]

mod common;

use brolga::{BpfErrno, Engine, Fd, Packet};
use common::code;

const E2BIG: i32 = 7;
const EBADF: i32 = 9;
const EACCES: i32 = 13;
const EINVAL: i32 = 22;
const ENOENT: i32 = 2;
const ENOSPC: i32 = 28;

/// Attributes, 32-bit words by offset and 64-bit ones.
#[derive(Clone)]
struct Attr(Vec<u8>);

impl Attr {
    fn new() -> Self {
        Self(vec![0; 168])
    }

    fn word(mut self, at: usize, value: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&value.to_ne_bytes());
        self
    }

    fn address<T>(mut self, at: usize, memory: &mut [T]) -> Self {
        let address = memory.as_mut_ptr().expose_provenance() as u64;
        self.0[at..at + 8].copy_from_slice(&address.to_ne_bytes());
        self
    }

    fn read(&self, at: usize) -> u32 {
        u32::from_ne_bytes(self.0[at..at + 4].try_into().unwrap())
    }

    fn run(&mut self, engine: &Engine, cmd: u32) -> Result<i32, i32> {
        // SAFETY: the tests give addresses of memory of their own.
        unsafe { engine.bpf(cmd, &mut self.0) }.map_err(|BpfErrno(errno)| errno)
    }
}

fn map(engine: &Engine, kind: u32, key: u32, value: u32, entries: u32, flags: u32) -> Result<i32, i32> {
    let attr = Attr::new().word(0, kind).word(4, key).word(8, value).word(12, entries).word(16, flags);
    attr.clone().run(engine, 0)
}

#[test]
fn maps_are_created_as_the_kernel_does() {
    let engine = Engine::new();
    assert!(map(&engine, 1, 4, 8, 16, 0).is_ok());
    let refused = [
        ((1, 0, 8, 16, 0), EINVAL),
        ((1, u32::MAX, u32::MAX, 16, 0), E2BIG),
        ((1, u32::MAX - 8, 16, 16, 0), E2BIG),
        ((1, 4, 8, 0, 0), EINVAL),
        ((1, 4, 8, 16, 1 << 30), EINVAL),
        ((2, 8, 8, 16, 0), EINVAL),
        ((999, 4, 8, 16, 0), EINVAL),
    ];
    for ((kind, key, value, entries, flags), errno) in refused {
        assert_eq!(map(&engine, kind, key, value, entries, flags), Err(errno), "{kind} {key} {value}");
    }
}

#[test]
fn elements_are_set_walked_and_deleted() {
    let engine = Engine::new();
    let fd = map(&engine, 1, 4, 8, 4, 0).unwrap() as u32;
    let (mut key, mut value, mut out) = ([7u32], [9u64], [0u64]);
    let element =
        |key: &mut [u32], value: &mut [u64]| Attr::new().word(0, fd).address(8, key).address(16, value);
    assert_eq!(element(&mut key, &mut out).run(&engine, 1), Err(ENOENT));
    assert_eq!(element(&mut key, &mut value).word(24, 2).run(&engine, 2), Err(ENOENT));
    assert_eq!(element(&mut key, &mut value).run(&engine, 2), Ok(0));
    assert_eq!(element(&mut key, &mut value).word(24, 1).run(&engine, 2), Err(17));
    assert_eq!(element(&mut key, &mut value).word(24, 4).run(&engine, 2), Err(EINVAL));
    assert_eq!(element(&mut key, &mut out).run(&engine, 1), Ok(0));
    assert_eq!(out, [9]);
    let mut next = [0u32];
    assert_eq!(Attr::new().word(0, fd).address(16, &mut next).run(&engine, 4), Ok(0));
    assert_eq!(next, [7]);
    let mut after = Attr::new().word(0, fd).address(8, &mut key).address(16, &mut next);
    assert_eq!(after.run(&engine, 4), Err(ENOENT));
    assert_eq!(element(&mut key, &mut value).run(&engine, 3), Err(EINVAL), "a value is none of its fields");
    assert_eq!(Attr::new().word(0, fd).address(8, &mut key).run(&engine, 3), Ok(0));
    assert_eq!(Attr::new().word(0, 99).address(8, &mut key).run(&engine, 3), Err(EBADF));
    assert_eq!(Attr::new().word(0, fd).run(&engine, 22), Ok(0));
    assert_eq!(element(&mut key, &mut value).run(&engine, 2), Err(1), "it is frozen");
}

#[test]
fn a_queue_is_popped() {
    let engine = Engine::new();
    let fd = map(&engine, 22, 0, 8, 4, 0).unwrap() as u32;
    let mut value = [5u64];
    let attr = Attr::new().word(0, fd).address(16, &mut value);
    assert_eq!(attr.clone().run(&engine, 2), Ok(0));
    value[0] = 0;
    assert_eq!(attr.clone().run(&engine, 21), Ok(0));
    assert_eq!(value, [5]);
    assert_eq!(attr.clone().run(&engine, 21), Err(ENOENT));
}

fn load(text: &str) -> (Attr, Vec<u8>, Vec<u8>) {
    let (mut insns, mut license) = (code(text), b"GPL\0".to_vec());
    let attr = Attr::new().word(0, 6).word(4, insns.len() as u32 / 8);
    (attr.address(8, &mut insns).address(16, &mut license), insns, license)
}

#[test]
fn a_program_is_loaded_run_and_described() {
    let engine = Engine::new();
    let map_fd = map(&engine, 2, 4, 8, 1, 0).unwrap();
    let (mut attr, _insns, _license) = load("r1 = map[idx:0]\n r0 = 2\n exit");
    let mut fds = [map_fd];
    attr = attr.address(120, &mut fds);
    attr.0[48..52].copy_from_slice(b"name");
    let fd = attr.run(&engine, 5).unwrap() as u32;
    let (mut frame, mut out) = ([3u8; 64], [0u8; 64]);
    let mut run =
        Attr::new().word(0, fd).word(8, 64).word(12, 64).address(16, &mut frame).address(24, &mut out);
    assert_eq!(run.run(&engine, 10), Ok(0));
    assert_eq!((run.read(4), run.read(12), out), (2, 64, frame));
    let mut short =
        Attr::new().word(0, fd).word(8, 64).word(12, 10).address(16, &mut frame).address(24, &mut out);
    assert_eq!(short.run(&engine, 10), Err(ENOSPC));
    assert_eq!(short.read(12), 64);
    assert_eq!(Attr::new().word(0, fd).word(8, 13).address(16, &mut frame).run(&engine, 10), Err(EINVAL));
    let mut info = [0u8; 80];
    let mut ask = Attr::new().word(0, fd).word(4, 80).address(8, &mut info);
    assert_eq!(ask.run(&engine, 15), Ok(0));
    assert_eq!((&info[0..4], &info[64..68]), (&6u32.to_ne_bytes()[..], &b"name"[..]));
    let mut ask = Attr::new().word(0, map_fd as u32).word(4, 8).address(8, &mut info);
    assert_eq!((ask.run(&engine, 15), ask.read(4)), (Ok(0), 8));
    assert_eq!(info[0..4], 2u32.to_ne_bytes());
}

#[test]
fn what_can_not_be_loaded_has_its_number_and_a_log() {
    let engine = Engine::new();
    let (attr, _insns, _license) = load("r0 = *(u64 *)(r1 +4096)\n exit");
    assert_eq!(attr.clone().run(&engine, 5), Err(EACCES));
    let mut log = [0x55u8; 4096];
    let mut logged = attr.clone().word(24, 1).word(28, 4096).address(32, &mut log);
    assert_eq!(logged.run(&engine, 5), Err(EACCES));
    let len = log.iter().position(|byte| *byte == 0).expect("a NUL");
    let text = String::from_utf8_lossy(&log[..len]).into_owned();
    assert!(text.contains("invalid bpf_context access"), "{text}");
    assert_eq!(logged.read(140), len as u32 + 1);
    for (at, value, errno) in [(44, 1 << 20, EINVAL), (0, 999, EINVAL), (4, 0, E2BIG), (24, 1 << 8, EINVAL)] {
        assert_eq!(attr.clone().word(at, value).run(&engine, 5), Err(errno), "{at}");
    }
    assert_eq!(attr.clone().word(28, 100).run(&engine, 5), Err(EINVAL), "a log without a buffer");
}

#[test]
fn attributes_are_as_long_as_they_are() {
    let engine = Engine::new();
    let whole = Attr::new().word(0, 2).word(4, 4).word(8, 8).word(12, 1);
    for len in [16, 72, 168, 200, 4096] {
        let mut bytes = whole.0.clone();
        bytes.resize(len, 0);
        assert!(Attr(bytes).run(&engine, 0).is_ok(), "{len}");
    }
    let mut tail = whole.0.clone();
    tail.resize(200, 0);
    tail[199] = 1;
    assert_eq!(Attr(tail).run(&engine, 0), Err(E2BIG));
    assert_eq!(Attr(vec![0; 5000]).run(&engine, 0), Err(E2BIG));
    assert_eq!(whole.clone().word(160, 1).run(&engine, 0), Err(EINVAL));
    assert_eq!(whole.clone().run(&engine, 77), Err(EINVAL));
}

/// Programs without maps that are rejected, by the number that the kernel has for
/// each.
const REJECTED: [(i32, &str); 16] = [
    (EACCES, "r0 = *(u64 *)(r1 +4096)\n exit"),
    (EACCES, "r0 = r3\n exit"),
    (EACCES, "*(u64 *)(r10 +8) = 0\n r0 = 0\n exit"),
    (EACCES, "r0 = 0\n *(u64 *)(r0 + 0) = 0\n exit"),
    (EACCES, "r10 = 0\n r0 = 0\n exit"),
    (EACCES, "r1 = *(u32 *)(r1 + 0)\n r0 = *(u8 *)(r1 + 0)\n exit"),
    (EACCES, "w1 += 1\n r0 = 0\n exit"),
    (
        EACCES,
        "call part\n exit\n part:\n *(u64 *)(r10 - 480) = 0\n call more\n exit\n more:\n *(u64 *)(r10 - 480) = 0\n r0 = 0\n exit",
    ),
    (EINVAL, "r0 = 0"),
    (EINVAL, "again:\n r0 = 0\n goto again"),
    (EINVAL, "goto out\n r0 = 0\n out:\n r0 = 1\n exit"),
    (EINVAL, "r0 = 0\n call 123456\n exit"),
    (EINVAL, "call bpf_skb_load_bytes#26\n exit"),
    (EINVAL, "r0 = 1\n r0 /= 0\n exit"),
    (EINVAL, "r1 = r10\n r1 += -8\n r2 = 16\n call bpf_get_current_comm#16\n r0 = 0\n exit"),
    (E2BIG, "call part\n exit\n part:\n call part\n r0 = 0\n exit"),
];

#[test]
fn rejections_have_the_kernels_numbers() {
    let engine = Engine::new();
    let kernel = brolga_kernel::Kernel::open();
    if kernel.is_none() {
        println!("skipped: the kernel, for there is no bpf(2)");
    }
    for (errno, text) in REJECTED {
        let (mut attr, _insns, _license) = load(text);
        assert_eq!(attr.run(&engine, 5), Err(errno), "{text}");
        let code = brolga::core::asm::assemble(text).unwrap();
        let request = brolga_kernel::Request {
            prog_type: 6,
            code: &code,
            license: "GPL",
            attach: 0,
            flags: 0,
            maps: &[],
            log: 1,
        };
        if let Some(verdict) = kernel.map(|kernel| kernel.load(&request).unwrap()) {
            assert_eq!(verdict.errno, errno, "{text}: {}", verdict.log);
        }
    }
}

/// BTF of `int`, `int()`, functions `main_f` and `part`, `struct bpf_spin_lock`
/// and a structure with one.
fn btf() -> Vec<u8> {
    let strings = b"\0int\0main_f\0part\0bpf_spin_lock\0val\0a.c\0here();\0";
    let at = |name: &str| strings.windows(name.len()).position(|w| w == name.as_bytes()).unwrap() as u32;
    let types: Vec<u32> = [
        &[at("int"), 1 << 24, 4, 32 | 1 << 24][..],
        &[0, 13 << 24, 1],
        &[at("main_f"), 12 << 24 | 1, 2],
        &[at("part"), 12 << 24, 2],
        &[at("bpf_spin_lock"), 4 << 24 | 1, 4, at("val"), 1, 0],
        &[at("val"), 4 << 24 | 2, 8, at("val"), 1, 0, at("val"), 5, 32],
    ]
    .concat();
    let len = 4 * types.len() as u32;
    let header = [0x0001_eb9f, 24, 0, len, len, strings.len() as u32];
    header.into_iter().chain(types).flat_map(u32::to_le_bytes).chain(strings.iter().copied()).collect()
}

#[test]
fn types_are_loaded_and_referred_to() {
    let engine = Engine::new();
    let mut blob = btf();
    let size = blob.len() as u32;
    let fd = Attr::new().word(16, size).address(0, &mut blob).run(&engine, 18).unwrap() as u32;
    assert_eq!(Attr::new().word(16, size - 1).address(0, &mut blob).run(&engine, 18), Err(EINVAL));
    let text = "call part\n exit\n part:\n r0 = 5\n exit";
    let (attr, _insns, _license) = load(text);
    let mut funcs = [[0u32, 3], [2, 4]];
    let mut lines = [[0u32, 35, 39, 7 << 10 | 1], [2, 35, 39, 9 << 10]];
    let typed = attr.clone().word(72, fd).word(76, 8).address(80, &mut funcs).word(88, 2);
    let typed = typed.word(92, 16).address(96, &mut lines).word(104, 2);
    let program = engine.prog_get(Fd(typed.clone().run(&engine, 5).unwrap())).unwrap();
    assert_eq!(program.run(&mut Packet::new(&[0; 64]).unwrap()).unwrap(), 5);
    assert_eq!(program.image().unwrap().functions()[0].name, "main_f");
    let mut no_line = [[0u32, 9999, 39, 7 << 10], [2, 35, 39, 9 << 10]];
    assert_eq!(typed.clone().address(96, &mut no_line).run(&engine, 5), Err(EINVAL));
    for (at, value, errno) in [(72, 999, EBADF), (76, 4, EINVAL), (76, 256, EINVAL)] {
        assert_eq!(typed.clone().word(at, value).run(&engine, 5), Err(errno), "{at}");
    }
    let mut no_func = [[0u32, 1], [2, 4]];
    assert_eq!(typed.clone().address(80, &mut no_func).run(&engine, 5), Err(EINVAL));
    let mut backwards = [[2u32, 4], [0, 3]];
    assert_eq!(typed.clone().address(80, &mut backwards).run(&engine, 5), Err(EINVAL));
    let locked = Attr::new().word(0, 2).word(4, 4).word(8, 8).word(12, 1).word(48, fd).word(52, 1);
    let made = engine.map_get(Fd(locked.clone().word(56, 6).run(&engine, 0).unwrap())).unwrap();
    assert_eq!(made.def().special.spin_lock, Some(4));
    assert_eq!(locked.word(56, 1).run(&engine, 0), Err(EINVAL), "a value of another size");
    let map = map(&engine, 2, 4, 8, 1, 0).unwrap() as u32;
    assert_eq!(typed.clone().word(72, map).run(&engine, 5), Err(EINVAL), "a map is no BTF");
}
