//! The table against plain Rust, which shares nothing with the C but the topic.

use super::{BenchProgram, HELPER_PROGRAMS, PROGRAMS};

fn program(name: &str) -> &'static BenchProgram {
    PROGRAMS.iter().find(|program| program.name == name).unwrap()
}

fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks().0.iter().map(|word| u64::from_le_bytes(*word)).collect()
}

fn halves(bytes: &[u8]) -> Vec<u32> {
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

fn fnv1a(items: impl IntoIterator<Item = u64>) -> u64 {
    let step = |hash: u64, item: u64| (hash ^ item).wrapping_mul(0x100_0000_01b3);
    items.into_iter().fold(0xcbf2_9ce4_8422_2325, step)
}

fn crc32(bytes: &[u8]) -> u64 {
    let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| u32::from(byte >> bit & 1)));
    let step = |crc: u32, bit| if (crc ^ bit) & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
    u64::from(!bits.fold(!0, step))
}

fn adler32(bytes: &[u8]) -> u64 {
    let step = |(a, b), byte: &u8| ((a + u64::from(*byte)) % 65521, (a + b + u64::from(*byte)) % 65521);
    let (a, b) = bytes.iter().fold((1, 0), step);
    b << 16 | a
}

/// One's complement addition is addition modulo 65535, with 65535 for a sum of zero.
fn checksum(bytes: &[u8]) -> u64 {
    let sum: u64 = bytes.as_chunks().0.iter().map(|pair| u64::from(u16::from_le_bytes(*pair))).sum();
    0xffff - ((sum - 1) % 0xffff + 1)
}

#[expect(deprecated, reason = "the one SipHash-2-4 in std")]
fn siphash(mem: &[u8]) -> u64 {
    use std::hash::{Hasher, SipHasher};
    let keys = words(&mem[..16]);
    let mut hasher = SipHasher::new_with_keys(keys[0], keys[1]);
    hasher.write(&mem[16..]);
    hasher.finish()
}

fn sorted_halves(mem: &[u8]) -> u64 {
    let mut words = halves(&mem[..64]);
    words.sort_unstable();
    fnv1a(words.iter().flat_map(|word| word.to_le_bytes()).map(u64::from))
}

fn bubble_sort(mem: &[u8]) -> u64 {
    let mut words = words(mem);
    words.sort_unstable();
    fnv1a(words)
}

fn binary_search(mem: &[u8]) -> u64 {
    let words = halves(mem);
    let (sorted, keys) = words.split_at(256);
    assert!(sorted.is_sorted());
    // The search has 8 steps, so it never says 256.
    let place = |key| sorted.partition_point(|word| *word < key).min(255) as u64;
    keys.iter().fold(0u64, |sum, key| sum.wrapping_mul(31).wrapping_add(place(*key)))
}

fn bits(mem: &[u8]) -> u64 {
    words(mem).into_iter().fold(0, |mix: u64, word| {
        let counts = u64::from(word.count_ones()) * 67 + u64::from(word.leading_zeros());
        mix.rotate_left(1) ^ word.reverse_bits().wrapping_add(counts)
    })
}

fn decimal_parse(mem: &[u8]) -> u64 {
    let numbers: Vec<&str> = str::from_utf8(mem).unwrap().split(',').collect();
    let sum: u64 = numbers.iter().filter_map(|number| number.parse::<u64>().ok()).sum();
    sum << 8 | (numbers.len() as u64 - 1)
}

fn gcd(mem: &[u8]) -> u64 {
    fn binary_gcd(a: u64, b: u64) -> u64 {
        let (mut a, mut b) = (a, b);
        let twos = (a | b).trailing_zeros();
        a >>= a.trailing_zeros();
        while b != 0 {
            b >>= b.trailing_zeros();
            (a, b) = (a.min(b), a.abs_diff(b));
        }
        a << twos
    }
    words(mem).as_chunks().0.iter().fold(0, |mix: u64, [a, b]| mix.wrapping_mul(31) + binary_gcd(*a, *b))
}

fn histogram(mem: &[u8]) -> u64 {
    let data = &mem[..512];
    fnv1a((0..=255).map(|byte| data.iter().filter(|item| **item == byte).count() as u64))
}

fn sieve(mem: &[u8]) -> u64 {
    let is_prime = |n: &usize| (2..*n).all(|divisor| !n.is_multiple_of(divisor));
    (2..256).filter(is_prime).filter(|n| mem[*n].is_multiple_of(2)).count() as u64
}

fn strcmp(mem: &[u8]) -> u64 {
    let (a, b) = mem.split_at(256);
    let at = a.iter().zip(b).position(|(a, b)| a != b).unwrap();
    (at as u64) << 8 | 2 | u64::from(a[at] > b[at])
}

