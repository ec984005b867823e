use std::sync::Arc;
use std::time::Duration;

use fascine_http::Transport;
use fascine_resilience::{Quota, QuotaError, RateLimiter, Retry};
use fascine_rt::Rt;

use crate::attempt::{REQUESTS, TOKENS};
use crate::service::Inner;
use crate::stats::Counters;
use crate::{ModelService, Provider};

/// The settings of a [`ModelService`].
///
/// # Defaults
///
/// - no limit on requests or tokens; where one is set, it holds for each minute
/// - 100 calls may wait
/// - 3 attempts, as [`Retry`] has them
/// - 60 s for each request
/// - answers of at most 32 MiB
#[derive(Debug)]
#[must_use = "settings do nothing until they are built"]
pub struct ModelServiceBuilder {
    rt: Rt,
    provider: Arc<dyn Provider>,
    transport: Arc<dyn Transport>,
    limit_requests: Option<u64>,
    limit_tokens: Option<u64>,
    capacity_refresh_time: Duration,
    queue_capacity: usize,
    retry: Retry,
    timeout: Duration,
    max_response_bytes: usize,
}

/// A setting makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
#[non_exhaustive]
pub struct BuildError {
    /// The setting.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl ModelServiceBuilder {
    pub(crate) fn new(rt: &Rt, provider: impl Provider, transport: impl Transport) -> Self {
        Self {
            rt: rt.clone(),
            provider: Arc::new(provider),
            transport: Arc::new(transport),
            limit_requests: None,
            limit_tokens: None,
            capacity_refresh_time: Duration::from_secs(60),
            queue_capacity: 100,
            retry: Retry::new(rt),
            timeout: Duration::from_secs(60),
            max_response_bytes: 32 * 1024 * 1024,
        }
    }

    /// Sends at most so many requests in any stretch of the capacity refresh time.
    pub fn limit_requests(mut self, requests: u64) -> Self {
        self.limit_requests = Some(requests);
        self
    }

    /// Uses at most so many tokens in any stretch of the capacity refresh time.
    pub fn limit_tokens(mut self, tokens: u64) -> Self {
        self.limit_tokens = Some(tokens);
        self
    }

    /// Sets the stretch of time the limits hold for.
    pub fn capacity_refresh_time(mut self, time: Duration) -> Self {
        self.capacity_refresh_time = time;
        self
    }

    /// Sets how many calls may wait for the limits; with 0 none waits.
    pub fn queue_capacity(mut self, capacity: usize) -> Self {
        self.queue_capacity = capacity;
        self
    }

    /// Sets how often and when failed requests are repeated.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Sets how long one request may take, its answer included; of a stream, until it begins. The wait for the limits
    /// does not count. `Duration::MAX` is no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how large an answer may be, in bytes.
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// Checks the settings and makes the service.
    ///
    /// # Errors
    ///
    /// [`BuildError`] names the setting that makes no sense.
    pub fn build(self) -> Result<ModelService, BuildError> {
        let invalid = |field, reason| Err(BuildError { field, reason });
        if self.timeout.is_zero() {
            return invalid("timeout", "is zero: no request could ever end in time");
        }
        if self.max_response_bytes == 0 {
            return invalid("max_response_bytes", "is zero: no answer would fit");
        }
        let limits = [
            ("limit_requests", REQUESTS, self.limit_requests),
            ("limit_tokens", TOKENS, self.limit_tokens),
        ];
        let mut quotas = Vec::new();
        for (field, name, limit) in limits {
            let Some(limit) = limit else { continue };
            match Quota::new(name, limit, self.capacity_refresh_time) {
                Ok(quota) => quotas.push(quota),
                Err(QuotaError::ZeroTime { .. }) => {
                    return invalid("capacity_refresh_time", "is zero");
                }
                Err(_) => return invalid(field, "is zero: no request would ever be sent"),
            }
        }
        let limits_tokens = self.limit_tokens.is_some();
        let limits_requests = self.limit_requests.is_some();
        let capacity = self.queue_capacity;
        let limiter = match RateLimiter::with_queue_capacity(&self.rt, quotas, capacity) {
            Ok(limiter) => limiter,
            Err(_) => return invalid("limit_requests", "and limit_tokens have one name"),
        };
        Ok(ModelService::new(Inner {
            rt: self.rt,
            provider: self.provider,
            transport: self.transport,
            limiter,
            limits_requests,
            limits_tokens,
            retry: self.retry,
            timeout: self.timeout,
            max_response_bytes: self.max_response_bytes,
            counters: Counters::default(),
        }))
    }
}
