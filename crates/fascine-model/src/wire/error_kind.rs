use serde_json::Value;

use crate::ApiErrorKind;

/// What is known of an error.
pub(super) struct Evidence<'a> {
    /// The status, or the number that stands for it.
    pub(super) status: Option<u16>,
    /// The provider's codes, the most telling first.
    pub(super) words: Vec<&'a str>,
    pub(super) message: &'a str,
    /// `details` of the error, as Google and Anthropic have them.
    pub(super) details: Option<&'a Value>,
}

/// What an error comes to. What makes waiting useless is looked for first, and a status says less than any word.
pub(super) fn kind(evidence: &Evidence<'_>) -> ApiErrorKind {
    let mut words = evidence.words.clone();
    words.extend(words_of_details(evidence.details));
    let kinds: Vec<_> = words.iter().filter_map(|word| kind_of_word(word)).collect();
    let message = evidence.message.to_lowercase();
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| message.contains(phrase));
    let of_status = evidence.status.map(ApiErrorKind::of_status);
    let limited = of_status == Some(ApiErrorKind::RateLimited);

    let used_up = kinds.contains(&ApiErrorKind::QuotaExhausted);
    if used_up || is_daily(evidence.details) || says(&QUOTA_PHRASES) {
        ApiErrorKind::QuotaExhausted
    } else if let Some(kind) = kinds.first() {
        *kind
    } else if !limited && says(&CONTEXT_PHRASES) {
        ApiErrorKind::ContextLength
    } else if !limited && says(&KEY_PHRASES) {
        ApiErrorKind::Authentication
    } else if says(&MISTAKE_PHRASES) {
        ApiErrorKind::InvalidRequest
    } else if let Some(kind) = of_status.filter(|kind| *kind != ApiErrorKind::Unknown) {
        kind
    } else {
        let vague = words.iter().find_map(|word| kind_of_vague_word(word));
        vague.unwrap_or(ApiErrorKind::Unknown)
    }
}

/// The status that an error without one would have had.
pub(super) fn likely_status(number: Option<u16>, kind: ApiErrorKind) -> u16 {
    if let Some(status) = number.filter(|status| (400..600).contains(status)) {
        return status;
    }
    match kind {
        ApiErrorKind::Authentication => 401,
        ApiErrorKind::ContentFilter
        | ApiErrorKind::ContextLength
        | ApiErrorKind::InvalidRequest => 400,
        ApiErrorKind::NotFound => 404,
        ApiErrorKind::Overloaded => 503,
        ApiErrorKind::Permission => 403,
        ApiErrorKind::QuotaExhausted | ApiErrorKind::RateLimited => 429,
        ApiErrorKind::Server | ApiErrorKind::Unknown => 500,
        ApiErrorKind::Timeout => 504,
    }
}

/// Words that say more than the status.
fn kind_of_word(word: &str) -> Option<ApiErrorKind> {
    Some(match word {
        "API_KEY_INVALID"
        | "UNAUTHENTICATED"
        | "authentication_error"
        | "invalid_api_key"
        | "unauthorized" => ApiErrorKind::Authentication,
        "ResponsibleAIPolicyViolation"
        | "content_filter"
        | "content_policy_violation"
        | "moderation_blocked" => ApiErrorKind::ContentFilter,
        "context_length_exceeded"
        | "exceed_context_size_error"
        | "prompt_too_long"
        | "model_context_window_exceeded" => ApiErrorKind::ContextLength,
        "DeploymentNotFound"
        | "NOT_FOUND"
        | "model_decommissioned"
        | "model_not_found"
        | "not_found_error" => ApiErrorKind::NotFound,
        "UNAVAILABLE"
        | "engine_overloaded"
        | "overloaded"
        | "overloaded_error"
        | "server_is_overloaded"
        | "service_unavailable"
        | "slow_down" => ApiErrorKind::Overloaded,
        "PERMISSION_DENIED"
        | "permission_denied"
        | "permission_error"
        | "unsupported_country_region_territory" => ApiErrorKind::Permission,
        "billing_error"
        | "billing_hard_limit_reached"
        | "billing_not_active"
        | "enforced_spend_limit_reached"
        | "insufficient_balance"
        | "insufficient_credits"
        | "insufficient_quota"
        | "payment_required" => ApiErrorKind::QuotaExhausted,
        "RESOURCE_EXHAUSTED"
        | "rate_limit_error"
        | "rate_limit_exceeded"
        | "rate_limited"
        | "too_many_requests" => ApiErrorKind::RateLimited,
        "DEADLINE_EXCEEDED" | "timeout" | "timeout_error" => ApiErrorKind::Timeout,
        _ => return None,
    })
}

/// Words that say no more than a status would.
fn kind_of_vague_word(word: &str) -> Option<ApiErrorKind> {
    Some(match word {
        "FAILED_PRECONDITION"
        | "INVALID_ARGUMENT"
        | "bad_request"
        | "invalid-argument"
        | "invalid_prompt"
        | "invalid_request_error" => ApiErrorKind::InvalidRequest,
        "INTERNAL" | "api_error" | "internal_error" | "internal_server_error" | "server_error" => {
            ApiErrorKind::Server
        }
        _ => return None,
    })
}

/// `{"error_code": ..}`, or a list of objects with a `reason`.
fn words_of_details(details: Option<&Value>) -> Vec<&str> {
    let own = details.and_then(|details| details.get("error_code"));
    let list = details.and_then(Value::as_array).into_iter().flatten();
    let reasons = list.filter_map(|detail| detail.get("reason"));
    own.into_iter()
        .chain(reasons)
        .filter_map(Value::as_str)
        .collect()
}

/// Google names the quota: one for each day is used up for today, however short the wait that is given with it.
fn is_daily(details: Option<&Value>) -> bool {
    let list = details.and_then(Value::as_array).into_iter().flatten();
    let violations = list.filter_map(|detail| detail.get("violations")?.as_array());
    let ids = violations
        .flatten()
        .filter_map(|violation| violation.get("quotaId")?.as_str());
    ids.into_iter().any(|id| id.contains("PerDay"))
}

/// Those whose codes do not say that the money is used up.
const QUOTA_PHRASES: [&str; 6] = [
    "credit balance is too low",
    "billing hard limit",
    "insufficient balance",
    "insufficient credits",
    "spend limit",
    "spending limit",
];

/// Those whose codes do not say that the conversation is too long.
const CONTEXT_PHRASES: [&str; 10] = [
    "maximum context length",
    "maximum prompt length",
    "context window",
    "context limit",
    "context size",
    "greater than the context length",
    "exceeds the maximum number of tokens",
    "input is too long",
    "prompt is too long",
    "reduce the length of the messages",
];

/// Those who answer 400 to a wrong key.
const KEY_PHRASES: [&str; 3] = ["api key not valid", "incorrect api key", "invalid api key"];

/// Those who answer 500 to a request that the server was not started for.
const MISTAKE_PHRASES: [&str; 1] = ["requires --jinja"];
