use std::num::NonZeroUsize;

use super::sample::Congestion;
use super::{Bounds, LimitAlgorithm, Sample, SampleOutcome};

/// Grows by one when a whole limit's worth of calls succeeded; shrinks by a tenth when the other side is overloaded.
///
/// It shrinks once for each congestion, not for each call that fails in it, and does not grow while less than half of
/// the limit is used. It never looks at latencies, so overload has to be reported.
///
/// Source: Chiu and Jain, "Analysis of the increase and decrease algorithms for congestion avoidance", 1989.
#[derive(Clone, Debug)]
pub struct Aimd {
    limit: f64,
    bounds: Bounds,
    congestion: Congestion,
}

impl Aimd {
    /// Makes one that begins with a limit, moved into the bounds if it is outside.
    #[must_use]
    pub fn new(initial: NonZeroUsize, bounds: Bounds) -> Self {
        Self {
            limit: bounds.clamp(initial.get() as f64),
            bounds,
            congestion: Congestion::default(),
        }
    }
}

impl LimitAlgorithm for Aimd {
    fn limit(&self) -> NonZeroUsize {
        self.bounds.whole(self.limit)
    }

    fn sample(&mut self, sample: &Sample) {
        match sample.outcome {
            SampleOutcome::Succeeded if sample.running as f64 * 2.0 >= self.limit => {
                self.limit = self.bounds.clamp(self.limit + 1.0 / self.limit);
            }
            SampleOutcome::Overloaded if self.congestion.is_new(sample) => {
                self.limit = self.bounds.clamp(self.limit * 0.9);
            }
            _ => {}
        }
    }
}
