use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Who borrows from a [`CapacityLimiter`](super::CapacityLimiter): an identity, and nothing else.
///
/// A borrower is whatever you say it is: a task, a connection, a customer. Those made by [`new`](Self::new) differ from
/// all others; those made from a number are the same for the same number.
///
/// # Examples
///
/// ```
/// # use fascine_concurrency::Borrower;
/// assert_ne!(Borrower::new(), Borrower::new());
/// assert_eq!(Borrower::from(7), Borrower::from(7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Borrower(Identity);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Identity {
    Given(u64),
    Made(u64),
}

impl Borrower {
    /// Makes a borrower that is no other.
    #[expect(
        clippy::new_without_default,
        reason = "a default that differs each time would surprise"
    )]
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(Identity::Made(NEXT.fetch_add(1, Relaxed)))
    }
}

impl From<u64> for Borrower {
    fn from(number: u64) -> Self {
        Self(Identity::Given(number))
    }
}
