//! Asking a model: mappings, limits, retries, errors.

mod chaos;
mod mapping;
mod service;
mod streaming;
