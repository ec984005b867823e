//! Retries, backoff and rate limits.

mod backoff;
mod circuit_breaker;
mod circuit_breaker_model;
mod rate_limiter;
mod retry;
