use fascine_message::Usage;

use crate::estimate::{answer, estimate};
use crate::{EmbedRequest, LimitedQuota, Request, TokenCounter};

/// What a request takes of each quota that a service knows by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    amounts: [u64; QUOTAS.len()],
}

/// The quotas a service knows, in the order of the amounts.
pub(crate) const QUOTAS: [(&str, LimitedQuota); 4] = [
    (REQUESTS, LimitedQuota::Requests),
    (TOKENS, LimitedQuota::Tokens),
    ("input_tokens", LimitedQuota::InputTokens),
    ("output_tokens", LimitedQuota::OutputTokens),
];

pub(crate) const REQUESTS: &str = "requests";
pub(crate) const TOKENS: &str = "tokens";

/// The position of a quota in [`QUOTAS`].
pub(crate) fn position(quota: LimitedQuota) -> Option<usize> {
    QUOTAS.iter().position(|(_, known)| *known == quota)
}

impl Cost {
    /// What a request may cost, as far as anybody can tell before it is answered.
    pub(crate) fn of(counter: &dyn TokenCounter, request: &Request) -> Self {
        let (tokens, output) = (estimate(counter, request), answer(request));
        Self::new(tokens.saturating_sub(output), output)
    }

    /// Embeddings are made of what is sent, and answer with nothing that is counted.
    pub(crate) fn of_embedding(counter: &dyn TokenCounter, request: &EmbedRequest) -> Self {
        let inputs = request.inputs.iter();
        Self::new(inputs.map(|text| counter.count(text)).sum(), 0)
    }

    /// A request of which the tokens are not counted.
    pub(crate) fn of_requests_alone() -> Self {
        Self::new(0, 0)
    }

    fn new(input: u64, output: u64) -> Self {
        Self {
            amounts: [1, input.saturating_add(output), input, output],
        }
    }

    /// What it did cost.
    pub(crate) fn of_usage(usage: Usage) -> Self {
        Self {
            amounts: [
                1,
                usage.total(),
                usage.prompt_tokens,
                usage.completion_tokens,
            ],
        }
    }

    /// As if it had been counted so.
    pub(crate) fn as_usage(&self) -> Usage {
        let [_, _, input, output] = self.amounts;
        Usage::new(input, output)
    }

    /// The amounts of those quotas that there are, by name.
    pub(crate) fn named(&self, there: [bool; QUOTAS.len()]) -> Named {
        let mut named = Named::default();
        for (index, (name, _)) in QUOTAS.iter().enumerate() {
            if there[index] {
                named.push(name, self.amounts[index]);
            }
        }
        named
    }

    pub(crate) fn amount(&self, index: usize) -> u64 {
        self.amounts[index]
    }
}

/// Names and amounts, as a limiter takes them, without memory of their own.
#[derive(Debug, Default)]
pub(crate) struct Named {
    entries: [(&'static str, u64); QUOTAS.len()],
    len: usize,
}

impl Named {
    pub(crate) fn push(&mut self, name: &'static str, amount: u64) {
        self.entries[self.len] = (name, amount);
        self.len += 1;
    }

    pub(crate) fn as_slice(&self) -> &[(&'static str, u64)] {
        &self.entries[..self.len]
    }
}
