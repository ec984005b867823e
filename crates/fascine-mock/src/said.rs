use crate::answer::{Answer, ToolCall};
use crate::ask::{Ask, ToolChoice};
use crate::hash::hash;
use crate::sample;

/// The answer to one request, with all that the forms of the APIs need.
#[derive(Debug)]
pub(crate) struct Said {
    /// Sixteen hexadecimal digits that depend on the seed and on what was asked.
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) reasoning: String,
    pub(crate) tool_calls: Vec<ToolCall>,
    /// The text was cut off at the limit of the request.
    pub(crate) is_cut: bool,
    pub(crate) prompt_tokens: u64,
    /// Of the whole answer, reasoning included.
    pub(crate) completion_tokens: u64,
    pub(crate) reasoning_tokens: u64,
}

impl Said {
    /// Answers by the first rule that fits, or else by what the request demands.
    pub(crate) fn new(rules: &[(String, Answer)], seed: u64, ask: &Ask) -> Self {
        let rule = rules.iter().find(|(when, _)| ask.asked.contains(when));
        let mut answer = match rule {
            Some((_, answer)) => answer.clone(),
            None => unruled(seed, ask),
        };
        let limit = ask.max_tokens.map_or(usize::MAX, |tokens| {
            usize::try_from(tokens.saturating_mul(4)).unwrap_or(usize::MAX)
        });
        let cut = answer.text.char_indices().nth(limit).map(|(at, _)| at);
        if let Some(at) = cut {
            answer.text.truncate(at);
        }
        let calls: u64 = answer
            .tool_calls
            .iter()
            .map(|call| tokens(&call.name) + tokens(&call.arguments.to_string()))
            .sum();
        let reasoning_tokens = tokens(&answer.reasoning);
        Self {
            id: format!("{:016x}", hash(seed, &ask.asked)),
            completion_tokens: (tokens(&answer.text) + reasoning_tokens + calls).max(1),
            reasoning_tokens,
            prompt_tokens: ask.prompt_tokens,
            is_cut: cut.is_some(),
            text: answer.text,
            reasoning: answer.reasoning,
            tool_calls: answer.tool_calls,
        }
    }

    pub(crate) fn total_tokens(&self) -> u64 {
        self.prompt_tokens + self.completion_tokens
    }

    /// The name of the call with this index.
    pub(crate) fn call_id(&self, index: usize) -> String {
        format!("call_{}_{index}", self.id)
    }

    /// The text in the pieces that a stream sends: words.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        self.text.split_inclusive(' ')
    }

    pub(crate) fn thoughts(&self) -> impl Iterator<Item = &str> {
        self.reasoning.split_inclusive(' ')
    }
}

/// The arguments of a call in the pieces that a stream sends, a few characters each.
pub(crate) fn fragments(arguments: &str) -> impl Iterator<Item = &str> {
    let mut rest = arguments;
    std::iter::from_fn(move || {
        let at = rest
            .char_indices()
            .nth(FRAGMENT)
            .map_or(rest.len(), |(at, _)| at);
        let (piece, left) = rest.split_at(at);
        rest = left;
        (!piece.is_empty()).then_some(piece)
    })
}

fn unruled(seed: u64, ask: &Ask) -> Answer {
    let forced = match &ask.tool_choice {
        ToolChoice::Auto | ToolChoice::None => None,
        ToolChoice::Named(name) => ask.tools.iter().find(|tool| tool.name == *name),
        ToolChoice::Required => ask.tools.first(),
    };
    let words = ask.asked.split_whitespace().count();
    let mut answer = match (forced, &ask.schema) {
        (Some(tool), _) => Answer::default().with_tool_call(&tool.name, sample::of(&tool.schema)),
        (None, Some(schema)) => Answer::new(sample::of(schema).to_string()),
        (None, None) => {
            let opening = OPENINGS[(hash(seed, &ask.asked) % OPENINGS.len() as u64) as usize];
            let first: Vec<&str> = ask.asked.split_whitespace().take(8).collect();
            let first = first.join(" ");
            Answer::new(format!(
                "{opening} {words} words that begin with \"{first}\"."
            ))
        }
    };
    if ask.reasoning {
        answer.reasoning = format!("There are {words} words to think about.");
    }
    answer
}

fn tokens(text: &str) -> u64 {
    (text.chars().count() as u64).div_ceil(4)
}

const OPENINGS: [&str; 4] = [
    "This is about",
    "I was asked",
    "The question has",
    "Here are",
];
/// Characters in a fragment of a call's arguments.
const FRAGMENT: usize = 7;
