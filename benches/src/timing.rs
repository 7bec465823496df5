//! Time, measured so that the engines can be compared on a machine that does
//! other things as well: in turn, round after round, and of each the shortest.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Runs a program over its memory so many times, one after the other: the last
/// result, and the time of all of them.
pub type Runs = Box<dyn FnMut(&mut [u8], u32) -> (u64, Duration)>;

/// How long the runs between two looks at the clock take.
const BATCH: Duration = Duration::from_micros(200);

/// Makes [`Runs`] of something that runs a program once.
pub fn runs(mut run: impl FnMut(&mut [u8]) -> u64 + 'static) -> Runs {
    Box::new(move |memory, times| {
        let mut last = 0;
        let start = Instant::now();
        for _ in 0..times {
            last = run(black_box(memory));
        }
        (black_box(last), start.elapsed())
    })
}

/// The shortest time of one run of each, in nanoseconds, over these rounds.
/// Each works on a copy of the memory of its own.
pub fn shortest(engines: &mut [Runs], memory: &[u8], rounds: usize) -> Vec<f64> {
    let mut memories: Vec<Aligned> = engines.iter().map(|_| Aligned::new(memory)).collect();
    let times: Vec<u32> = engines
        .iter_mut()
        .zip(&mut memories)
        .map(|(engine, memory)| {
            let (_, twice) = engine(memory.bytes(), 2);
            (2 * BATCH.as_nanos() / twice.as_nanos().max(2)).clamp(1, 1 << 20) as u32
        })
        .collect();
    let mut shortest = vec![f64::MAX; engines.len()];
    for _ in 0..rounds {
        for (i, engine) in engines.iter_mut().enumerate() {
            let (_, time) = engine(memories[i].bytes(), times[i]);
            shortest[i] = shortest[i].min(time.as_secs_f64() * 1e9 / f64::from(times[i]));
        }
    }
    shortest
}

/// The shortest time that something takes.
pub fn shortest_of(rounds: usize, mut work: impl FnMut()) -> Duration {
    let mut time = || {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..rounds).map(|_| time()).min().unwrap_or_default()
}

/// Memory that starts at a multiple of eight.
struct Aligned {
    words: Vec<[u8; 8]>,
    len: usize,
    start: usize,
}

impl Aligned {
    fn new(bytes: &[u8]) -> Self {
        let mut words = vec![[0; 8]; bytes.len() / 8 + 2];
        let flat = words.as_flattened_mut();
        let start = flat.as_ptr().align_offset(8);
        flat[start..start + bytes.len()].copy_from_slice(bytes);
        Self { words, len: bytes.len(), start }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.words.as_flattened_mut()[self.start..self.start + self.len]
    }
}

/// The geometric mean; nothing of nothing.
#[must_use]
pub fn geomean(values: &[f64]) -> Option<f64> {
    let logs: f64 = values.iter().map(|v| v.ln()).sum();
    (!values.is_empty()).then(|| (logs / values.len() as f64).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_geometric_mean_is_the_root_of_the_product() {
        assert_eq!(geomean(&[]), None);
        assert!((geomean(&[2.0, 8.0]).unwrap() - 4.0).abs() < 1e-12);
    }

    #[test]
    fn memory_is_copied_and_aligned() {
        let mut memory = Aligned::new(&[1, 2, 3]);
        assert_eq!(memory.bytes(), [1, 2, 3]);
        assert_eq!(memory.bytes().as_ptr().align_offset(8), 0);
    }
}
