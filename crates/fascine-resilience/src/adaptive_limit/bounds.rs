use std::num::NonZeroUsize;

/// Between how few and how many calls a limit moves.
///
/// # Defaults
///
/// - from 1 to 1000
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    least: NonZeroUsize,
    most: NonZeroUsize,
}

/// The least was more than the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a limit cannot be {least} at least and {most} at most")]
pub struct BoundsError {
    least: NonZeroUsize,
    most: NonZeroUsize,
}

impl Bounds {
    /// Makes bounds.
    ///
    /// # Errors
    ///
    /// [`BoundsError`] if `least` is more than `most`.
    pub fn new(least: NonZeroUsize, most: NonZeroUsize) -> Result<Self, BoundsError> {
        if least > most {
            return Err(BoundsError { least, most });
        }
        Ok(Self { least, most })
    }

    /// The nearest number within them.
    pub(super) fn clamp(self, limit: f64) -> f64 {
        // Beyond 2^53 calls a limit is none, so the conversion may round.
        limit
            .max(self.least.get() as f64)
            .min(self.most.get() as f64)
    }

    /// The whole calls of a limit, which has been clamped.
    pub(super) fn whole(self, limit: f64) -> NonZeroUsize {
        NonZeroUsize::new(limit as usize)
            .map_or(self.least, |limit| limit.clamp(self.least, self.most))
    }
}

impl Default for Bounds {
    fn default() -> Self {
        const THOUSAND: NonZeroUsize = NonZeroUsize::new(1000).unwrap();
        Self {
            least: NonZeroUsize::MIN,
            most: THOUSAND,
        }
    }
}
