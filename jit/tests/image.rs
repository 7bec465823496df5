//! Executable memory: where it is, what it may be used for, that it is freed.
#![expect(unsafe_code, reason = "a call of machine code")]

mod common;

use brolga_core::link::{HelperBody, RunState, call_base};
use brolga_jit::{Image, Listing, Live, Options, Passes, compile};
use common::{Build, run};
use std::fs;
use std::sync::Mutex;

/// Counts are of the process: who looks at them is alone.
static COUNTS: Mutex<()> = Mutex::new(());

fn image(number: i32) -> Image {
    let text = format!("r0 = r1\nr0 += {number}\nexit");
    compile(&Build::asm(&text).link(), &Options::default()).unwrap().publish().unwrap()
}

/// The pages of this process in memory, in bytes.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn dropping_an_image_frees_it() {
    let _alone = COUNTS.lock().unwrap();
    for i in 0..200 {
        assert_eq!(run(&image(i), 1, 0), i as u64 + 1);
    }
    let (before, live) = (resident(), Live::now());
    assert_eq!(live, Live::default());
    for i in 0..10_000 {
        assert_eq!(run(&image(i), 1, 0), i as u64 + 1);
    }
    let grown = resident().saturating_sub(before);
    assert_eq!(Live::now(), live);
    assert!(grown < 1 << 20, "{grown} bytes more are resident");
}

#[test]
fn images_live_until_they_are_dropped() {
    let _alone = COUNTS.lock().unwrap();
    let images: Vec<Image> = (0..300).map(image).collect();
    let live = Live::now();
    assert_eq!(live.images, 300);
    assert!(live.bytes >= images.iter().map(Image::code_len).sum());
    for (i, image) in images.iter().enumerate() {
        assert_eq!(run(image, 5, 0), i as u64 + 5);
    }
    drop(images);
    assert_eq!(Live::now(), Live::default());
}

/// The line of the memory map that holds an address.
fn mapping(address: usize) -> Option<String> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let holds = |line: &&str| {
        let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let number = |hex| usize::from_str_radix(hex, 16).unwrap();
        (number(start)..number(end)).contains(&address)
    };
    maps.lines().find(holds).map(String::from)
}

#[test]
fn code_is_executable_and_not_writable() {
    let _alone = COUNTS.lock().unwrap();
    let image = image(1);
    let line = mapping(image.address()).unwrap();
    assert!(line.contains(" r-xp "), "{line}");
    let address = image.address();
    drop(image);
    let line = mapping(address).unwrap_or_default();
    assert!(!line.contains(" r-xp "), "{line}");
}

#[test]
fn code_is_near_the_text() {
    let _alone = COUNTS.lock().unwrap();
    let reach = if cfg!(target_arch = "x86_64") { 1 << 31 } else { 1 << 27 };
    for i in 0..100 {
        assert!(image(i).address().abs_diff(call_base()) < reach);
    }
}

unsafe extern "C-unwind" fn counted(a: u64, _: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    a * 2
}

#[test]
fn compiling_and_running_in_eight_threads() {
    let _alone = COUNTS.lock().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            scope.spawn(move || {
                for i in 0..200 {
                    let text = format!("r1 += {i}\ncall 7000\ncall f\nexit\nf: r0 += {thread}\nexit");
                    let text = text.replace("f: r0 +=", "f: r0 = ");
                    let body = HelperBody { func: counted, env: None };
                    let linked = Build::asm(&text).helper(7000, 1, body).link();
                    let image = compile(&linked, &Options::default()).unwrap().publish().unwrap();
                    assert_eq!(run(&image, 3, 0), thread);
                }
            });
        }
    });
    assert_eq!(Live::now(), Live::default());
}

/// An image may be run from several threads, and moved to another.
#[test]
fn an_image_is_shared() {
    let _alone = COUNTS.lock().unwrap();
    let image = std::sync::Arc::new(image(3));
    let threads: Vec<_> = (0..4)
        .map(|i| {
            let image = image.clone();
            std::thread::spawn(move || {
                // SAFETY: the program takes any number.
                unsafe { image.entry()(i, 0, &mut RunState::default()) }
            })
        })
        .collect();
    let results: Vec<u64> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    assert_eq!(results, [3, 4, 5, 6]);
}

#[test]
fn nothing_is_listed_unless_asked_for() {
    let _alone = COUNTS.lock().unwrap();
    assert_eq!(*image(1).listings(), brolga_jit::Listings::default());
}

#[test]
fn listings() {
    let _alone = COUNTS.lock().unwrap();
    let linked = Build::asm("r0 = r1\nr0 *= 5\nif r0 != 7 goto +1\ncall f\nexit\nf: r0 = 9\nexit").link();
    let passes = Passes::all() - Passes::INLINE;
    let options = Options { listing: Listing::all(), passes, ..Options::default() };
    let image = compile(&linked, &options).unwrap().publish().unwrap();
    let listings = image.listings();
    for name in ["main", "subprog_5"] {
        assert!(listings.native.contains(&format!("{name}:\n")), "{}", listings.native);
        assert!(listings.ir.contains(&format!("; {name}\nfunction ")), "{}", listings.ir);
    }
    assert!(listings.native.contains("block1:"), "{}", listings.native);
    let places: Vec<u32> = listings.lines.iter().map(|line| line.pc.0).collect();
    assert!(places.contains(&1) && places.contains(&6), "{places:?}");
    assert!(listings.lines.is_sorted_by_key(|line| line.offset));
}
