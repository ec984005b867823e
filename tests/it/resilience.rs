//! Retries, backoff and rate limits.

mod rate_limiter;
mod rate_limiter_laws;
mod rate_limiter_queue;
mod rate_limiter_settings;
mod retry;
