//! Asking a model: mappings, limits, retries, errors.

mod mapping;
mod metering;
mod service;
mod streaming;
