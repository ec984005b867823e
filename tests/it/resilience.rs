//! Retries, backoff and rate limits.

mod bulkhead;
mod fallback;
mod load_shed;
mod rate_limiter;
mod retry;
mod timeout;
