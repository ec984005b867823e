use fascine_model::ToolSpec;
use fascine_rt::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::mcp::McpClient;
use crate::{Tool, ToolContext, ToolError, ToolLimits};

/// A tool of an MCP server; made by [`McpClient::tools`].
///
/// A result is what is structured in the server's answer, or its text; pictures and recordings are only named, because the
/// result of a tool is text.
#[derive(Clone, Debug)]
pub struct McpTool {
    client: McpClient,
    /// As the server calls it.
    name: String,
    spec: ToolSpec,
    limits: ToolLimits,
}

/// A tool as a server describes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Definition {
    name: String,
    title: Option<String>,
    description: Option<String>,
    input_schema: Option<Map<String, Value>>,
}

impl McpTool {
    pub(crate) fn new(client: &McpClient, definition: Definition) -> Self {
        let settings = client.settings();
        let name = allowed(&settings.prefix, &definition.name);
        let description = definition.description.or(definition.title);
        let mut schema = definition.input_schema.unwrap_or_default();
        schema.remove("$schema");
        schema.entry("type").or_insert_with(|| json!("object"));
        schema.entry("properties").or_insert_with(|| json!({}));
        Self {
            client: client.clone(),
            name: definition.name,
            spec: ToolSpec::new(name, description.unwrap_or_default(), schema),
            limits: settings.limits.clone(),
        }
    }

    /// The name that the server gave it. What a model sees has the client's prefix, and `_` for what providers do not
    /// take.
    #[must_use]
    pub fn server_name(&self) -> &str {
        &self.name
    }

    /// Sets the name that a model sees.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.spec.name = name.into();
        self
    }

    /// Sets what calls may take.
    #[must_use]
    pub fn with_limits(mut self, limits: ToolLimits) -> Self {
        self.limits = limits;
        self
    }
}

impl Tool for McpTool {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn call(&self, arguments: Value, _: ToolContext) -> BoxFuture<Result<Value, ToolError>> {
        // Each future has a name of its own: tools that are made in a loop must not call each other.
        let (client, name) = (self.client.clone(), self.name.clone());
        Box::pin(async move { client.call_tool(&name, arguments).await })
    }

    fn limits(&self) -> ToolLimits {
        self.limits.clone()
    }
}

/// The prefix and the name, with what providers take.
fn allowed(prefix: &str, name: &str) -> String {
    let chars = prefix.chars().chain(name.chars());
    let allowed = chars.map(|char| match char {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => char,
        _ => '_',
    });
    allowed.take(64).collect()
}
