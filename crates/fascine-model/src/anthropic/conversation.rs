use fascine_message::{Message, Part, Reasoning, Role};
use serde::{Serialize, Serializer};

use super::NAME;
use super::block::{Block, CacheControl, Kind};
use super::media::Source;
use crate::ModelFailure;
use crate::wire::arguments;

/// A conversation in the API's order: the system prompt apart, then turns of user and model.
#[derive(Debug)]
pub(super) struct Conversation<'a> {
    pub(super) system: Turn<'a>,
    pub(super) turns: Vec<Turn<'a>>,
    /// The mark of a conversation that has nothing before it but the tools.
    pub(super) tools_mark: Option<CacheControl<'a>>,
    marks: usize,
    /// Whether the part before has become the last block, which more fields can go to.
    has_block: bool,
}

/// Messages of one role that follow each other.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    pub(super) role: Role,
    pub(super) content: Vec<Block<'a>>,
}

impl<'a> Conversation<'a> {
    pub(super) fn read(messages: &'a [Message]) -> Result<Self, ModelFailure> {
        let mut conversation = Self {
            system: Turn::new(Role::System),
            turns: Vec::new(),
            tools_mark: None,
            marks: 0,
            has_block: false,
        };
        for message in messages {
            conversation.has_block = false;
            for part in message.content() {
                conversation.has_block = conversation.add(message.role(), part)?;
            }
        }
        for turn in &mut conversation.turns {
            // The results of calls have to come first; the sort leaves the rest in order.
            turn.content.sort_by_key(|block| !block.is_tool_result());
        }
        if conversation.turns.is_empty() {
            let reason = "have nothing in them but what the system says";
            return Err(ModelFailure::invalid("messages", reason));
        }
        if conversation.marks > MOST_MARKS {
            let reason = format!("have more than {MOST_MARKS} cache marks");
            return Err(ModelFailure::invalid("messages", reason));
        }
        Ok(conversation)
    }

    /// Adds a part, and says whether it has become a block.
    fn add(&mut self, role: Role, part: &'a Part) -> Result<bool, ModelFailure> {
        let kind = match part {
            Part::CacheMark { ttl } => {
                self.mark(role, ttl.as_deref());
                return Ok(false);
            }
            Part::Document(media) => Kind::Document {
                source: Source::document(media)?,
                title: media.name.as_deref(),
            },
            Part::Image(media) => Kind::Image(Source::image(media)?),
            Part::Other { provider, value } => match value.as_object() {
                Some(fields) if provider == NAME && fields.contains_key("type") => {
                    Kind::Other(fields)
                }
                Some(fields) if provider == NAME => {
                    if self.has_block
                        && let Some(block) = self.turn(role).content.last_mut()
                    {
                        block.more = Some(fields);
                    }
                    return Ok(self.has_block);
                }
                // It means nothing here.
                _ => return Ok(false),
            },
            Part::Reasoning(reasoning) => match thinking(reasoning) {
                Some(kind) => kind,
                None => return Ok(false),
            },
            // The API takes no empty text, and there is nothing in it.
            Part::Text { text } if text.is_empty() => return Ok(false),
            Part::Text { text } => Kind::Text(text),
            Part::ToolCall(call) => Kind::ToolUse {
                id: &call.id,
                name: &call.name,
                input: arguments(call)?,
            },
            Part::ToolResult(result) => Kind::ToolResult(result),
            _ => {
                let reason = "have a part that this API has no place for, such as audio";
                return Err(ModelFailure::invalid("messages", reason));
            }
        };
        let fits = match kind {
            Kind::Other(_) | Kind::Text(_) => true,
            Kind::RedactedThinking(_) | Kind::Thinking { .. } | Kind::ToolUse { .. } => {
                role == Role::Assistant
            }
            Kind::ToolResult(_) => matches!(role, Role::Tool | Role::User),
            Kind::Document { .. } | Kind::Image(_) => role != Role::System,
        };
        if !fits {
            let reason = format!("have a part in a message of the {role} that cannot be there");
            return Err(ModelFailure::invalid("messages", reason));
        }
        self.turn(role).content.push(Block::new(kind));
        Ok(true)
    }

    /// Where the next part of this role goes.
    fn turn(&mut self, role: Role) -> &mut Turn<'a> {
        let role = match role {
            Role::System => return &mut self.system,
            Role::Assistant => Role::Assistant,
            _ => Role::User,
        };
        if self.turns.last().is_none_or(|turn| turn.role != role) {
            self.turns.push(Turn::new(role));
        }
        let last = self.turns.len() - 1;
        &mut self.turns[last]
    }

    /// Marks the last block before, in the order in which the API reads: tools, system, messages.
    fn mark(&mut self, role: Role, ttl: Option<&'a str>) {
        let mark = CacheControl { ttl };
        let turns = self.turns.iter_mut().filter(|_| role != Role::System);
        let spoken = turns.rev().flat_map(|turn| turn.content.iter_mut().rev());
        let mut before = spoken.chain(self.system.content.iter_mut().rev());
        let place = match before.find(|block| block.can_be_marked()) {
            Some(block) => &mut block.cache_control,
            None => &mut self.tools_mark,
        };
        if place.replace(mark).is_none() {
            self.marks += 1;
        }
    }
}

/// What the API accepts.
const MOST_MARKS: usize = 4;

/// What was thought, if it has Anthropic's seal: without one it would be refused.
fn thinking(reasoning: &Reasoning) -> Option<Kind<'_>> {
    let ours = match reasoning.provider.as_str() {
        "" => reasoning.id.is_empty(),
        provider => provider == NAME,
    };
    match (&reasoning.encrypted, &reasoning.signature) {
        _ if !ours => None,
        (Some(data), _) => Some(Kind::RedactedThinking(data)),
        (None, Some(signature)) => Some(Kind::Thinking {
            text: &reasoning.text,
            signature,
        }),
        (None, None) => None,
    }
}

impl<'a> Turn<'a> {
    fn new(role: Role) -> Self {
        Self {
            role,
            content: Vec::new(),
        }
    }

    /// The content as it is written: a text, if that is all there is, or the blocks.
    pub(super) fn content(&self) -> Content<'_, 'a> {
        Content(&self.content)
    }
}

#[derive(Debug)]
pub(super) struct Content<'t, 'a>(&'t [Block<'a>]);

impl Serialize for Content<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let [block] = self.0
            && let Some(text) = block.plain_text()
        {
            return serializer.serialize_str(text);
        }
        serializer.collect_seq(self.0)
    }
}
