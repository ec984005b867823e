use std::error::Error;
use std::fmt;

/// What a call and its alternatives failed with: every error, in the order in which they came.
///
/// Its [`source`](Error::source) is the [`first`](Self::first), which is why the alternatives were needed; why they failed
/// is in [`others`](Self::others), and [`iter`](Self::iter) goes through all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FallbackError<E> {
    /// What the call itself failed with.
    pub first: E,
    /// What the alternatives failed with, in the order in which they were tried.
    pub others: Vec<E>,
}

impl<E> FallbackError<E> {
    /// The errors in order, of which there is one at least.
    pub(crate) fn new(mut errors: Vec<E>) -> Self {
        let first = errors.remove(0);
        Self {
            first,
            others: errors,
        }
    }

    /// Returns the last error: why nothing more was tried.
    #[must_use]
    pub fn last(&self) -> &E {
        self.others.last().unwrap_or(&self.first)
    }

    /// Returns all errors, the call's own first.
    pub fn iter(&self) -> impl Iterator<Item = &E> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl<E> fmt::Display for FallbackError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.others.len() {
            0 => f.write_str("the call failed and no alternative was tried"),
            1 => f.write_str("the call failed, and so did its alternative"),
            n => write!(f, "the call failed, and so did {n} alternatives"),
        }
    }
}

impl<E: Error + 'static> Error for FallbackError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.first)
    }
}
