use serde::{Deserialize, Serialize};

use crate::{Content, MessageId, Part, Role, ToolCall, ToolResult};

/// One message of a conversation. It does not change once it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    #[serde(default, skip_serializing_if = "is_nil")]
    id: MessageId,
    role: Role,
    content: Content,
}

impl Message {
    /// Makes a message of these parts.
    #[must_use]
    pub fn new(role: Role, content: Content) -> Self {
        Self {
            id: MessageId::NIL,
            role,
            content,
        }
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
        let result = ToolResult {
            call_id: call_id.into(),
            text: text.into(),
        };
        Self::new(Role::Tool, vec![Part::ToolResult(result)])
    }

    /// Gives the message its identity: for whoever stores it.
    #[must_use]
    pub fn with_id(mut self, id: MessageId) -> Self {
        self.id = id;
        self
    }

    /// The identity, [`MessageId::NIL`] until somebody stores the message.
    #[must_use]
    pub fn id(&self) -> MessageId {
        self.id
    }

    /// Who said it.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// What was said.
    #[must_use]
    pub fn content(&self) -> &[Part] {
        &self.content
    }

    /// The parts of text, put together.
    #[must_use]
    pub fn text(&self) -> String {
        let texts = self.content.iter().filter_map(|part| match part {
            Part::Text { text } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// The tool calls, in order.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.content.iter().filter_map(|part| match part {
            Part::ToolCall(call) => Some(call),
            _ => None,
        })
    }
}

fn is_nil(id: &MessageId) -> bool {
    id.is_nil()
}
