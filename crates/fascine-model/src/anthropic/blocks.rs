use fascine_message::{Part, Reasoning};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::NAME;
use super::reading::more;
use super::streaming::Delta;
use crate::wire::{Fields, TextOrValue, UnknownFields, own_part, owned, owned_fields};
use crate::{Chunk, FinishReason};

/// The blocks of an answer that is still being made; several may be open at once.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    open: Vec<(u64, Block)>,
    calls: usize,
    /// The block that the last part of the answer belongs to, if more of its kind would go into the same part.
    last: Option<(u64, Growing)>,
    /// The blocks of text and thoughts that have said something.
    said: Vec<u64>,
    pub(super) unknown: UnknownFields,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growing {
    Text,
    Thinking,
}

#[derive(Debug)]
enum Block {
    Call {
        index: usize,
        /// What it began with, until there is more.
        input: Option<String>,
        more: Map<String, Value>,
    },
    Other {
        fields: Map<String, Value>,
        input: String,
    },
    Text {
        citations: Vec<Value>,
        more: Map<String, Value>,
    },
    Thinking {
        more: Map<String, Value>,
    },
}

impl Blocks {
    pub(super) fn start(&mut self, number: u64, block: &RawValue, chunks: &mut Vec<Chunk>) {
        self.stop(number, chunks);
        let mut fields: Fields<'_> = serde_json::from_str(block.get()).unwrap_or_default();
        let block = match fields.take_text("type").as_str() {
            "text" => {
                self.text(number, fields.take_text("text"), chunks);
                Block::Text {
                    citations: fields.take("citations").unwrap_or_default(),
                    more: owned_fields(fields.rest()),
                }
            }
            "thinking" => {
                let (text, seal) = (fields.take_text("thinking"), fields.take_text("signature"));
                self.thought(number, text, seal, chunks);
                Block::Thinking {
                    more: owned_fields(fields.rest()),
                }
            }
            "redacted_thinking" => {
                let data = fields.take_text("data");
                let reasoning = Reasoning::default().with_encrypted(data);
                self.said.push(number);
                self.part(Part::Reasoning(reasoning.with_provider(NAME)), chunks);
                Block::Thinking {
                    more: owned_fields(fields.rest()),
                }
            }
            "tool_use" => {
                self.last = None;
                let index = self.calls;
                self.calls += 1;
                chunks.push(Chunk::ToolCall {
                    index,
                    id: fields.take("id"),
                    name: fields.take("name"),
                    arguments: String::new(),
                });
                let input = fields.take::<&RawValue>("input").map(RawValue::get);
                Block::Call {
                    index,
                    input: Some(input.unwrap_or("{}").to_owned()),
                    more: owned_fields(fields.rest()),
                }
            }
            _ => match owned(block) {
                Value::Object(fields) => Block::Other {
                    fields,
                    input: String::new(),
                },
                value => return self.part(own_part(NAME, value), chunks),
            },
        };
        self.open.push((number, block));
    }

