//! How long does a program run? Every program of the table, in every engine
//! that gives the expected result.

use brolga_benches::peers::{ENGINES, runner};
use brolga_benches::programs::PROGRAMS;
use criterion::{Criterion, criterion_group, criterion_main};
use std::time::Duration;

fn run(c: &mut Criterion) {
    for program in PROGRAMS {
        let mut group = c.benchmark_group(format!("run/{}", program.name));
        group.warm_up_time(Duration::from_millis(100));
        group.measurement_time(Duration::from_millis(300)).sample_size(20);
        for engine in ENGINES {
            let Some(mut runner) = runner(engine, program) else {
                println!("run/{}/{engine}: can not run it", program.name);
                continue;
            };
            let mut memory = program.input();
            group.bench_function(engine, |b| {
                b.iter_custom(|times| {
                    let mut left = times;
                    let mut time = Duration::ZERO;
                    while left > 0 {
                        let now = left.min(u32::MAX.into()) as u32;
                        time += runner(&mut memory, now).1;
                        left -= u64::from(now);
                    }
                    time
                })
            });
        }
        group.finish();
    }
}

criterion_group!(benches, run);
criterion_main!(benches);
