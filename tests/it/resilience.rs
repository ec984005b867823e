//! Retries, backoff and rate limits.

mod rate_limiter;
mod retry;
