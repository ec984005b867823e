use std::num::NonZeroUsize;

use super::sample::Congestion;
use super::{Bounds, LimitAlgorithm, Sample, SampleOutcome};

/// Follows the trend of latencies: shrinks in proportion when they rise above their long average, grows while they do
/// not.
///
/// Unlike [`Vegas`](super::Vegas) it has no need of a best case, so it suits latencies that vary a lot. A latency half
/// as long again as the average is still taken for noise.
///
/// Source: `Gradient2Limit` of Netflix's concurrency-limits. That one ignores overload; this one shrinks by a tenth
/// once for each congestion.
#[derive(Clone, Debug)]
pub struct Gradient2 {
    limit: f64,
    bounds: Bounds,
    congestion: Congestion,
    /// In seconds, over some 600 calls.
    average: f64,
    seen: u32,
}

impl Gradient2 {
    /// Makes one that begins with a limit, moved into the bounds if it is outside.
    #[must_use]
    pub fn new(initial: NonZeroUsize, bounds: Bounds) -> Self {
        Self {
            limit: bounds.clamp(initial.get() as f64),
            bounds,
            congestion: Congestion::default(),
            average: 0.0,
            seen: 0,
        }
    }

    fn succeeded(&mut self, sample: &Sample) {
        let latency = sample.latency().as_secs_f64();
        if latency == 0.0 {
            return;
        }
        // The plain average of the first few, then one that forgets.
        if self.seen < WARM_UP {
            self.seen += 1;
            self.average += (latency - self.average) / f64::from(self.seen);
        } else {
            self.average += (latency - self.average) * 2.0 / (WINDOW + 1.0);
        }
        // After a long bad time the average would take as long to come down.
        if self.average > latency * 2.0 {
            self.average *= 0.95;
        }
        if (sample.running as f64) * 2.0 < self.limit {
            return;
        }
        let gradient = (TOLERANCE * self.average / latency).clamp(0.5, 1.0);
        let wanted = self.limit * gradient + QUEUE;
        self.limit = self
            .bounds
            .clamp(self.limit * (1.0 - SMOOTHING) + wanted * SMOOTHING);
    }
}

impl LimitAlgorithm for Gradient2 {
    fn limit(&self) -> NonZeroUsize {
        self.bounds.whole(self.limit)
    }

    fn sample(&mut self, sample: &Sample) {
        match sample.outcome {
            SampleOutcome::Ignored => {}
            SampleOutcome::Overloaded => {
                if self.congestion.is_new(sample) {
                    self.limit = self.bounds.clamp(self.limit * 0.9);
                }
            }
            SampleOutcome::Succeeded => self.succeeded(sample),
        }
    }
}

const QUEUE: f64 = 4.0;
const SMOOTHING: f64 = 0.2;
const TOLERANCE: f64 = 1.5;
const WARM_UP: u32 = 10;
const WINDOW: f64 = 600.0;
