use std::time::{Duration, Instant};

/// How many requests a connection carries, and whether it takes another; it is synchronous.
#[derive(Debug)]
pub(crate) struct Streams {
    in_use: usize,
    /// What we allow, whatever the server says.
    most: usize,
    /// What the server allows; `None` until it has said so.
    limit: Option<usize>,
    /// Whether there may be new ones.
    open: bool,
    /// Whether there has been one.
    used: bool,
    /// Since when there is none.
    idle_since: Instant,
}

impl Streams {
    pub(crate) fn new(most: usize, now: Instant) -> Self {
        Self {
            in_use: 0,
            most,
            limit: None,
            open: true,
            used: false,
            idle_since: now,
        }
    }

    /// Takes a place, and says whether the connection has carried requests before.
    pub(crate) fn try_begin(&mut self, now: Instant, idle_timeout: Duration) -> Option<bool> {
        self.close_if_idle(now, idle_timeout);
        // Until the server has spoken, one is the most that certainly does no harm.
        let limit = self.limit.unwrap_or(1).min(self.most);
        if !self.open || self.in_use >= limit {
            return None;
        }
        self.in_use += 1;
        Some(std::mem::replace(&mut self.used, true))
    }

    pub(crate) fn end(&mut self, now: Instant) {
        self.in_use -= 1;
        if self.in_use == 0 {
            self.idle_since = now;
        }
    }

    /// Sets what the server allows, and says whether that is news.
    pub(crate) fn set_limit(&mut self, limit: usize) -> bool {
        self.limit.replace(limit) != Some(limit)
    }

    /// Takes no new ones; those that there are go on.
    pub(crate) fn close(&mut self) {
        self.open = false;
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Closes if there has been nothing to do for too long; gives the time at which to look again, unless it is closed
    /// and empty.
    pub(crate) fn close_if_idle(
        &mut self,
        now: Instant,
        idle_timeout: Duration,
    ) -> Option<Instant> {
        if self.in_use > 0 {
            return now.checked_add(idle_timeout.max(SHORTEST_LOOK));
        }
        let idle = now.saturating_duration_since(self.idle_since);
        if self.used && idle >= idle_timeout {
            self.open = false;
        }
        match self.open {
            true => now.checked_add((idle_timeout.saturating_sub(idle)).max(SHORTEST_LOOK)),
            false => None,
        }
    }
}

/// A connection that is in use does not have to be looked at more often.
const SHORTEST_LOOK: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn now() -> Instant {
        fascine_rt::Rt::new(fascine_rt::doc::Threads).now()
    }

    fn streams(now: Instant) -> Streams {
        Streams::new(3, now)
    }

    #[test]
    fn there_is_one_until_the_server_has_spoken_and_never_more_than_we_allow() {
        let now = now();
        let mut streams = streams(now);
        assert_eq!(streams.try_begin(now, MINUTE), Some(false));
        assert_eq!(streams.try_begin(now, MINUTE), None);
        assert!(streams.set_limit(2));
        assert!(!streams.set_limit(2));
        assert_eq!(streams.try_begin(now, MINUTE), Some(true));
        assert_eq!(streams.try_begin(now, MINUTE), None);
        streams.set_limit(100);
        assert_eq!(streams.try_begin(now, MINUTE), Some(true));
        assert_eq!(streams.try_begin(now, MINUTE), None);
        // A server may take back what it allowed: who is there stays.
        streams.set_limit(0);
        streams.end(now);
        assert_eq!(streams.try_begin(now, MINUTE), None);
    }

    #[test]
    fn what_is_closed_or_too_old_takes_no_more() {
        let now = now();
        let mut old = streams(now);
        assert!(old.try_begin(now, MINUTE).is_some());
        old.end(now);
        assert_eq!(old.try_begin(now + MINUTE, MINUTE), None);
        assert!(!old.is_open());
        let mut closed = streams(now);
        closed.close();
        assert_eq!(closed.try_begin(now, MINUTE), None);
        assert_eq!(closed.close_if_idle(now, MINUTE), None);
    }

    #[test]
    fn what_is_in_use_is_not_idle() {
        let now = now();
        let mut streams = streams(now);
        assert!(streams.try_begin(now, MINUTE).is_some());
        let later = now + 10 * MINUTE;
        assert_eq!(streams.close_if_idle(later, MINUTE), Some(later + MINUTE));
        streams.end(later);
        let soon = later + MINUTE / 2;
        assert_eq!(streams.close_if_idle(soon, MINUTE), Some(later + MINUTE));
        assert_eq!(streams.close_if_idle(later + MINUTE, MINUTE), None);
    }
}
