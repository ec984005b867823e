//! Text between marks.

use fascine_message::{Message, Part, Role};

use super::loss::{Converted, Losses, OnLoss};
use super::{Transcript, TranscriptError};

impl Transcript {
    /// Writes ChatML: each message as `<|im_start|>role`, a line break, its text, `<|im_end|>`, and a line break.
    ///
    /// # Errors
    ///
    /// [`TranscriptError::Lossy`] when something would be lost that is not to be: all that is no text.
    /// [`TranscriptError::Invalid`] when a text has one of the marks in it: whoever reads it would take it for somebody
    /// else's.
    pub fn to_chatml(&self, on_loss: OnLoss) -> Result<Converted<String>, TranscriptError> {
        let mut losses = Losses::new(on_loss);
        let mut written = String::new();
        if let Some(system) = &self.system {
            check(0, system)?;
            push(&mut written, Role::System, system);
        }
        for (index, message) in self.messages.iter().enumerate() {
            let mut text = String::new();
            for (position, part) in message.content().iter().enumerate() {
                let lost = match part {
                    Part::Text { text: said } if message.role() != Role::Tool => {
                        text.push_str(said);
                        continue;
                    }
                    Part::ToolCall(_) => "a tool call",
                    Part::Text { .. } | Part::ToolResult(_) => "what a tool said",
                    _ => "a part that is no text",
                };
                losses.add(index, format!("content[{position}]"), lost)?;
            }
            check(index, &text)?;
            if message.role() != Role::Tool {
                push(&mut written, message.role(), &text);
            }
        }
        Ok(losses.with(written))
    }

    /// Reads ChatML. A first message of the system is the system prompt; a last message that has only begun, as prompts
    /// for a model end, is none.
    ///
    /// # Errors
    ///
    /// [`TranscriptError::Invalid`] when there is something else than messages, a message does not end, or says by whom it
    /// is in another word than `system`, `user` and `assistant`.
    pub fn from_chatml(text: &str) -> Result<Self, TranscriptError> {
        let mut messages = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let index = messages.len();
            let invalid = |field, reason| Err(TranscriptError::invalid(index, field, reason));
            let Some(message) = rest.strip_prefix(START) else {
                return invalid(
                    "role",
                    "is missing: the message does not begin with `<|im_start|>`",
                );
            };
            let (role, after) = message.split_once('\n').unwrap_or((message, ""));
            let role = match role.trim() {
                "assistant" => Role::Assistant,
                "system" => Role::System,
                "user" => Role::User,
                _ => return invalid("role", "is neither system, user nor assistant"),
            };
            match after.split_once(END) {
                Some((said, _)) if said.contains(START) => {
                    return invalid("content", "does not end before the next message begins");
                }
                Some((said, after)) => {
                    messages.push(Message::new(role, vec![Part::text(said)]));
                    rest = after.trim_start();
                }
                None if after.trim().is_empty() => break,
                None => return invalid("content", "does not end with `<|im_end|>`"),
            }
        }
        Ok(Self::with_leading_system(messages))
    }
}

fn push(written: &mut String, role: Role, text: &str) {
    written.extend([START, role.as_str(), "\n", text, END, "\n"]);
}

/// A text cannot hold what ends it.
fn check(index: usize, text: &str) -> Result<(), TranscriptError> {
    let mark = [START, END].into_iter().find(|mark| text.contains(mark));
    match mark {
        None => Ok(()),
        Some(mark) => {
            let reason = format!("has the mark `{mark}` in it");
            Err(TranscriptError::invalid(index, "content", reason))
        }
    }
}

const START: &str = "<|im_start|>";
const END: &str = "<|im_end|>";
