use crate::{Request, TokenCounter};

/// How many tokens a request may cost: what it sends, and the longest answer.
///
/// It is what is reserved before anybody knows; the provider's count replaces it.
pub(crate) fn estimate(counter: &dyn TokenCounter, request: &Request) -> u64 {
    let sent = counter.count_request(request);
    sent.saturating_add(answer(request))
}

/// How long the longest answer may be, in tokens.
pub(crate) fn answer(request: &Request) -> u64 {
    u64::from(request.max_tokens.unwrap_or(ANSWER))
}

/// What an answer without a limit is taken to be.
const ANSWER: u32 = 256;
