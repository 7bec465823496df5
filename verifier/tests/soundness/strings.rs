//! Strings that are known when a program is loaded.

use crate::{Load, load, xdp};
use brolga_core::{MapDef, MapFlags, MapInfo};

/// With this text as the only value of a map that no one changes any more.
fn with(load: Load, text: &[u8]) -> Load {
    let def = MapDef::array(text.len() as u32, 1).flags(MapFlags::RDONLY_PROG);
    load.map_info(MapInfo { def, frozen: Some(text.into()) })
}

/// A comparison with the string at this offset of the value.
fn strncmp(off: u32) -> String {
    format!(
        "*(u64 *)(r10 -8) = 0\n r1 = r10\n r1 += -8\n r2 = 8\n r3 = map[idx:0][0]\n r3 += {off}
         call bpf_strncmp\n r0 = 0\n exit"
    )
}

#[test]
fn a_string_ends_in_its_value() {
    with(xdp(), b"abc\0def").accepts(&strncmp(0));
    with(xdp(), b"abc\0def").accepts(&strncmp(3));
    with(xdp(), b"abc\0def").refuses("string is not zero-terminated", &strncmp(4));
    with(xdp(), b"abc\0").refuses("R3 min value is outside of the allowed memory range", &strncmp(4));
}

#[test]
fn a_string_is_one_that_no_one_changes() {
    let text = &strncmp(0);
    xdp().map(MapDef::array(8, 1)).refuses("R3 does not point to a readonly map'", text);
    let def = MapDef::array(8, 1).flags(MapFlags::RDONLY_PROG);
    xdp().map(def).refuses("R3 does not point to a readonly map'", text);
    let stack = text.replace("map[idx:0][0]", "r10").replace("r3 += 0", "r3 += -8");
    with(xdp(), b"abc\0").refuses("R3 type=fp expected=map_value", &stack);
    let somewhere = text.replace("r3 += 0", "r4 = *(u64 *)(r10 -16)\n r4 &= 1\n r3 += r4");
    with(xdp(), b"abc\0").refuses("R3 is not a constant address'", &somewhere);
}

/// A text of so many bytes of arguments.
fn snprintf(bytes: u32) -> String {
    format!(
        "*(u64 *)(r10 -8) = 0\n *(u64 *)(r10 -16) = 0\n r1 = r10\n r1 += -8\n r2 = 8\n r3 = map[idx:0][0]
         r4 = r10\n r4 += -16\n r5 = {bytes}\n call bpf_snprintf\n r0 = 0\n exit"
    )
}

#[test]
fn a_format_has_arguments_enough() {
    let program = |format: &[u8], bytes| with(load("kprobe"), format).verify(&snprintf(bytes));
    let accepted = [(b"%d %d\0".as_slice(), 16), (b"plain%%\0", 0), (b"%d\0", 16), (b"%s %pI4\0", 16)];
    for (format, bytes) in accepted {
        assert!(program(format, bytes).is_ok(), "{}", String::from_utf8_lossy(format));
    }
    for (format, bytes) in
        [(b"%d\0".as_slice(), 0), (b"%q\0", 8), (b"%d %d\0", 8), (b"%\0", 8), (b"\x01\0", 8)]
    {
        let failure = program(format, bytes).expect_err("no such format");
        assert!(failure.to_string().contains("Invalid format string"), "{failure}");
    }
    assert!(program(b"%d\0", 12).is_err());
}
