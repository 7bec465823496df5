//! Checksums in an skb, corrected for what a program changed.

use super::memory::{copy_in, copy_out};
use super::skb::Skb;
use super::{csum, fail};
use rustix::io::Errno;

/// `BPF_F_HDR_FIELD_MASK`: the size of the field that changed, in bytes; 0 where
/// a difference of sums is given instead.
const FIELD: u64 = 0xf;
/// `BPF_F_PSEUDO_HDR`: the field is in the pseudo header too, which matters only
/// where a device summed the packet.
const PSEUDO_HDR: u64 = 0x10;
/// `BPF_F_MARK_MANGLED_0`: a checksum of 0 means that there is none.
const MARK_MANGLED_0: u64 = 0x20;
/// `BPF_F_MARK_ENFORCE`: even then there is to be one.
const MARK_ENFORCE: u64 = 0x40;
/// `BPF_F_IPV6`: the packet is IPv6, which matters as [`PSEUDO_HDR`] does.
const IPV6: u64 = 0x80;

/// A checksum with a field's old value replaced by the new one; `None` for a
/// field of an impossible size.
fn replaced(sum: u16, from: u64, to: u64, field: u64) -> Option<u16> {
    let without = match field {
        0 if from != 0 => return None,
        0 => !u32::from(sum),
        2 => csum::sub(!u32::from(sum), u32::from(from as u16)),
        4 => csum::sub(!u32::from(sum), from as u32),
        _ => return None,
    };
    let new = if field == 2 { u32::from(to as u16) } else { to as u32 };
    Some(!csum::fold(csum::add(without, new)))
}

/// [`replaced`] as the kernel does it in an IPv4 header: a field of two bytes in
/// 16 bits, which may give 0xffff where 32 bits give 0.
fn replaced_l3(sum: u16, from: u64, to: u64, field: u64) -> Option<u16> {
    let add = |a: u16, b: u16| {
        let (sum, carry) = a.overflowing_add(b);
        sum + u16::from(carry)
    };
    match field {
        2 => Some(!add(add(!sum, !(from as u16)), to as u16)),
        _ => replaced(sum, from, to, field),
    }
}

/// Where the checksum at an offset is.
fn checksum(skb: &Skb, offset: u32) -> Option<u64> {
    let aligned = offset <= 0xffff && offset.is_multiple_of(2);
    skb.bytes(offset, 2).filter(|_| aligned)
}

/// # Safety
///
/// `addr` is that of two bytes of a packet.
unsafe fn read(addr: u64) -> u16 {
    let mut sum = [0; 2];
    // SAFETY: as the caller says.
    unsafe { copy_out(addr, sum.as_mut_ptr(), sum.len()) };
    u16::from_ne_bytes(sum)
}

/// `(skb, offset, from, to, flags)` to 0 or an error: of an IPv4 header.
pub(super) unsafe extern "C-unwind" fn l3_csum_replace(
    ctx: u64,
    offset: u64,
    from: u64,
    to: u64,
    flags: u64,
    _: u64,
) -> u64 {
    if flags & !FIELD != 0 {
        return fail(Errno::INVAL);
    }
    // SAFETY: by its prototype the helper gets its context; the checksum's two
    // bytes are in the packet.
    unsafe {
        let Some(addr) = checksum(&Skb::at(ctx), offset as u32) else { return fail(Errno::FAULT) };
        let Some(sum) = replaced_l3(read(addr), from, to, flags) else { return fail(Errno::INVAL) };
        copy_in(addr, &sum.to_ne_bytes());
    }
    0
}

/// `(skb, offset, from, to, flags)` to 0 or an error: of TCP, UDP and so on.
pub(super) unsafe extern "C-unwind" fn l4_csum_replace(
    ctx: u64,
    offset: u64,
    from: u64,
    to: u64,
    flags: u64,
    _: u64,
) -> u64 {
    if flags & !(FIELD | PSEUDO_HDR | MARK_MANGLED_0 | MARK_ENFORCE | IPV6) != 0 {
        return fail(Errno::INVAL);
    }
    let mangled_0 = flags & MARK_MANGLED_0 != 0;
    // SAFETY: by its prototype the helper gets its context; the checksum's two
    // bytes are in the packet.
    unsafe {
        let Some(addr) = checksum(&Skb::at(ctx), offset as u32) else { return fail(Errno::FAULT) };
        let old = read(addr);
        if mangled_0 && flags & MARK_ENFORCE == 0 && old == 0 {
            return 0;
        }
        let new = match replaced(old, from, to, flags & FIELD) {
            // 0 would say that there is no checksum; this is as good.
            Some(0) if mangled_0 => 0xffff,
            Some(new) => new,
            None => return fail(Errno::INVAL),
        };
        copy_in(addr, &new.to_ne_bytes());
    }
    0
}
