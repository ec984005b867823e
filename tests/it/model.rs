//! Asking a model: mappings, limits, retries, errors.

mod mapping;
mod metering;
mod script;
mod service;
mod service_everywhere;
mod service_lifecycle;
mod service_policies;
mod service_promises;
mod service_steering;
mod service_stream;
mod service_telling;
mod streaming;
