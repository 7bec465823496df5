//! The live kernel creates the maps that we create, and refuses the others with
//! the same error, where it lets us ask.

use super::*;

const BPF_MAP_CREATE: i64 = 0;

/// The start of `union bpf_attr` for `BPF_MAP_CREATE`.
#[repr(C)]
#[derive(Default)]
struct Attr {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
}

/// The error number that the kernel gives, 0 for none.
#[expect(unsafe_code, reason = "bpf(2)")]
fn kernel_errno(def: &MapDef) -> i32 {
    let attr = Attr {
        map_type: def.kind as u32,
        key_size: def.key_size,
        value_size: def.value_size,
        max_entries: def.max_entries,
        map_flags: def.flags.bits(),
        ..Attr::default()
    };
    // SAFETY: the attributes are readable for their size, and the descriptor
    // that comes back is closed here and used nowhere else.
    unsafe {
        let fd = libc::syscall(libc::SYS_bpf, BPF_MAP_CREATE, &raw const attr, size_of::<Attr>());
        if fd < 0 {
            return std::io::Error::last_os_error().raw_os_error().unwrap_or(-1);
        }
        libc::close(fd as i32);
        0
    }
}

#[test]
fn the_kernel_agrees() {
    if kernel_errno(&MapDef::array(8, 1)) != 0 {
        eprintln!("bpf(2) is not allowed here: nothing compared");
        return;
    }
    for (def, expected) in super::create::table() {
        assert_eq!(kernel_errno(&def), expected, "{def:?}");
    }
}
