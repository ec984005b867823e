use std::time::Instant;

use crate::Quota;

/// Where a limiter keeps what has been taken: [`MemoryStore`](crate::MemoryStore) unless it is told otherwise.
///
/// A store that processes share hands out what it has fetched ahead and fetches more in a task of its own: it answers
/// at once, like any other, and whoever calls the limiter cannot tell the difference. When more has come in, that task
/// calls [`RateLimiter::recheck`](crate::RateLimiter::recheck).
///
/// Quotas are known by their position in the list that the limiter was made with; `amounts`, `tickets` and `totals`
/// have one number for each. The limiter never lets `now` be questioned: it may lie before that of an earlier call, and
/// a store must then grant no more than if it did not.
///
/// The methods are called while the limiter is locked: they must neither block nor call it.
pub trait QuotaStore: Send + 'static {
    /// Takes all of the amounts and leaves a ticket for each, or takes none.
    ///
    /// An amount that is larger than the whole quota only comes from a quota that [borrows](Quota::with_borrowing).
    ///
    /// # Errors
    ///
    /// When to ask again, if nobody gives anything back.
    fn try_take(
        &mut self,
        now: Instant,
        amounts: &[u64],
        tickets: &mut [u64],
    ) -> Result<(), Instant>;

    /// Takes back `amount` of what was taken with that ticket.
    fn give_back(&mut self, now: Instant, quota: usize, ticket: u64, amount: u64);

    /// Takes what has been used already, whether it fits or not.
    fn charge(&mut self, now: Instant, quota: usize, amount: u64);

    /// Counts by other numbers from now on.
    fn change(&mut self, now: Instant, quota: usize, to: &Quota);

    /// How much of a quota is free now.
    fn available(&mut self, now: Instant, quota: usize) -> u64;

    /// When the last of these totals can have been taken at the earliest, whatever they are divided into. A store that
    /// cannot tell says `now`: waits are then held against a deadline later.
    fn foresee(&mut self, now: Instant, totals: &[u64]) -> Instant {
        let _ = totals;
        now
    }

    /// Whether the store is as good as new, and may be forgotten.
    fn is_idle(&mut self, now: Instant) -> bool {
        let _ = now;
        false
    }
}
