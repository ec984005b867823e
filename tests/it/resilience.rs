//! Retries, backoff and rate limits.

mod backoff;
mod rate_limiter;
mod retry;
