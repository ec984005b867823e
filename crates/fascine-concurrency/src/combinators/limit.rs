use std::num::NonZeroUsize;

/// Makes a limit out of a plain number, for [`bounded_map`](crate::bounded_map) and
/// [`CompletionStream::with_limit`](crate::CompletionStream::with_limit).
///
/// # Errors
///
/// [`ZeroLimit`] when it is zero: nothing could ever run.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::{ZeroLimit, at_most};
/// assert_eq!(at_most(8).map(usize::from), Ok(8));
/// assert_eq!(at_most(0), Err(ZeroLimit));
/// ```
pub const fn at_most(limit: usize) -> Result<NonZeroUsize, ZeroLimit> {
    match NonZeroUsize::new(limit) {
        Some(limit) => Ok(limit),
        None => Err(ZeroLimit),
    }
}

/// A limit was zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a limit of zero lets nothing run")]
pub struct ZeroLimit;
