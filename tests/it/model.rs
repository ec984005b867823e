//! Asking a model: mappings, limits, retries, errors.

mod errors;
mod fixtures;
mod mapping;
mod openai_answers;
mod openai_fixtures;
mod openai_requests;
mod responses;
mod service;
mod streaming;
