//! What the mappings have in common.

mod arguments;
mod base_url;
mod call_id;
mod call_names;
mod checks;
mod error_body;
mod fields;
mod object;
mod post;
mod retry_after;

pub(crate) use arguments::arguments;
pub(crate) use base_url::BaseUrl;
pub(crate) use call_id::{known, made_up};
pub(crate) use call_names::CallNames;
pub(crate) use checks::check;
pub(crate) use error_body::{api_error, stream_error};
pub(crate) use fields::{Fields, owned};
pub(crate) use object::{Extended, Object, WriteFields};
pub(crate) use post::{EVENT_STREAM, JSON, NDJSON, post};
