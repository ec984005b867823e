//! Asking a model: mappings, limits, retries, errors.

mod errors;
mod fixtures;
mod mapping;
mod openai_answers;
mod openai_calls;
mod openai_fixtures;
mod openai_requests;
mod responses_answers;
mod responses_requests;
mod service;
mod streaming;
