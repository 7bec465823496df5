//! What `bpf_trace_printk` prints and returns.

use super::super::HostEnv;
use super::super::printk::{Text, format as format_by};
use super::{address, call_in};
use rustix::io::Errno;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

fn format(fmt: &[u8], args: [u64; 3], peeks: bool) -> Result<Text, Errno> {
    format_by(fmt, &args, peeks, 1023)
}

fn text(fmt: &str, args: [u64; 3]) -> Result<String, Errno> {
    let fmt = [fmt.as_bytes(), &[0]].concat();
    format(&fmt, args, true).map(|text| {
        assert_eq!(text.len, text.shown.len(), "nothing here is cut off");
        String::from_utf8(text.shown).unwrap()
    })
}

/// A format, its arguments, the text.
const NUMBERS: [(&str, [i64; 3], &str); 39] = [
    ("hello\n", [0; 3], "hello\n"),
    ("", [0; 3], ""),
    ("%d", [-5, 0, 0], "-5"),
    ("%i", [1 << 32, 0, 0], "0"),
    ("%u", [-1, 0, 0], "4294967295"),
    ("%x %X", [0xabc, 0xabc, 0], "abc ABC"),
    ("%ld", [-1, 0, 0], "-1"),
    ("%lu", [-1, 0, 0], "18446744073709551615"),
    ("%lx", [-1, 0, 0], "ffffffffffffffff"),
    ("%lX", [-1, 0, 0], "FFFFFFFFFFFFFFFF"),
    ("%lld %lli", [i64::MIN, -9, 0], "-9223372036854775808 -9"),
    ("%llu %llx", [-1, 255, 0], "18446744073709551615 ff"),
    ("100%%", [0; 3], "100%"),
    ("%d%%%d", [1, 2, 0], "1%2"),
    ("%d %d %d", [1, 2, 3], "1 2 3"),
    ("%5d|", [42, 0, 0], "   42|"),
    ("%-5d|", [42, 0, 0], "42   |"),
    ("%05d", [42, 0, 0], "00042"),
    ("%05d", [-42, 0, 0], "-0042"),
    ("%03d", [-4567, 0, 0], "-4567"),
    ("%+d", [42, 0, 0], "+42"),
    ("% d", [42, 0, 0], " 42"),
    ("%-05d|", [42, 0, 0], "42   |"),
    ("%-+5d|", [3, 0, 0], "+3   |"),
    ("%+05d", [3, 0, 0], "+0003"),
    ("% 05d", [3, 0, 0], " 0003"),
    ("%05x", [0xab, 0, 0], "000ab"),
    ("%+u% x", [3, 5, 0], "35"),
    ("%c%c%c", [65, 66, 67], "ABC"),
    ("%5c|%-5c|", [65, 66, 0], "    A|B    |"),
    ("%05c", [65, 0, 0], "    A"),
    ("%px", [0x1234, 0, 0], "0000000000001234"),
    ("%20px|%-20px|", [0x1234, 0x12, 0], "                1234|12                  |"),
    ("%020px", [0x1234, 0, 0], "00000000000000001234"),
    ("%4px %3px", [0x12, 0x12345, 0], "  12 12345"),
    ("%p %p", [0, -5, 0], "0000000000000000 fffffffffffffffb"),
    ("%pxabc|%pSz|%pB9|", [1, 1, 2], "0000000000000001|0x1|0x2|"),
    ("%10ps|%-10pS|%10pB|", [0x1234; 3], "    0x1234|0x1234    |0x1234|"),
    ("a\tb\u{b}caf\u{e9}", [0; 3], "a\tb\u{b}caf\u{e9}"),
];

#[test]
fn numbers_are_printed_as_the_kernel_does() {
    for (fmt, args, expected) in NUMBERS {
        assert_eq!(text(fmt, args.map(|arg| arg as u64)).as_deref(), Ok(expected), "{fmt:?}");
    }
}

