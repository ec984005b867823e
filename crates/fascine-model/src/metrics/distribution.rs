use std::time::Duration;

use hdrhistogram::Histogram;

/// How a measured value is spread.
///
/// A percentile is by nearest rank: the smallest measured value that at least so many of a hundred do not exceed. All
/// but the counts are within one percent of what was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Distribution<T> {
    /// How often it was measured.
    pub count: u64,
    /// The smallest.
    pub min: T,
    /// The largest.
    pub max: T,
    /// All of them, by how many there are.
    pub mean: T,
    /// Half are not larger.
    pub p50: T,
    /// 95 of 100 are not larger.
    pub p95: T,
    /// 99 of 100 are not larger.
    pub p99: T,
}

/// Counts values between 1 and `max` in a fixed amount of memory; what is larger counts as `max`.
#[derive(Debug)]
pub(super) struct Spread {
    histogram: Histogram<u64>,
}

impl Spread {
    pub(super) fn up_to(max: u64) -> Self {
        let bounded = Histogram::new_with_bounds(1, max.max(2), 2);
        Self {
            // Two digits between two such bounds are always a histogram.
            histogram: bounded.expect("sound bounds"),
        }
    }

    pub(super) fn record(&mut self, value: u64) {
        self.histogram.saturating_record(value);
    }

    pub(super) fn read<T>(&self, unit: impl Fn(f64) -> T) -> Distribution<T> {
        let histogram = &self.histogram;
        let whole = |value: u64| unit(value as f64);
        Distribution {
            count: histogram.len(),
            min: whole(histogram.min()),
            max: whole(histogram.max()),
            mean: unit(histogram.mean()),
            p50: whole(histogram.value_at_quantile(0.5)),
            p95: whole(histogram.value_at_quantile(0.95)),
            p99: whole(histogram.value_at_quantile(0.99)),
        }
    }

    pub(super) fn clear(&mut self) {
        self.histogram.reset();
    }
}

/// Microseconds as a time.
pub(super) fn micros(value: f64) -> Duration {
    Duration::from_secs_f64(value / 1e6)
}
