use std::num::NonZeroUsize;
use std::time::Duration;

use super::sample::Congestion;
use super::{Bounds, LimitAlgorithm, Sample, SampleOutcome};

/// Keeps a short queue at the other side: grows while latencies stay near the best ones, shrinks when they leave them.
///
/// How many calls queue over there is reckoned from how much longer than the shortest a call took. The shortest is
/// measured anew now and then, so that a service that became slower for good is not taken for a busy one for ever.
///
/// Source: Brakmo and Peterson, "TCP Vegas", 1995, as `VegasLimit` of Netflix's concurrency-limits has it.
#[derive(Clone, Debug)]
pub struct Vegas {
    limit: f64,
    bounds: Bounds,
    congestion: Congestion,
    shortest: Option<Duration>,
    until_probe: u64,
}

impl Vegas {
    /// Makes one that begins with a limit, moved into the bounds if it is outside.
    #[must_use]
    pub fn new(initial: NonZeroUsize, bounds: Bounds) -> Self {
        let limit = bounds.clamp(initial.get() as f64);
        Self {
            limit,
            bounds,
            congestion: Congestion::default(),
            shortest: None,
            until_probe: probe_interval(limit),
        }
    }

    fn succeeded(&mut self, sample: &Sample) {
        let latency = sample.latency();
        if latency.is_zero() {
            return;
        }
        self.until_probe = self.until_probe.saturating_sub(1);
        if self.until_probe == 0 {
            self.until_probe = probe_interval(self.limit);
            self.shortest = Some(latency);
            return;
        }
        let shortest = self
            .shortest
            .map_or(latency, |shortest| shortest.min(latency));
        self.shortest = Some(shortest);
        if (sample.running as f64) * 2.0 < self.limit {
            return;
        }
        let queue = self.limit * (1.0 - shortest.as_secs_f64() / latency.as_secs_f64());
        let step = self.limit.log10().max(1.0);
        let (few, many) = (3.0 * step, 6.0 * step);
        let change = match queue.ceil() {
            queue if queue <= step => many,
            queue if queue < few => step,
            queue if queue > many => -step,
            _ => 0.0,
        };
        self.limit = self.bounds.clamp(self.limit + change);
    }
}

impl LimitAlgorithm for Vegas {
    fn limit(&self) -> NonZeroUsize {
        self.bounds.whole(self.limit)
    }

    fn sample(&mut self, sample: &Sample) {
        match sample.outcome {
            SampleOutcome::Ignored => {}
            SampleOutcome::Overloaded => {
                if self.congestion.is_new(sample) {
                    let step = self.limit.log10().max(1.0);
                    self.limit = self.bounds.clamp(self.limit - step);
                }
            }
            SampleOutcome::Succeeded => self.succeeded(sample),
        }
    }
}

/// After how many calls the shortest latency is measured anew.
fn probe_interval(limit: f64) -> u64 {
    (limit * 30.0) as u64
}
