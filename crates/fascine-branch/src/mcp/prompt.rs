use fascine_message::{Message, Role};
use serde::Deserialize;

use crate::mcp::McpError;
use crate::mcp::content::Block;

/// Messages with gaps, which a server fills in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct McpPrompt {
    /// Its name.
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The gaps.
    #[serde(default)]
    pub arguments: Vec<McpPromptArgument>,
}

/// A gap in a prompt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct McpPromptArgument {
    /// Its name.
    pub name: String,
    /// What belongs there.
    pub description: Option<String>,
    /// Whether something has to be there.
    #[serde(default)]
    pub required: bool,
}

/// A message as a server writes it.
#[derive(Deserialize)]
pub(crate) struct Said {
    role: String,
    content: Block,
}

pub(crate) fn messages(said: Vec<Said>) -> Result<Vec<Message>, McpError> {
    let message = |said: Said| {
        let role = match said.role.as_str() {
            "assistant" => Role::Assistant,
            "user" => Role::User,
            other => {
                let reason = format!("nobody is called `{other}`");
                return Err(McpError::unreadable("prompts/get", reason));
            }
        };
        Ok(Message::new(role, vec![said.content.part()]))
    };
    said.into_iter().map(message).collect()
}
