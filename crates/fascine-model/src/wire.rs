//! What the mappings have in common.

mod base_url;
mod beginning;
mod endpoint;
mod entries;
mod error_body;
mod error_kind;
mod lenient;
mod limit_headers;
mod open_object;
mod retry_after;
mod retry_hint;
mod rfc3339;
mod span_text;

#[expect(unused_imports, reason = "for the mappings of the other APIs")]
pub(crate) use {base_url::BaseUrl, limit_headers::anthropic_limits};

pub(crate) use beginning::Beginning;
pub(crate) use endpoint::Endpoint;
pub(crate) use entries::{Entries, Number};
pub(crate) use error_body::{api_error, stream_error};
pub(crate) use lenient::{Count, Text};
pub(crate) use limit_headers::openai_limits;
pub(crate) use open_object::{Known, OpenObject, Rest, open_objects};
