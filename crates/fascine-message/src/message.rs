use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::token_cache::TokenCache;
use crate::{Content, MessageId, Part, Role, Timestamp, ToolCall, ToolResult};

/// One message of a conversation. It does not change once it is made, so a clone is the same message and costs nothing.
#[derive(Clone, Debug)]
pub struct Message(Arc<Inner>);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename = "Message")]
struct Inner {
    #[serde(default, skip_serializing_if = "MessageId::is_nil")]
    id: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    role: Role,
    content: Content,
    #[serde(skip)]
    tokens: TokenCache,
}

impl Message {
    /// Makes a message of these parts.
    #[must_use]
    pub fn new(role: Role, content: Content) -> Self {
        Self(Arc::new(Inner {
            id: MessageId::NIL,
            at: None,
            role,
            content,
            tokens: TokenCache::default(),
        }))
    }

    /// Makes a message of text by whoever set the conversation up.
    pub fn system(text: impl Into<String>) -> Self {
        Self::new(Role::System, vec![Part::text(text)])
    }

    /// Makes a message of text by whoever talks to the model.
    pub fn user(text: impl Into<String>) -> Self {
        Self::new(Role::User, vec![Part::text(text)])
    }

    /// Makes a message of text by the model.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::new(Role::Assistant, vec![Part::text(text)])
    }

    /// Makes the message that answers a tool call.
    pub fn tool(call_id: impl Into<String>, text: impl Into<String>) -> Self {
        let result = ToolResult::new(call_id, text);
        Self::new(Role::Tool, vec![Part::ToolResult(result)])
    }

    /// Gives the message its identity: for whoever stores it.
    #[must_use]
    pub fn with_id(mut self, id: MessageId) -> Self {
        Arc::make_mut(&mut self.0).id = id;
        self
    }

    /// Says when it was said: for whoever stores it.
    #[must_use]
    pub fn with_timestamp(mut self, at: Timestamp) -> Self {
        Arc::make_mut(&mut self.0).at = Some(at);
        self
    }

    /// When it was said, if whoever stored it knew.
    #[must_use]
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.0.at
    }

    /// The identity, [`MessageId::NIL`] until somebody stores the message.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.0.id
    }

    /// Who said it.
    #[must_use]
    pub fn role(&self) -> Role {
        self.0.role
    }

    /// What was said.
    #[must_use]
    pub fn content(&self) -> &[Part] {
        &self.0.content
    }

    /// The parts of text, put together.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.0.content.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// The tool calls, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.0.content.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }

    /// The tool results, in order.
    pub fn tool_results(&self) -> impl Iterator<Item = &ToolResult> {
        self.0.content.iter().filter_map(|part| match part {
            Part::ToolResult(result) => Some(result),
            _ => None,
        })
    }

    /// How many tokens the message is, by the counter with this number: counted by `count` the first time, remembered
    /// from then on, for all clones. Two counters are remembered; a third counts each time.
    pub fn tokens(&self, counter: u64, count: impl FnOnce(&Self) -> u64) -> u64 {
        self.0.tokens.get_or_count(counter, || count(self))
    }
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let (one, two) = (&*self.0, &*other.0);
        Arc::ptr_eq(&self.0, &other.0)
            || (one.id == two.id
                && one.at == two.at
                && one.role == two.role
                && one.content == two.content)
    }
}

impl Eq for Message {}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Inner::deserialize(deserializer).map(|inner| Self(Arc::new(inner)))
    }
}
