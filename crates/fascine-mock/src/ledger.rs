use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::builder::MockServerBuilder;
use crate::log::{Log, Outcome, Served};
use crate::problem::{Problem, ProblemKind};
use crate::quota::{Quota, Standing};

/// Who was let through, what that used, and who is being answered.
#[derive(Debug)]
pub(crate) struct Ledger {
    most_at_once: usize,
    hides_quota: bool,
    book: Mutex<Book>,
}

#[derive(Debug)]
struct Book {
    log: Log,
    /// One for each key.
    quotas: Vec<Quota>,
    in_flight: usize,
    most_in_flight: usize,
    counts: Counts,
}

/// How requests ended.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) answered: u64,
    pub(crate) faulted: u64,
    pub(crate) refused: u64,
    pub(crate) rejected: u64,
}

impl Ledger {
    pub(crate) fn new(settings: &MockServerBuilder) -> Arc<Self> {
        let keys = settings.keys.len().max(1);
        let quota = || Quota::new(settings.requests, settings.tokens);
        let book = Book {
            log: Log::new(settings.log_capacity),
            quotas: (0..keys).map(|_| quota()).collect(),
            in_flight: 0,
            most_in_flight: 0,
            counts: Counts::default(),
        };
        Arc::new(Self {
            most_at_once: settings.concurrency.map_or(usize::MAX, NonZeroUsize::get),
            hides_quota: settings.hides_quota,
            book: Mutex::new(book),
        })
    }

    /// A place among the requests at once, with the quota's leave; or why there is none.
    pub(crate) fn admit(
        self: &Arc<Self>,
        now: Instant,
        key: usize,
        tokens: u64,
    ) -> (Result<Place, Problem>, Standing) {
        let mut book = self.book();
        let most = self.most_at_once;
        if book.in_flight >= most {
            let message = format!("There are {most} requests on their way already.");
            let problem = Problem::new(429, ProblemKind::RateRequests, message);
            return (Err(problem), Standing::default());
        }
        let standing = match book.quotas.get_mut(key) {
            Some(quota) => quota.check(now, tokens),
            None => Standing::default(),
        };
        if let Some(refusal) = standing.refused {
            return (
                Err(Problem::above_quota(refusal, self.hides_quota)),
                standing,
            );
        }
        book.in_flight += 1;
        book.most_in_flight = book.most_in_flight.max(book.in_flight);
        let ledger = Arc::clone(self);
        (Ok(Place { ledger }), standing)
    }

    pub(crate) fn enter(&self, served: Served) {
        let mut book = self.book();
        book.counts.add(served.outcome);
        book.log.push(served);
    }

    /// Counts a request that was never read, and so is not in the log.
    pub(crate) fn count(&self, outcome: Outcome) {
        self.book().counts.add(outcome);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.book().counts
    }

    /// How many requests are being answered, and how many were at most.
    pub(crate) fn in_flight(&self) -> (usize, usize) {
        let book = self.book();
        (book.in_flight, book.most_in_flight)
    }

    pub(crate) fn read_log<T>(&self, read: impl FnOnce(&Log) -> T) -> T {
        read(&self.book().log)
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn add(&mut self, outcome: Outcome) {
        let count = match outcome {
            Outcome::Answered => &mut self.answered,
            Outcome::Faulted => &mut self.faulted,
            Outcome::Refused => &mut self.refused,
            Outcome::Rejected => &mut self.rejected,
        };
        *count += 1;
    }
}

/// One of the requests that are on their way.
#[derive(Debug)]
pub(crate) struct Place {
    ledger: Arc<Ledger>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.ledger.book().in_flight -= 1;
    }
}