fn substring(mem: &[u8]) -> u64 {
    let (needle, hay) = mem.split_at(8);
    hay.windows(8).position(|window| window == needle).unwrap() as u64
}

fn matmul(mem: &[u8]) -> u64 {
    let words = halves(mem);
    let product = |row: usize, col: usize| {
        (0..8).fold(0u32, |sum, i| sum.wrapping_add(words[row * 8 + i].wrapping_mul(words[64 + i * 8 + col])))
    };
    let trace = (0..8).fold(0u32, |sum, i| sum.wrapping_add(product(i, i)));
    let edge = (0..8).fold(0, |mix, row| mix ^ product(row, 7));
    u64::from(edge) << 32 | u64::from(trace)
}

fn base64(mem: &[u8]) -> u64 {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = mem[..96].as_chunks().0.iter().flat_map(|[a, b, c]| {
        let group = u32::from_be_bytes([0, *a, *b, *c]);
        [18, 12, 6, 0].map(|shift| ALPHABET[(group >> shift & 63) as usize])
    });
    fnv1a(letters.map(u64::from))
}

type Reference = fn(&[u8]) -> u64;

const REFERENCES: [(&str, Reference); 24] = [
    ("adler32", adler32),
    ("base64", base64),
    ("binary_search", binary_search),
    ("bits", bits),
    ("bubble_sort", bubble_sort),
    ("checksum", checksum),
    ("crc32_bitwise", crc32),
    ("crc32_rodata", crc32),
    ("crc32_table", |mem| crc32(&mem[1024..])),
    ("decimal_parse", decimal_parse),
    ("fnv1a", |mem| fnv1a(mem.iter().copied().map(u64::from))),
    ("gcd", gcd),
    ("histogram", histogram),
    ("insertion_sort", sorted_halves),
    ("matmul", matmul),
    ("memchr", |mem| mem.iter().position(|byte| *byte == 0).unwrap() as u64),
    ("memcpy", |mem| words(mem)[0] ^ words(mem)[127].rotate_left(1)),
    ("selection_sort", sorted_halves),
    ("sieve", sieve),
    ("siphash", siphash),
    ("strcmp", strcmp),
    ("substring", substring),
    ("sum_u64", |mem| words(mem).into_iter().fold(0, u64::wrapping_add)),
    ("utf8", |mem| str::from_utf8(mem).unwrap().chars().count() as u64),
];

#[test]
fn expected_results_are_those_of_plain_rust() {
    for (name, reference) in REFERENCES {
        let program = program(name);
        assert_eq!(program.expected, reference(&program.input()), "{name}");
    }
}

/// The remaining programs parse what the input says in so many words.
#[test]
fn parsers_find_what_the_input_says() {
    let method = b"GET".iter().fold(0, |method, letter| method * 26 + u64::from(letter - b'A'));
    let target = "/birds/list.html?page=7".len() as u64 + 14 * "&item=crane".len() as u64;
    let path = "/birds/list.html".len() as u64;
    let expected = method << 24 | path << 16 | target << 8 | u64::from(b'1');
    assert_eq!(program("http_parse").expected, expected);
    let addresses = u64::from(u32::from_le_bytes([10, 1, 2, 3]) ^ u32::from_le_bytes([10, 4, 5, 6]));
    assert_eq!(program("ipv4_parse").expected, addresses << 32 | 1480 << 16 | 17 << 8 | 64);
}

#[test]
fn helper_programs_add_up_what_their_maps_hold() {
    for program in HELPER_PROGRAMS {
        let Some(map) = program.map else { continue };
        let value = |key| (0..map.entries).map(map.entry).find(|entry| entry.0 == key).map(|entry| entry.1);
        let key = |i: u32| if program.name == "map_array" { (i * 5) & 63 } else { i * 7 };
        let sum: u64 = (0..48).filter_map(|i| value(key(i))).sum();
        assert_eq!(u64::from(program.expected), sum, "{}", program.name);
    }
}

#[test]
fn objects_are_aligned_bpf_elfs_and_names_are_sorted() {
    let objects = PROGRAMS.iter().map(|program| program.object);
    for object in objects.chain(HELPER_PROGRAMS.iter().map(|program| program.object)) {
        assert_eq!(object.as_ptr().align_offset(8), 0);
        assert_eq!((&object[..4], &object[18..20]), (&b"\x7fELF"[..], &247u16.to_le_bytes()[..]));
    }
    assert!(PROGRAMS.is_sorted_by(|a, b| a.name < b.name));
}
