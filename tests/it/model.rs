//! Asking a model: mappings, limits, retries, errors.

mod errors;
mod fixtures;
mod mapping;
mod openai_fixtures;
mod service;
mod streaming;
