//! What the mappings have in common.

mod base_url;
mod error_body;
mod error_kind;
mod limit_headers;
mod retry_after;
mod retry_hint;
mod rfc3339;
mod span_text;

pub(crate) use base_url::BaseUrl;
pub(crate) use error_body::{api_error, stream_error};
#[expect(unused_imports, reason = "for the mapping of Anthropic's API")]
pub(crate) use limit_headers::anthropic_limits;
pub(crate) use limit_headers::openai_limits;
