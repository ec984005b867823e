//! What the mappings have in common.

mod base_url;
mod error_body;
mod retry_after;

pub(crate) use base_url::BaseUrl;
pub(crate) use error_body::{api_error, stream_error};
