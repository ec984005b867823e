//! How many tokens something is.

mod estimated;
#[cfg(feature = "tiktoken")]
mod openai;

use std::fmt;

use fascine_message::{Media, MediaSource, Message, Part};

use crate::{OutputFormat, Request};

pub use estimated::EstimatedTokens;
#[cfg(feature = "tiktoken")]
pub use openai::OpenAiTokens;

/// Counts the tokens of texts, and of what is made of texts.
///
/// [`EstimatedTokens`] needs nothing; `OpenAiTokens`, with the feature `tiktoken`, is exact for the texts of the OpenAI
/// families. What a service counts before it asks is what it reserves; what the provider counts replaces it.
pub trait TokenCounter: fmt::Debug + Send + Sync + 'static {
    /// Counts a text.
    fn count(&self, text: &str) -> u64;

    /// A number by which messages remember what this counter made of them: the same for counters that count alike,
    /// another for all others.
    fn id(&self) -> u64;

    /// Counts a part of a message. Pictures and the like are taken for what they are at most, roughly.
    fn count_part(&self, part: &Part) -> u64 {
        match part {
            Part::Audio(media) | Part::Document(media) => media_tokens(media),
            Part::CacheMark { .. } => 0,
            Part::Image(_) => IMAGE,
            Part::Other { value, .. } => self.count(&value.to_string()),
            Part::Reasoning(reasoning) => self.count(&reasoning.text),
            Part::Text { text } => self.count(text),
            Part::ToolCall(call) => self.count(&call.name) + self.count(&call.arguments) + FRAME,
            Part::ToolResult(result) => self.count(&result.text) + FRAME,
            _ => 0,
        }
    }

    /// Counts a message, once: it remembers.
    fn count_message(&self, message: &Message) -> u64 {
        message.tokens(self.id(), |message| {
            let parts = message.content().iter();
            parts.map(|part| self.count_part(part)).sum::<u64>() + FRAME
        })
    }

    /// Counts what a request sends: its messages, its tools, the schema of its answer.
    fn count_request(&self, request: &Request) -> u64 {
        let messages = request.messages.iter();
        let tools = request.tools.iter().map(|tool| {
            let parameters = tool.parameters.to_string();
            self.count(&tool.name) + self.count(&tool.description) + self.count(&parameters) + FRAME
        });
        let schema = match &request.output {
            OutputFormat::Schema(output) => self.count(&output.schema.to_string()) + FRAME,
            _ => 0,
        };
        messages
            .map(|message| self.count_message(message))
            .chain(tools)
            .chain([schema])
            .sum()
    }
}

/// A page or a second of what cannot be read as text is some hundreds of tokens: one for so many bytes.
fn media_tokens(media: &Media) -> u64 {
    match &media.source {
        MediaSource::Base64(data) => (data.len() as u64 / 4 * 3).div_ceil(BYTES).max(IMAGE),
        _ => IMAGE,
    }
}

/// What a provider puts round a message, a call, a tool: role, name, marks.
const FRAME: u64 = 4;
/// A picture of 1024 by 1024 in detail, with OpenAI's larger models: 85 and four tiles of 170.
const IMAGE: u64 = 765;
const BYTES: u64 = 50;
