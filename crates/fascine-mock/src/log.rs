use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::Api;

/// A request as the server saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// Its number, from 1, in the order in which requests arrive.
    pub number: u64,
    /// When it was decided upon, by the runtime's clock.
    pub at: Instant,
    /// The API it spoke.
    pub api: Api,
    /// Which of the server's keys it came with, counted from 0; 0 if the server asks for none.
    pub key: usize,
    /// What it used of the quota, in tokens: the prompt and the answer.
    pub tokens: u64,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It was answered properly.
    Answered,
    /// It was let through, and a fault befell it.
    Faulted,
    /// It was above a quota or the limit on requests at once.
    Refused,
    /// It made no sense, or its key was not valid.
    Rejected,
}

impl Outcome {
    /// Whether it counts against the quota.
    #[must_use]
    pub fn is_let_through(self) -> bool {
        matches!(self, Self::Answered | Self::Faulted)
    }
}

/// The most that was let through for one key in any stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peak {
    /// In requests.
    pub requests: u64,
    /// In tokens.
    pub tokens: u64,
}

/// The latest requests.
#[derive(Debug)]
pub(crate) struct Log {
    capacity: usize,
    entries: VecDeque<Served>,
}

impl Log {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: VecDeque::new(),
        }
    }

    pub(crate) fn push(&mut self, served: Served) {
        while self.entries.len() >= self.capacity.max(1) {
            self.entries.pop_front();
        }
        if self.capacity > 0 {
            self.entries.push_back(served);
        }
    }

    pub(crate) fn entries(&self) -> Vec<Served> {
        self.entries.iter().cloned().collect()
    }

    /// The peak over all windows that begin with a request: no other can hold more.
    pub(crate) fn peak(&self, per: Duration) -> Peak {
        let mut peak = Peak::default();
        let keys = self.entries.iter().map(|served| served.key + 1);
        for key in 0..keys.max().unwrap_or(0) {
            let mut window = VecDeque::new();
            let (mut requests, mut tokens) = (0, 0);
            let passed = self.entries.iter();
            for served in
                passed.filter(|served| served.key == key && served.outcome.is_let_through())
            {
                while let Some((at, used)) = window.front()
                    && served.at.saturating_duration_since(*at) >= per
                {
                    requests -= 1;
                    tokens -= used;
                    window.pop_front();
                }
                window.push_back((served.at, served.tokens));
                requests += 1;
                tokens += served.tokens;
                peak.requests = peak.requests.max(requests);
                peak.tokens = peak.tokens.max(tokens);
            }
        }
        peak
    }
}
