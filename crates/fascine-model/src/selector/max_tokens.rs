use crate::Request;
use crate::selector::words;

/// How long an answer may be, in tokens, by the length of the last message of the user: 500 under 10 words, 1500 under
/// 50, 4000 from there on.
///
/// For [`ModelSelector::with_max_tokens`](crate::ModelSelector::with_max_tokens). Its source is the performance guide of
/// Atomic Agents. Not for models whose thoughts count as part of the answer.
///
/// ```
/// use fascine_message::Message;
/// use fascine_model::{Request, max_tokens_for};
///
/// assert_eq!(max_tokens_for(&Request::new([Message::user("What is Rust?")])), 500);
/// ```
#[must_use]
pub fn max_tokens_for(request: &Request) -> u32 {
    match words::words_of(request) {
        0..10 => 500,
        10..50 => 1500,
        _ => 4000,
    }
}
