//! Asking a model: mappings, limits, retries, errors.

mod chaos;
mod errors;
mod fixtures;
mod mapping;
mod openai_answers;
mod openai_fixtures;
mod openai_requests;
mod responses;
mod service;
mod streaming;
