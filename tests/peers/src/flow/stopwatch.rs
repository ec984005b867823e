use std::time::{Duration, Instant};

use crate::harness::Options;

/// Does the work once, and tells how long the part took that counts.
pub(crate) type Timed<'a> = Box<dyn FnMut() -> Duration + 'a>;

#[expect(clippy::disallowed_methods, reason = "a stopwatch")]
pub(crate) fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

/// Reports the medians of runs that alternate.
pub(crate) fn compare(
    options: &Options,
    name: &str,
    units: u32,
    ours: Timed<'_>,
    peers: Vec<(&'static str, Timed<'_>)>,
) {
    let rounds = if options.is_quick() { 9 } else { 51 };
    let mut sides = vec![("ours", ours, Vec::new())];
    sides.extend(
        peers
            .into_iter()
            .map(|(name, work)| (name, work, Vec::new())),
    );
    for round in 0..=rounds {
        for (_, work, times) in &mut sides {
            let took = work().as_nanos() as f64 / f64::from(units);
            // The first is to warm up.
            if round > 0 {
                times.push(took);
            }
        }
    }
    let mut medians = sides
        .into_iter()
        .map(|(name, _, times)| (name, median(times)));
    let Some((_, ours)) = medians.next() else {
        return;
    };
    if let Some((peer, theirs)) = medians.min_by(|(_, a), (_, b)| a.total_cmp(b)) {
        options.report(name, "ns", ours, theirs, peer);
    }
}

pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
