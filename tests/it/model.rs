//! Asking a model: mappings, limits, retries, errors; and models around models.

mod cache;
mod disk_cache;
mod fallback;
mod folder;
mod hedged;
mod mapping;
mod pool;
mod recorded;
mod scripted;
mod selector;
mod service;
mod single_flight;
mod stacked;
mod streaming;
