//! Asking a model: mappings, limits, retries, errors.
