//! Asking a model: mappings, limits, retries, errors; and models around models.

mod cache;
mod fallback;
mod hedged;
mod mapping;
mod scripted;
mod service;
mod single_flight;
mod streaming;
