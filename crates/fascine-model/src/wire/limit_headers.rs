use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, header};

use super::rfc3339::seconds_since_1970;
use super::span_text::{seconds_to_span, span};
use crate::{LimitHint, LimitedQuota};

/// Reads `x-ratelimit-*`, as OpenAI and most who speak its API send them.
pub(crate) fn openai_limits(headers: &HeaderMap) -> Vec<LimitHint> {
    let read = |(quota, names): &(LimitedQuota, [&str; 3])| hint(headers, *quota, *names, span);
    let requests = OPENAI_REQUESTS.iter().filter_map(read);
    let tokens = OPENAI_TOKENS.iter().filter_map(read);
    // All of them hold, so the one with the least left counts.
    let tightest = |hint: &LimitHint| hint.remaining.unwrap_or(u64::MAX);
    let both = [requests.min_by_key(tightest), tokens.min_by_key(tightest)];
    both.into_iter().flatten().collect()
}

/// Reads `anthropic-ratelimit-*`. Times are measured from the response's own `Date`, as with `Retry-After`.
pub(crate) fn anthropic_limits(headers: &HeaderMap) -> Vec<LimitHint> {
    let now = date(headers);
    let until = |then: &str| {
        let wait = seconds_since_1970(then)? - now?;
        seconds_to_span(wait.max(0.0))
    };
    let hints = ANTHROPIC.iter();
    let hints = hints.filter_map(|(quota, names)| hint(headers, *quota, *names, until));
    hints.collect()
}

/// How long until everything is there again that these headers say is used up.
pub(crate) fn exhausted_until(headers: &HeaderMap) -> Option<Duration> {
    let hints = [openai_limits(headers), anthropic_limits(headers)];
    let exhausted = hints
        .iter()
        .flatten()
        .filter(|hint| hint.remaining == Some(0));
    exhausted.filter_map(|hint| hint.reset).max()
}

/// What the headers with these names say: the limit, what remains, and when all of it is there again.
fn hint(
    headers: &HeaderMap,
    quota: LimitedQuota,
    [limit, remaining, reset]: [&str; 3],
    wait: impl Fn(&str) -> Option<Duration>,
) -> Option<LimitHint> {
    let hint = LimitHint {
        quota,
        limit: text(headers, limit).and_then(count),
        remaining: text(headers, remaining).and_then(count),
        reset: text(headers, reset).and_then(wait),
        period: None,
    };
    (hint != LimitHint::new(quota)).then_some(hint)
}

/// What is overdrawn counts as empty.
fn count(text: &str) -> Option<u64> {
    let count: f64 = text.parse().ok()?;
    (!count.is_nan()).then_some(count as u64)
}

fn date(headers: &HeaderMap) -> Option<f64> {
    let date = httpdate::parse_http_date(text(headers, header::DATE.as_str())?).ok()?;
    Some(date.duration_since(UNIX_EPOCH).ok()?.as_secs_f64())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

const OPENAI_REQUESTS: [(LimitedQuota, [&str; 3]); 2] = [
    (
        LimitedQuota::Requests,
        [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
    ),
    (
        LimitedQuota::Requests,
        [
            "x-ratelimit-limit-requests_usage_based",
            "x-ratelimit-remaining-requests_usage_based",
            "x-ratelimit-reset-requests_usage_based",
        ],
    ),
];

const OPENAI_TOKENS: [(LimitedQuota, [&str; 3]); 2] = [
    (
        LimitedQuota::Tokens,
        [
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ],
    ),
    (
        LimitedQuota::Tokens,
        [
            "x-ratelimit-limit-tokens_usage_based",
            "x-ratelimit-remaining-tokens_usage_based",
            "x-ratelimit-reset-tokens_usage_based",
        ],
    ),
];

const ANTHROPIC: [(LimitedQuota, [&str; 3]); 4] = [
    (
        LimitedQuota::Requests,
        [
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ],
    ),
    (
        LimitedQuota::Tokens,
        [
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-tokens-reset",
        ],
    ),
    (
        LimitedQuota::InputTokens,
        [
            "anthropic-ratelimit-input-tokens-limit",
            "anthropic-ratelimit-input-tokens-remaining",
            "anthropic-ratelimit-input-tokens-reset",
        ],
    ),
    (
        LimitedQuota::OutputTokens,
        [
            "anthropic-ratelimit-output-tokens-limit",
            "anthropic-ratelimit-output-tokens-remaining",
            "anthropic-ratelimit-output-tokens-reset",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter().map(|(name, value)| {
            let value = http::HeaderValue::from_static(value);
            (http::HeaderName::from_static(name), value)
        });
        lines.collect()
    }

    #[test]
    fn limits_are_read_as_anthropic_sends_them() {
        let headers = headers(&[
            ("date", "Sun, 01 Mar 2026 12:30:00 GMT"),
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-03-01T12:30:01Z"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            (
                "anthropic-ratelimit-input-tokens-reset",
                "2026-03-01T12:31:00.5Z",
            ),
            (
                "anthropic-ratelimit-output-tokens-reset",
                "2026-03-01T12:00:00Z",
            ),
            ("anthropic-ratelimit-tokens-limit", "many"),
        ]);
        let hints = anthropic_limits(&headers);
        let quotas: Vec<_> = hints.iter().map(|hint| (hint.quota, hint.reset)).collect();
        let expected = [
            (LimitedQuota::Requests, Some(Duration::from_secs(1))),
            (
                LimitedQuota::InputTokens,
                Some(Duration::from_millis(60_500)),
            ),
            (LimitedQuota::OutputTokens, Some(Duration::ZERO)),
        ];
        assert_eq!(quotas, expected);
        assert_eq!((hints[0].limit, hints[0].remaining), (Some(50), Some(49)));
        let exhausted = Some(Duration::from_millis(60_500));
        assert_eq!(exhausted_until(&headers), exhausted);
    }

    #[test]
    fn a_time_without_a_date_to_measure_it_from_is_no_hint() {
        let headers = headers(&[("anthropic-ratelimit-tokens-reset", "2026-03-01T12:30:01Z")]);
        assert_eq!(anthropic_limits(&headers), []);
    }

    #[test]
    fn of_two_limits_on_tokens_the_tighter_counts() {
        let headers = headers(&[
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-limit-tokens_usage_based", "1000"),
            ("x-ratelimit-remaining-tokens_usage_based", "-3"),
            ("x-ratelimit-reset-tokens_usage_based", "6m0s"),
        ]);
        let [hint] = openai_limits(&headers)[..] else {
            panic!("there is one quota")
        };
        assert_eq!((hint.limit, hint.remaining), (Some(1000), Some(0)));
        assert_eq!(exhausted_until(&headers), Some(Duration::from_secs(360)));
    }
}
