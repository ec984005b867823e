use fascine_message::{Part, Reasoning};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::NAME;
use super::reading::{more, other};
use super::streaming::Delta;
use crate::wire::{Fields, owned};
use crate::{Chunk, FinishReason};

/// The blocks of an answer that is still being made; several may be open at once.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    open: Vec<(u64, Block)>,
    calls: usize,
    /// The block that the last part of the answer belongs to, if more of its kind would go into the same part.
    last: Option<(u64, Growing)>,
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
                    more: fields.rest(),
                }
            }
            "thinking" => {
                let (text, seal) = (fields.take_text("thinking"), fields.take_text("signature"));
                self.thought(number, text, seal, chunks);
                Block::Thinking {
                    more: fields.rest(),
                }
            }
            "redacted_thinking" => {
                let data = fields.take_text("data");
                let reasoning = Reasoning::default().with_encrypted(data);
                self.part(Part::Reasoning(reasoning.with_provider(NAME)), chunks);
                Block::Thinking {
                    more: fields.rest(),
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
                    more: fields.rest(),
                }
            }
            _ => match owned(block) {
                Value::Object(fields) => Block::Other {
                    fields,
                    input: String::new(),
                },
                value => return self.part(other(value), chunks),
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
        match &*delta.kind {
            "text_delta" => self.text(number, delta.text.unwrap_or_default(), chunks),
            "thinking_delta" => {
                let text = delta.thinking.unwrap_or_default();
                self.thought(number, text, String::new(), chunks);
            }
            "signature_delta" => {
                let seal = delta.signature.unwrap_or_default();
                self.thought(number, String::new(), seal, chunks);
            }
            "input_json_delta" => {
                let piece = delta.partial_json.unwrap_or_default();
                match self.block(number).ok_or(NOT_BEGUN)? {
                    Block::Call { index, input, .. } if !piece.is_empty() => {
                        *input = None;
                        chunks.push(Chunk::ToolCall {
                            index: *index,
                            id: None,
                            name: None,
                            arguments: piece.into_owned(),
                        });
                    }
                    Block::Other { input, .. } => input.push_str(&piece),
                    _ => {}
                }
            }
            "citations_delta" => match self.block(number).ok_or(NOT_BEGUN)? {
                Block::Text { citations, .. } => citations.extend(delta.citation.map(owned)),
                _ => return Err("it cites where there is no text"),
            },
            "compaction_delta" => {
                if let Block::Other { fields, .. } = self.block(number).ok_or(NOT_BEGUN)? {
                    for (name, value) in [
                        ("content", delta.content),
                        ("encrypted_content", delta.encrypted_content),
                    ] {
                        fields.extend(value.map(|value| (name.to_owned(), owned(value))));
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
            self.close(block, true, chunks);
        }
    }

    /// Ends what has not been ended. A call without arguments is whole, unless the answer was cut.
    pub(super) fn stop_all(&mut self, reason: Option<&FinishReason>, chunks: &mut Vec<Chunk>) {
        let whole = reason.is_none_or(|reason| *reason == FinishReason::ToolCalls);
        for (_, block) in std::mem::take(&mut self.open) {
            self.close(block, whole, chunks);
        }
    }

    fn close(&mut self, block: Block, whole: bool, chunks: &mut Vec<Chunk>) {
        let more = match block {
            Block::Call { index, input, more } => {
                if let Some(arguments) = input.filter(|_| whole) {
                    chunks.push(Chunk::ToolCall {
                        index,
                        id: None,
                        name: None,
                        arguments,
                    });
                }
                more
            }
            Block::Other { mut fields, input } => {
                if !input.is_empty() {
                    let value = serde_json::from_str(&input).unwrap_or(Value::String(input));
                    fields.insert("input".into(), value);
                }
                return self.part(other(fields.into()), chunks);
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
        if let Some(more) = self::more(more) {
            self.part(more, chunks);
        }
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

    /// Whether the part before is another block, with which this one would become one part.
    fn has_neighbour(&mut self, number: u64, kind: Growing) -> bool {
        let last = self.last.replace((number, kind));
        last.is_some_and(|(block, of_kind)| block != number && of_kind == kind)
    }
}

const NOT_BEGUN: &str = "it is a piece of a block that has not begun";
