//! Asking a model: mappings, limits, retries, errors.

mod anthropic_answers;
mod anthropic_caching;
mod anthropic_requests;
mod anthropic_thinking;
mod chaos;
mod errors;
mod fixtures;
mod gemini_answers;
mod gemini_requests;
mod mapping;
mod ollama;
mod openai_answers;
mod openai_calls;
mod openai_fixtures;
mod openai_requests;
mod providers;
mod recorded_answers;
mod responses_answers;
mod responses_requests;
mod round_trips;
mod service;
mod streaming;
