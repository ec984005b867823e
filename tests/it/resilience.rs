//! Retries, backoff, circuit breakers and rate limits.

mod backoff;
mod circuit_breaker;
mod circuit_breaker_model;
mod half_open;
mod rate_limiter;
mod retry;
mod retry_forms;
