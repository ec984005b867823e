use std::time::{Duration, Instant};

use crate::cpu::cpu;
use crate::harness::Options;

/// One side of a comparison: does so many units of work in a call.
pub(super) type Work<'a> = (&'static str, Box<dyn FnMut(usize) + 'a>);

pub(super) fn side<'a>(name: &'static str, work: impl FnMut(usize) + 'a) -> Work<'a> {
    (name, Box::new(work))
}

/// What a unit of work took, by either clock: the medians over all rounds.
#[derive(Clone, Copy)]
pub(super) struct Took {
    pub(super) name: &'static str,
    pub(super) cpu: f64,
    pub(super) wall: f64,
}

/// Runs all sides in turns; the first round warms up.
pub(super) fn measure(options: &Options, units: usize, mut sides: Vec<Work<'_>>) -> Vec<Took> {
    let (rounds, units) = if options.is_quick() {
        (5, units / 4)
    } else {
        (15, units)
    };
    let mut times = vec![(Vec::new(), Vec::new()); sides.len()];
    for round in 0..=rounds {
        for ((_, work), (cpus, walls)) in sides.iter_mut().zip(&mut times) {
            let (before, start) = (cpu(), Instant::now());
            work(units);
            if round > 0 {
                cpus.push((cpu() - before).div_f64(units as f64));
                walls.push(start.elapsed().div_f64(units as f64));
            }
        }
    }
    let sides = sides.iter().zip(times);
    sides
        .map(|((name, _), (cpus, walls))| Took {
            name,
            cpu: median(cpus),
            wall: median(walls),
        })
        .collect()
}

/// Reports the first side against the best of the others, in processor time.
pub(super) fn report_cpu(options: &Options, name: &str, took: &[Took]) {
    report(options, name, took, |took| took.cpu);
}

/// The same by the clock on the wall.
pub(super) fn report_wall(options: &Options, name: &str, took: &[Took]) {
    report(options, name, took, |took| took.wall);
}

fn report(options: &Options, name: &str, took: &[Took], value: impl Fn(&Took) -> f64) {
    let [ours, theirs @ ..] = took else { return };
    let best = theirs.iter().min_by(|a, b| value(a).total_cmp(&value(b)));
    if let Some(best) = best {
        options.report(name, "ns", value(ours), value(best), best.name);
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_nanos() as f64
}
