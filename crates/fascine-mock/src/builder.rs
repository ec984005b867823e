use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use fascine_http::Net;
use fascine_rt::Rt;

use crate::quota::Quota;
use crate::state::State;
use crate::{Fault, MockError, MockServer};

/// The settings of a [`MockServer`].
///
/// # Defaults
///
/// - seed 0, no latency, no quota, no faults
/// - an answer that says something about the prompt
#[derive(Clone, Debug, Default)]
pub struct MockServerBuilder {
    pub(crate) seed: u64,
    pub(crate) latency: Option<RangeInclusive<Duration>>,
    pub(crate) quota: Option<(NonZeroU32, Duration)>,
    pub(crate) answers: Vec<(String, String)>,
    pub(crate) faults: Vec<(When, Fault)>,
}

/// Which requests a fault befalls.
#[derive(Clone, Debug)]
pub(crate) enum When {
    /// The one with this number, from 1.
    Nth(u64),
    /// Those whose last user message contains this.
    Contains(String),
}

impl MockServerBuilder {
    /// Sets what answers and latencies are derived from.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Makes each answer take a time within `range`, which depends on the seed and on what was asked.
    #[must_use]
    pub fn with_latency(mut self, range: RangeInclusive<Duration>) -> Self {
        self.latency = Some(range);
        self
    }

    /// Answers at most `requests` in any stretch of time as long as `per`; more get a 429 that says when to come back.
    #[must_use]
    pub fn with_quota(mut self, requests: NonZeroU32, per: Duration) -> Self {
        self.quota = Some((requests, per));
        self
    }

    /// Answers `answer` when the last user message contains `when`. The first rule that fits is the one.
    #[must_use]
    pub fn with_answer(mut self, when: impl Into<String>, answer: impl Into<String>) -> Self {
        self.answers.push((when.into(), answer.into()));
        self
    }

    /// Lets the fault befall the request with number `nth`, from 1, in the order they arrive.
    #[must_use]
    pub fn with_fault(mut self, nth: u64, fault: Fault) -> Self {
        self.faults.push((When::Nth(nth), fault));
        self
    }

    /// Lets the fault befall every request whose last user message contains `when`.
    #[must_use]
    pub fn with_fault_when(mut self, when: impl Into<String>, fault: Fault) -> Self {
        self.faults.push((When::Contains(when.into()), fault));
        self
    }

    /// Starts the server: its tasks and timers run on `rt`, its connections come from `net`. Port 0 takes a free one.
    ///
    /// # Errors
    ///
    /// [`MockError::Bind`] when the address cannot be listened at.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the port again.
    pub async fn start(
        self,
        rt: &Rt,
        net: impl Net,
        address: SocketAddr,
    ) -> Result<MockServer, MockError> {
        let bind = |source| MockError::Bind { address, source };
        let listener = net.listen(address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let quota = self.quota.map(|(requests, per)| Quota::new(requests, per));
        let state = Arc::new(State::new(rt.clone(), self, quota));
        Ok(MockServer::serve(state, listener, address))
    }
}
