//! Retries, backoff and rate limits.

mod adaptive_limit;
mod backoff;
mod bulkhead;
mod fallback;
mod hedge;
mod load_shed;
mod pipeline;
mod rate_limiter;
mod retry;
mod timeout;