#[test]
fn other_formats_are_refused() {
    let refused = [
        "%hd",
        "%o",
        "%f",
        "%n",
        "%l",
        "%ll",
        "%",
        "%5",
        "%d%",
        "%.3d",
        "%*d",
        "%#x",
        "%lc",
        "%ls",
        "%pz",
        "%pa",
        "%p6",
        "%pI5",
        "%pISpc",
        "%sx",
        "%pksx",
        "%B",
        "\u{1}",
        "\u{7f}",
        "%\u{e9}",
        "% %",
        "%d %d %d %d",
    ];
    for fmt in refused {
        assert_eq!(text(fmt, [1; 3]), Err(Errno::INVAL), "{fmt:?}");
    }
    assert_eq!(format(b"no end", [0; 3], true), Err(Errno::INVAL));
    assert_eq!(format(b"", [0; 3], true), Err(Errno::INVAL));
    assert_eq!(format(b"%d\0%d%d%d%d", [1; 3], true).unwrap().shown, b"1");
}

#[test]
fn strings_are_read_where_there_is_memory() {
    let mut memory = *b"abcdefghijklm\0rest";
    let string = address(&mut memory);
    let at = |fmt| text(fmt, [string, string + 10, 0]).unwrap();
    assert_eq!(at("%s"), "abcdefghijklm");
    assert_eq!(at("%s %s."), "abcdefghijklm klm.");
    assert_eq!(at("%s%s"), "abcdefghijklmklm");
    assert_eq!(at("%15s|%-5s|"), "  abcdefghijklm|klm  |");
    assert_eq!(at("%015s|"), "  abcdefghijklm|");
    assert_eq!(at("%pks %pus"), "abcdefghijklm klm");
    assert_eq!(at("%20pks|"), "abcdefghijklm|");
    for addr in [0, 0x1234, u64::MAX, 1 << 63, 0x7fff_ffff_f000] {
        assert_eq!(text("<%s>", [addr, 0, 0]).as_deref(), Ok("<>"), "{addr:#x}");
    }
}

#[test]
fn addresses_are_printed_as_people_write_them() {
    let mut memory = [1u8, 0x7f, 0xc8, 9, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab];
    let at = address(&mut memory);
    assert_eq!(text("%pI4|%pi4|", [at, at, 0]).unwrap(), "1.127.200.9|001.127.200.009|");
    assert_eq!(text("%pI6", [at, 0, 0]).unwrap(), "017f:c809:fe80:0000:0000:0000:0000:00ab");
    assert_eq!(text("%pi6", [at, 0, 0]).unwrap(), "017fc809fe80000000000000000000ab");
    assert_eq!(text("%20pI4h|%pI4", [at, 0x1234, 0]).unwrap(), "1.127.200.9|0.0.0.0");
}

#[test]
fn pointers_are_hashed() {
    let shown = text("%p %pK %p", [0x1234_5678_9abc, 0x1234_5678_9abc, 0x1234_5678_9abd]).unwrap();
    let words: Vec<_> = shown.split(' ').collect();
    assert!(words.iter().all(|word| word.len() == 16 && word.starts_with("00000000")));
    assert!(words[0] == words[1] && words[0] != words[2] && !shown.contains("56789abc"));
}

#[test]
fn what_is_too_long_is_counted_but_not_kept() {
    for (fmt, len) in
        [("%2000d|\0", 2001), ("%16777216d\0", (1 << 23) - 1), ("%99999999999d\0", (1 << 23) - 1)]
    {
        let text = format(fmt.as_bytes(), [1; 3], true).unwrap();
        assert_eq!((text.len, text.shown.len()), (len, 1023));
        assert!(text.shown.iter().all(|byte| *byte == b' '));
    }
    let mut long = [b'x'; 600];
    long[599] = 0;
    let string = address(&mut long);
    assert_eq!(format(b"%s\0", [string; 3], true).unwrap().len, 511);
    assert_eq!(format(b"%s%s\0", [string; 3], true), Err(Errno::NOSPC));
    assert_eq!(format(b"%s%d\0", [string; 3], true), Err(Errno::NOSPC));
}

#[test]
fn texts_reach_the_sink_of_their_host() {
    let host = HostEnv::default();
    let print = |fmt: &[u8], arg: u64| {
        let mut fmt = fmt.to_vec();
        call_in(&host, "trace_printk", [address(&mut fmt), fmt.len() as u64, arg, 0, 0])
    };
    assert_eq!(print(b"lost %d\0", 1), 6);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sink = seen.clone();
    host.set_trace(Arc::new(move |text| sink.lock().unwrap().push(text.to_owned())));
    assert_eq!(print(b"got %d\n\0", 7), 6);
    assert_eq!(print(b"%q\0", 7), -22);
    assert_eq!(print(b"%2000d\0", 7), 2000);
    assert_eq!(print(b"\xff\0", 7), 1);
    let seen = seen.lock().unwrap();
    assert_eq!(seen[..], ["got 7\n".to_owned(), " ".repeat(1023), "\u{fffd}".to_owned()]);
}

