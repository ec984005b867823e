//! Asking a model: mappings, limits, retries, errors.

mod mapping;
mod service;
mod streaming;