    /// Takes more of a block; what is unknown is skipped.
    ///
    /// # Errors
    ///
    /// The reason, when it belongs to a block that has not begun.
    pub(super) fn delta(
        &mut self,
        number: u64,
        delta: Delta<'_>,
        chunks: &mut Vec<Chunk>,
    ) -> Result<(), &'static str> {
        self.unknown
            .of_whole(&["events", "content_block_delta", "delta"], delta.rest);
        match delta.kind.or_empty() {
            "text_delta" => self.text(number, text(delta.text)?, chunks),
            "thinking_delta" => {
                self.thought(number, text(delta.thinking)?, String::new(), chunks);
            }
            "signature_delta" => {
                self.thought(number, String::new(), text(delta.signature)?, chunks);
            }
            "input_json_delta" => {
                let piece = text(delta.partial_json)?;
                match self.block(number).ok_or(NOT_BEGUN)? {
                    Block::Call { index, input, .. } if !piece.is_empty() => {
                        let began = input.take().and_then(parsed);
                        chunks.push(Chunk::ToolCall {
                            index: *index,
                            id: None,
                            name: None,
                            arguments: piece,
                        });
                        self.keep_beginning(number, began);
                    }
                    Block::Other { input, .. } => input.push_str(&piece),
                    _ => {}
                }
            }
            "citations_delta" => match self.block(number).ok_or(NOT_BEGUN)? {
                Block::Text { citations, .. } => citations.extend(delta.citation.0.map(owned)),
                _ => return Err("it cites where there is no text"),
            },
            "compaction_delta" => {
                if let Block::Other { fields, .. } = self.block(number).ok_or(NOT_BEGUN)? {
                    for (name, value) in [
                        ("content", delta.content),
                        ("encrypted_content", delta.encrypted_content),
                    ] {
                        fields.extend(value.0.map(|value| (name.to_owned(), owned(value))));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether the model has asked for a tool.
    pub(super) fn has_calls(&self) -> bool {
        self.calls > 0
    }

    pub(super) fn stop(&mut self, number: u64, chunks: &mut Vec<Chunk>) {
        let place = self.open.iter().position(|(open, _)| *open == number);
        if let Some(place) = place {
            let (_, block) = self.open.remove(place);
            self.close(number, block, true, chunks);
        }
    }

    /// Ends what has not been ended. A call without arguments is whole, unless the answer was cut.
    pub(super) fn stop_all(&mut self, reason: Option<&FinishReason>, chunks: &mut Vec<Chunk>) {
        let whole = reason.is_none_or(|reason| *reason == FinishReason::ToolCalls);
        for (number, block) in std::mem::take(&mut self.open) {
            self.close(number, block, whole, chunks);
        }
    }

    fn close(&mut self, number: u64, block: Block, whole: bool, chunks: &mut Vec<Chunk>) {
        let is_empty = match &block {
            Block::Text { .. } | Block::Thinking { .. } => !self.said.contains(&number),
            _ => false,
        };
        let more = match block {
            Block::Call { index, input, more } => {
                match input {
                    Some(arguments) if whole => chunks.push(Chunk::ToolCall {
                        index,
                        id: None,
                        name: None,
                        arguments,
                    }),
                    input => self.keep_beginning(number, input.and_then(parsed)),
                }
                more
            }
            Block::Other { mut fields, input } => {
                if !input.is_empty() {
                    let value = serde_json::from_str(&input).unwrap_or(Value::String(input));
                    let began = fields.insert("input".into(), value);
                    self.keep_beginning(number, began);
                }
                return self.part(own_part(NAME, fields), chunks);
            }
            Block::Text {
                citations,
                mut more,
            } => {
                if !citations.is_empty() {
                    more.insert("citations".into(), citations.into());
                }
                more
            }
            Block::Thinking { more } => more,
        };
        let more = self::more(more);
        if is_empty {
            // There is nothing that it could follow.
            let number = number.to_string();
            self.unknown.of_piece_values(&["content", &number], more);
        } else if !more.is_empty() {
            self.part(own_part(NAME, more), chunks);
        }
    }

    /// Keeps what a call began with, if that was not all of it.
    fn keep_beginning(&mut self, number: u64, input: Option<Value>) {
        let says_something = |input: &Value| *input != Value::Object(Map::new());
        let place = ["content", &number.to_string()];
        self.unknown
            .put(&place, "input", input.filter(says_something));
    }

    /// Keeps a piece of a block, of a kind that nobody has heard of.
    pub(super) fn keep_delta(&mut self, number: u64, kind: &str, delta: Value) {
        let number = number.to_string();
        self.unknown.one_more(&["content", &number], kind, delta);
    }

    fn block(&mut self, number: u64) -> Option<&mut Block> {
        let open = self.open.iter_mut().rev();
        let mut of_number = open.filter(|(open, _)| *open == number);
        of_number.next().map(|(_, block)| block)
    }

    fn part(&mut self, part: Part, chunks: &mut Vec<Chunk>) {
        self.last = None;
        chunks.push(Chunk::Part(part));
    }

    fn text(&mut self, number: u64, text: String, chunks: &mut Vec<Chunk>) {
        if !text.is_empty() {
            if self.has_neighbour(number, Growing::Text) {
                chunks.push(Chunk::Part(Part::text("")));
            }
            chunks.push(Chunk::Text(text));
        }
    }

    fn thought(&mut self, number: u64, text: String, seal: String, chunks: &mut Vec<Chunk>) {
        if text.is_empty() && seal.is_empty() {
            return;
        }
        if self.has_neighbour(number, Growing::Thinking) {
            let empty = Reasoning::default().with_provider(NAME);
            chunks.push(Chunk::Part(Part::Reasoning(empty)));
        }
        let mut reasoning = Reasoning::new(text).with_provider(NAME);
        reasoning.signature = Some(seal).filter(|seal| !seal.is_empty());
        chunks.push(Chunk::Reasoning(reasoning));
    }

    /// Notes that a block says something, and whether the part before is another block, with which it would become one
    /// part.
    fn has_neighbour(&mut self, number: u64, kind: Growing) -> bool {
        if !self.said.contains(&number) {
            self.said.push(number);
        }
        let last = self.last.replace((number, kind));
        last.is_some_and(|(block, of_kind)| block != number && of_kind == kind)
    }
}

const NOT_BEGUN: &str = "it is a piece of a block that has not begun";

fn parsed(json: String) -> Option<Value> {
    serde_json::from_str(&json).ok()
}

/// A text, if only an empty one.
fn text(value: TextOrValue<'_>) -> Result<String, &'static str> {
    match value {
        TextOrValue::None => Ok(String::new()),
        TextOrValue::Text(text) => Ok(text.into_owned()),
        TextOrValue::Value(_) => Err("it is a piece of a block that is no text"),
    }
}
