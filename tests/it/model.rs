//! Asking a model: mappings, limits, retries, errors.

mod anthropic_answers;
mod anthropic_requests;
mod errors;
mod fixtures;
mod mapping;
mod openai_fixtures;
mod recorded_answers;
mod service;
mod streaming;
