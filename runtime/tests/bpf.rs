//! The `bpf(2)` layer, by the bytes that the kernel is spoken to with.

#![expect(unsafe_code, reason = "the layer takes addresses")]

mod common;

use brolga::{BpfErrno, Engine};
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
