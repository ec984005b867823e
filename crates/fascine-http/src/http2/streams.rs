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
    /// Since when there is none.
    idle_since: Instant,
}

/// Whether a connection has nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    No,
    /// It has been so for too long.
    TooLong,
    /// It will have been so for too long at that time; `None` is never.
    Until(Option<Instant>),
}

impl Streams {
    /// Begins with the one that the connection was made for.
    pub(crate) fn of_one(most: usize, now: Instant) -> Self {
        Self {
            in_use: 1,
            most,
            limit: None,
            open: true,
            idle_since: now,
        }
    }

    /// Takes a place, if there is one.
    pub(crate) fn try_begin(&mut self, now: Instant, idle_timeout: Duration) -> bool {
        // Until the server has spoken, one is the most that certainly does no harm.
        let limit = self.limit.unwrap_or(1).min(self.most);
        let free = self.in_use < limit && self.idle(now, idle_timeout) != Idle::TooLong;
        let begins = self.open && free;
        self.in_use += usize::from(begins);
        begins
    }

    /// Gives a place back, and says whether that was the last one in use.
    pub(crate) fn end(&mut self, now: Instant) -> bool {
        self.in_use -= 1;
        self.idle_since = now;
        self.in_use == 0
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

    /// Whether there is nothing to do; if that has been so for too long, there will be nothing any more.
    pub(crate) fn idle(&mut self, now: Instant, idle_timeout: Duration) -> Idle {
        if self.in_use > 0 {
            return Idle::No;
        }
        let end = self.idle_since.checked_add(idle_timeout);
        if end.is_some_and(|end| end <= now) {
            self.open = false;
            return Idle::TooLong;
        }
        Idle::Until(end)
    }
}

#[cfg(test)]
mod tests {
    use fascine_rt::{Rt, doc};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn now() -> Instant {
        Rt::new(doc::Threads).now()
    }

    #[test]
    fn there_is_one_until_the_server_has_spoken_and_never_more_than_we_allow() {
        let now = now();
        let mut streams = Streams::of_one(3, now);
        assert!(!streams.try_begin(now, MINUTE));
        assert!(streams.set_limit(2));
        assert!(!streams.set_limit(2));
        assert!(streams.try_begin(now, MINUTE));
        assert!(!streams.try_begin(now, MINUTE));
        streams.set_limit(100);
        assert!(streams.try_begin(now, MINUTE));
        assert!(!streams.try_begin(now, MINUTE));
    }

    #[test]
    fn a_server_may_take_back_what_it_allowed_and_who_is_there_stays() {
        let now = now();
        let mut streams = Streams::of_one(3, now);
        streams.set_limit(2);
        assert!(streams.try_begin(now, MINUTE));
        streams.set_limit(1);
        assert!(!streams.end(now));
        assert!(!streams.try_begin(now, MINUTE));
        assert!(streams.end(now));
        assert!(streams.try_begin(now, MINUTE));
    }

    #[test]
    fn what_is_closed_or_too_old_takes_no_more() {
        let now = now();
        let mut old = Streams::of_one(3, now);
        assert_eq!(old.idle(now + 10 * MINUTE, MINUTE), Idle::No);
        old.end(now);
        assert_eq!(old.idle(now, MINUTE), Idle::Until(Some(now + MINUTE)));
        assert_eq!(old.idle(now, Duration::MAX), Idle::Until(None));
        assert!(!old.try_begin(now + MINUTE, MINUTE));
        assert!(!old.is_open());
        let mut closed = Streams::of_one(3, now);
        closed.set_limit(3);
        closed.close();
        assert!(!closed.try_begin(now, MINUTE));
    }
}
