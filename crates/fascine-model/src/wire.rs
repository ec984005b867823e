//! What the mappings have in common.

mod arguments;
mod base_url;
mod call_id;
mod call_names;
mod checks;
mod error_body;
mod error_kind;
mod fields;
mod limit_headers;
mod object;
mod post;
mod retry_after;
mod retry_hint;
mod rfc3339;
mod span_text;
mod tool_schema;
mod whole;

pub(crate) use arguments::arguments;
pub(crate) use base_url::BaseUrl;
pub(crate) use call_id::{known, made_up};
pub(crate) use call_names::CallNames;
pub(crate) use checks::check;
pub(crate) use error_body::{api_error, stream_error};
pub(crate) use fields::{Fields, owned};
pub(crate) use limit_headers::{anthropic_limits, openai_limits};
pub(crate) use object::{Extended, Object, WriteFields};
pub(crate) use post::{EVENT_STREAM, JSON, NDJSON, post};
pub(crate) use tool_schema::schema_of_object;
pub(crate) use whole::is_whole;
