//! What the mappings have in common.

mod arguments;
mod base_url;
mod beginning;
mod call_id;
mod call_names;
mod checks;
mod endpoint;
mod entries;
mod environment;
mod error_body;
mod error_kind;
mod fields;
mod lenient;
mod limit_headers;
mod open_object;
mod retry_after;
mod retry_hint;
mod rfc3339;
mod span_text;
mod tool_schema;
mod whole;

pub(crate) use arguments::arguments;
pub(crate) use beginning::Beginning;
pub(crate) use call_id::{known, made_up};
pub(crate) use call_names::CallNames;
pub(crate) use checks::check;
pub(crate) use endpoint::Endpoint;
pub(crate) use entries::{Entries, Number};
pub(crate) use environment::base_url_from_env;
pub(crate) use error_body::{api_error, stream_error};
pub(crate) use fields::{Fields, owned};
pub(crate) use lenient::{Count, Text};
pub(crate) use limit_headers::{anthropic_limits, openai_limits};
pub(crate) use open_object::{Known, OpenObject, Rest, open_objects};
pub(crate) use tool_schema::schema_of_object;
pub(crate) use whole::is_whole;
