//! Clocks, numbers, names.

use super::{address, call};
use std::collections::HashSet;

#[test]
fn clocks_go_forward() {
    for clock in ["ktime_get_ns", "ktime_get_boot_ns", "ktime_get_coarse_ns", "ktime_get_tai_ns"] {
        let start = call(clock, []);
        std::thread::sleep(std::time::Duration::from_millis(20));
        let passed = call(clock, []) - start;
        assert!((10_000_000..10_000_000_000).contains(&passed), "{clock}: {passed} ns");
    }
    let (up, boot) = (call("ktime_get_ns", []), call("ktime_get_boot_ns", []));
    assert!(0 < up && up <= boot, "time since boot counts suspension too");
}

#[test]
fn clocks_are_the_systems() {
    let file = std::fs::read_to_string("/proc/uptime").unwrap();
    let up: f64 = file.split(' ').next().unwrap().parse().unwrap();
    let ours = call("ktime_get_boot_ns", []) as f64 / 1e9;
    assert!((ours - up).abs() < 5.0, "{ours} against {up}");
    let unix = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
    let tai = call("ktime_get_tai_ns", []) / 1_000_000_000 - unix;
    assert!((-1..60).contains(&tai), "leap seconds at most: {tai}");
}

#[test]
fn random_numbers_have_32_bits_that_differ() {
    let numbers: Vec<_> = (0..1000).map(|_| call("get_prandom_u32", [])).collect();
    assert!(numbers.iter().all(|number| (0..1 << 32).contains(number)));
    assert!(numbers.iter().collect::<HashSet<_>>().len() > 990);
    for bit in 0..32 {
        let ones = numbers.iter().filter(|number| *number >> bit & 1 == 1).count();
        assert!((350..650).contains(&ones), "bit {bit} is set {ones} times of 1000");
    }
    let other = std::thread::spawn(|| call("get_prandom_u32", [])).join().unwrap();
    assert!(!numbers.contains(&other));
}

#[test]
fn the_processor_is_one_of_ours() {
    let cpu = call("get_smp_processor_id", []);
    let possible = std::fs::read_to_string("/sys/devices/system/cpu/possible").unwrap();
    let last: i64 = possible.trim().rsplit(['-', ',']).next().unwrap().parse().unwrap();
    assert!((0..=last).contains(&cpu), "{cpu} of {possible}");
}

#[test]
fn the_task_is_this_thread() {
    let both = call("get_current_pid_tgid", []);
    let thread = std::fs::read_link("/proc/thread-self").unwrap();
    assert_eq!(both >> 32, i64::from(std::process::id()));
    assert_eq!((both as u32).to_string(), thread.file_name().unwrap().to_str().unwrap());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let field = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let real = |name| field(name).split_whitespace().next().unwrap().parse::<i64>().unwrap();
    assert_eq!(call("get_current_uid_gid", []), real("Gid:") << 32 | real("Uid:"));
}

#[test]
fn names_are_cut_and_end_with_nul() {
    let named = std::thread::Builder::new().name("brolga-thread".into());
    let check = || {
        for size in [1, 4, 14, 16, 40] {
            let mut buffer = [0xee; 64];
            assert_eq!(call("get_current_comm", [address(&mut buffer), size as u64]), 0);
            let mut expected = [0xee; 64];
            expected[..size].fill(0);
            let shown = (size - 1).min(13);
            expected[..shown].copy_from_slice(&b"brolga-thread"[..shown]);
            assert_eq!(buffer, expected);
        }
        assert_eq!(call("get_current_comm", [address(&mut [0; 8]), 0]), -22);
    };
    named.spawn(check).unwrap().join().unwrap();
}

#[test]
fn strings_compare_as_in_c() {
    let compare = |s1: &[u8], size: u64, s2: &[u8]| {
        let (mut s1, mut s2) = (s1.to_vec(), s2.to_vec());
        call("strncmp", [address(&mut s1), size, address(&mut s2)])
    };
    assert_eq!(compare(b"abc\0", 4, b"abc\0"), 0);
    assert_eq!(compare(b"abc\0x", 5, b"abc\0"), 0);
    assert_eq!(compare(b"abcd", 3, b"abc\0"), 0);
    assert_eq!(compare(b"abcd", 4, b"abc\0"), 1);
    assert_eq!(compare(b"abb\0", 4, b"abc\0"), -1);
    assert_eq!(compare(b"a\xff\0", 3, b"ab\0"), 1);
    assert_eq!(compare(b"", 0, b"abc\0"), 0);
    assert_eq!(compare(b"xyz", 3, b"\0"), 1);
}
