//! Retries, backoff and rate limits.

mod adaptive_limit;
mod bulkhead;
mod fallback;
mod hedge;
mod load_shed;
mod rate_limiter;
mod retry;
mod timeout;
