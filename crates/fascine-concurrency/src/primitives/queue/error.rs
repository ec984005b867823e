use std::fmt;

/// Why a [`Queue`](super::Queue) took no item; it gives the item back.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PutError<T> {
    /// The queue is closed: it will never take an item again.
    #[error("the queue is closed")]
    Closed(T),
    /// There is no room now, or nobody who waits for an item; only [`try_put`](super::Queue::try_put) says so.
    #[error("the queue is full")]
    Full(T),
}

impl<T> PutError<T> {
    /// Returns the item.
    pub fn into_item(self) -> T {
        match self {
            Self::Closed(item) | Self::Full(item) => item,
        }
    }

    /// Returns whether putting again later can succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

// Items need not be `Debug`, and may be large.
impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed(_) => "Closed(..)",
            Self::Full(_) => "Full(..)",
        })
    }
}

/// Why a [`Queue`](super::Queue) gave no item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// The queue is closed and nothing is in it.
    #[error("the queue is closed")]
    Closed,
    /// Nothing is in it now; only [`try_get`](super::Queue::try_get) says so.
    #[error("the queue is empty")]
    Empty,
}

impl GetError {
    /// Returns whether getting again later can succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Empty)
    }
}
