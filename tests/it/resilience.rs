//! Retries, backoff, circuit breakers and rate limits.

mod adaptive_limit;
mod backoff;
mod breakers;
mod bulkhead;
mod circuit_breaker;
mod circuit_breaker_model;
mod elsewhere;
mod fallback;
mod half_open;
mod hedge;
mod keyed_rate_limiter;
mod load_shed;
mod pipeline;
mod quotas;
mod rate_limiter;
mod rate_limiter_laws;
mod rate_limiter_queue;
mod rate_limiter_settings;
mod reserve;
mod retries;
mod retry;
mod retry_forms;
mod timeout;
mod tower;
