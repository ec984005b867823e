use std::time::Instant;

use crate::Api;
use crate::clock::{Clock, go_duration};
use crate::quota::{Level, Standing};
use crate::reply::Reply;

/// Adds what this API tells its callers about their quota.
pub(crate) fn add(reply: &mut Reply, api: Api, standing: Standing, clock: &Clock, now: Instant) {
    match api {
        Api::Anthropic => {
            if let Some(level) = standing.requests {
                let names = [
                    "anthropic-ratelimit-requests-limit",
                    "anthropic-ratelimit-requests-remaining",
                    "anthropic-ratelimit-requests-reset",
                ];
                set(reply, names, level, &clock.rfc3339(now + level.reset));
            }
            if let Some(level) = standing.tokens {
                let names = [
                    "anthropic-ratelimit-tokens-limit",
                    "anthropic-ratelimit-tokens-remaining",
                    "anthropic-ratelimit-tokens-reset",
                ];
                set(reply, names, level, &clock.rfc3339(now + level.reset));
            }
        }
        Api::OpenAi | Api::OpenAiResponses => {
            if let Some(level) = standing.requests {
                let names = [
                    "x-ratelimit-limit-requests",
                    "x-ratelimit-remaining-requests",
                    "x-ratelimit-reset-requests",
                ];
                set(reply, names, level, &go_duration(level.reset));
            }
            if let Some(level) = standing.tokens {
                let names = [
                    "x-ratelimit-limit-tokens",
                    "x-ratelimit-remaining-tokens",
                    "x-ratelimit-reset-tokens",
                ];
                set(reply, names, level, &go_duration(level.reset));
            }
        }
        // Gemini says it in the body of a refusal, Ollama has none.
        Api::Gemini | Api::Ollama => {}
    }
}

fn set(reply: &mut Reply, names: [&'static str; 3], level: Level, reset: &str) {
    let [limit, remaining, until] = names;
    reply.set(limit, level.limit);
    reply.set(remaining, level.remaining);
    reply.set_text(until, reset);
}
