//! A ring buffer for generated programs, with no one who reads it: records are
//! never taken out, so that it is full sooner or later, when the kernel's is.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard};

/// What lies before a record: the map that it is of.
const HEADER: u64 = 8;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Reserved,
    Submitted,
    Discarded,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    /// Where its header is, in bytes from the ring's start.
    at: u64,
    bytes: u64,
    fate: Fate,
}

impl Record {
    /// Where the next one's header is.
    const fn end(&self) -> u64 {
        self.at + (self.bytes + HEADER).next_multiple_of(8)
    }
}

/// How many words of the memory these records take; the others are zero.
fn used(records: &[Record]) -> usize {
    records.last().map_or(0, |last| last.end() as usize / 8)
}

/// The memory, and what lies in it.
#[derive(Debug)]
pub(crate) struct Ring {
    words: Box<[AtomicU64]>,
    records: Mutex<Vec<Record>>,
}

impl Ring {
    pub(crate) fn new(bytes: u32) -> Self {
        let words = (0..bytes.div_ceil(8)).map(|_| AtomicU64::new(0)).collect();
        Self { words, records: Mutex::default() }
    }

    pub(crate) fn reset(&self) {
        let mut records = self.records();
        self.words[..used(&records)].iter().for_each(|word| word.store(0, Relaxed));
        records.clear();
    }

    /// All that it says and holds.
    pub(crate) fn write_words(&self, out: &mut Vec<u64>) {
        let records = self.records();
        out.extend(records.iter().flat_map(|r| [r.at, r.bytes, r.fate as u64]));
        out.extend(self.words[..used(&records)].iter().map(|word| word.load(Relaxed)));
    }

    fn records(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().expect("no one panics with the records")
    }

    fn start(&self) -> u64 {
        self.words.as_ptr().expose_provenance() as u64
    }

    /// The address of so many bytes; 0 where there is no room. `owner` can be
    /// asked of the record later.
    pub(crate) fn reserve(&self, bytes: u64, owner: u64) -> u64 {
        let mut records = self.records();
        let at = 8 * used(&records) as u64;
        let record = Record { at, bytes, fate: Fate::Reserved };
        let most = 8 * self.words.len() as u64;
        if bytes > most || record.end() >= most {
            return 0;
        }
        records.push(record);
        self.words[(at / 8) as usize].store(owner, Relaxed);
        self.start() + at + HEADER
    }

    /// The end of a record that a program held.
    pub(crate) fn finish(&self, address: u64, submit: bool) {
        let at = address.wrapping_sub(self.start()).wrapping_sub(HEADER);
        if let Some(record) = self.records().iter_mut().find(|r| r.at == at) {
            record.fate = if submit { Fate::Submitted } else { Fate::Discarded };
        }
    }

    /// Whether all of the bytes are of a record that is held.
    pub(crate) fn holds(&self, addr: u64, len: u64) -> bool {
        let of = |r: &Record| {
            let off = addr.wrapping_sub(self.start() + r.at + HEADER);
            r.fate == Fate::Reserved && off <= r.bytes && len <= r.bytes - off
        };
        self.records().iter().any(of)
    }

    /// Whether a record that is held begins there.
    pub(crate) fn is_record(&self, addr: u64) -> bool {
        let begins = |r: &Record| r.fate == Fate::Reserved && addr == self.start() + r.at + HEADER;
        self.records().iter().any(begins)
    }

    /// Every record: its size with what became of it, and its bytes.
    pub(crate) fn contents(&self) -> Vec<(u32, Vec<u64>)> {
        let words = |r: &Record| {
            let first = ((r.at + HEADER) / 8) as usize;
            self.words[first..][..r.bytes.div_ceil(8) as usize].iter().map(|w| w.load(Relaxed)).collect()
        };
        self.records().iter().map(|r| (r.bytes as u32 * 4 + r.fate as u32, words(r))).collect()
    }
}