#[test]
fn a_sink_that_panics_is_the_callers_affair() {
    let host = HostEnv::default();
    host.set_trace(Arc::new(|text| panic!("sink: {text}")));
    let mut fmt = *b"x\0";
    let at = address(&mut fmt);
    let print = || call_in(&host, "trace_printk", [at, 2, 0, 0, 0]);
    let payload = catch_unwind(AssertUnwindSafe(print)).unwrap_err();
    assert_eq!(payload.downcast_ref::<String>().unwrap(), "sink: x");
}

#[test]
fn what_stands_at_an_address_may_be_forbidden() {
    let mut text = *b"secret\0";
    let mut ip = [10u8, 0, 0, 7];
    let args = [address(&mut text), address(&mut ip), 5];
    let shown = |peeks| String::from_utf8(format(b"<%s> <%pI4> %d\0", args, peeks).unwrap().shown).unwrap();
    assert_eq!(shown(true), "<secret> <10.0.0.7> 5");
    assert!(shown(false).starts_with("<> <") && !shown(false).contains("10.0.0.7"), "{}", shown(false));
}

#[test]
fn an_engine_can_be_told_to_forbid_it() {
    let host = HostEnv::default();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    host.set_trace(Arc::new(move |line: &str| kept.lock().unwrap().push(line.to_owned())));
    let (mut fmt, mut text) = (*b"%s\0", *b"ab\0");
    let args = [address(&mut fmt), 3, address(&mut text), 0, 0];
    call_in(&host, "trace_printk", args);
    host.forbid_peeking();
    call_in(&host, "trace_printk", args);
    assert_eq!(*lines.lock().unwrap(), ["ab", ""]);
}

#[test]
fn a_text_is_written_as_far_as_there_is_room() {
    let snprintf = |room: usize, fmt: &[u8], args: &[u64]| {
        let (mut to, mut fmt, mut args) = (vec![0xee_u8; 16], fmt.to_vec(), args.to_vec());
        let at = if room > 0 { address(&mut to) } else { 0 };
        let (data, len) = (address(&mut args), 8 * args.len() as u64);
        let result =
            call_in(&HostEnv::default(), "snprintf", [at, room as u64, address(&mut fmt), data, len]);
        (result, to)
    };
    let (result, to) = snprintf(16, b"%d-%x!\0", &[7, 255]);
    assert_eq!((result, &to[..7]), (6, b"7-ff!\0\xee".as_slice()));
    let (result, to) = snprintf(4, b"%d-%x!\0", &[7, 255]);
    assert_eq!((result, &to[..5]), (6, b"7-f\0\xee".as_slice()));
    assert_eq!(snprintf(1, b"ab\0", &[]), (3, [vec![0], vec![0xee; 15]].concat()));
    assert_eq!(snprintf(0, b"ab\0", &[]).0, 3);
    assert_eq!(snprintf(16, b"%d\0", &[]).0, -22);
    assert_eq!(snprintf(16, b"%d\0", &[1; 13]).0, -22);
}

#[test]
fn arguments_may_lie_in_memory() {
    let host = HostEnv::default();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let kept = lines.clone();
    host.set_trace(Arc::new(move |line: &str| kept.lock().unwrap().push(line.to_owned())));
    let (mut fmt, mut args) = (*b"%d %d %d %d\0", [1_u64, 2, 3, 4]);
    let (fmt, data) = (address(&mut fmt), address(&mut args));
    assert_eq!(call_in(&host, "trace_vprintk", [fmt, 12, data, 32, 0]), 7);
    assert_eq!(call_in(&host, "trace_vprintk", [fmt, 12, data, 24, 0]), -22);
    assert_eq!(call_in(&host, "trace_vprintk", [fmt, 12, data, 12, 0]), -22);
    assert_eq!(*lines.lock().unwrap(), ["1 2 3 4"]);
}
