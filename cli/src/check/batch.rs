//! How long one run takes.

use std::time::Instant;

/// How many batches the runs are divided into, where there are enough.
const BATCHES: u32 = 16;

/// Runs `times` times (at least once), in batches, and gives the best batch's
/// nanoseconds per run: what else the machine does only ever adds time.
pub(super) fn best<E>(times: u32, mut run: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let times = times.max(1);
    let batch = times.div_ceil(BATCHES);
    let (mut done, mut best) = (0, f64::INFINITY);
    while done < times {
        let size = batch.min(times - done);
        let start = Instant::now();
        (0..size).try_for_each(|_| run())?;
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(size));
        done += size;
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn it_runs_as_often_as_asked() {
        for times in [0, 1, 2, 15, 16, 17, 1000] {
            let mut runs = 0;
            let ns = best::<()>(times, || {
                runs += 1;
                Ok(())
            });
            assert_eq!(runs, times.max(1));
            assert!(ns.unwrap().is_finite());
        }
    }

    #[test]
    fn a_run_that_fails_ends_it() {
        assert_eq!(best(10, || Err("no")), Err("no"));
    }
}
