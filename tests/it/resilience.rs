//! Retries, backoff and rate limits.
