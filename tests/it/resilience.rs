//! Retries, backoff and rate limits.

mod backoff;
mod circuit_breaker;
mod rate_limiter;
mod retry;
