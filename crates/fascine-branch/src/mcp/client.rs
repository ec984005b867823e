use std::fmt;
use std::sync::Arc;

use fascine_http::Transport;
use fascine_message::Message;
use fascine_rt::Rt;
use serde_json::{Map, Value, json};

use crate::mcp::client_builder::Settings;
use crate::mcp::list::{list, read};
use crate::mcp::wire::Wire;
use crate::mcp::{
    McpClientBuilder, McpCommand, McpContents, McpError, McpPrompt, McpResource,
    McpResourceTemplate, McpServerInfo, McpTool, content, prompt,
};
use crate::{ToolError, ToolSet};

/// One conversation with an MCP server: its tools, its resources and its prompts.
///
/// A clone is the same conversation, and the tools that it gives hold it too: however many there are, there is one
/// process, or one session over HTTP. With the last of them it ends: the process is stopped, a session is left to the
/// server. [`close`](Self::close) ends either in good order. A process that has died is not started again: what is asked
/// of it fails. It speaks with the server on any runtime; what the server asks for (samples of a model, say) it does not
/// have, and says so.
///
/// # Examples
///
/// ```no_run
/// use fascine_branch::{Branch, McpClient, McpCommand};
/// use fascine_model::EchoModel;
///
/// # async fn example(rt: fascine_rt::Rt) -> Result<(), Box<dyn std::error::Error>> {
/// let server = McpCommand::new("npx").args(["-y", "@modelcontextprotocol/server-everything"]);
/// let client = McpClient::stdio(&rt, server).await?;
/// let branch = Branch::builder(&rt, "b", EchoModel).tools(client.tool_set().await?).build();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct McpClient(Arc<Inner>);

struct Inner {
    wire: Wire,
    server: McpServerInfo,
    settings: Settings,
}

impl McpClient {
    /// Sets a client up.
    pub fn builder(rt: &Rt) -> McpClientBuilder {
        McpClientBuilder::new(rt)
    }

    /// Starts a server as a child of this process; see [`McpClientBuilder::stdio`].
    ///
    /// # Errors
    ///
    /// [`McpError`] when it does not start, or does not speak the protocol.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the server.
    pub async fn stdio(rt: &Rt, command: McpCommand) -> Result<Self, McpError> {
        Self::builder(rt).stdio(command).await
    }

    /// Speaks with a server over HTTP; see [`McpClientBuilder::http`].
    ///
    /// # Errors
    ///
    /// [`McpError`] when it cannot be reached, or does not speak the protocol.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the exchange.
    pub async fn http(rt: &Rt, transport: impl Transport, url: &str) -> Result<Self, McpError> {
        Self::builder(rt).http(transport, url).await
    }

    pub(crate) fn from_parts(wire: Wire, server: McpServerInfo, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            wire,
            server,
            settings,
        }))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// What the server said of itself when the conversation began.
    #[must_use]
    pub fn server(&self) -> &McpServerInfo {
        &self.0.server
    }

    /// Asks for the tools. The list is as it is now: ask again for a later one.
    ///
    /// # Errors
    ///
    /// [`McpError`] when there is no answer, or none that can be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future tells the server that nobody waits.
    pub async fn tools(&self) -> Result<Vec<McpTool>, McpError> {
        let definitions = list(self, "tools", "tools/list", "tools").await?;
        let tools = definitions
            .into_iter()
            .map(|definition| McpTool::new(self, definition));
        Ok(tools.collect())
    }

    /// Asks for the tools, as a set.
    ///
    /// # Errors
    ///
    /// As [`tools`](Self::tools), and [`McpError::Tools`] when two have the same name.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future tells the server that nobody waits.
    pub async fn tool_set(&self) -> Result<ToolSet, McpError> {
        let mut tools = self.tools().await?.into_iter();
        let set = tools.try_fold(ToolSet::new(), |set, tool| set.try_with(tool));
        set.map_err(|source| McpError::Tools { source })
    }

    /// Calls a tool by the name that the server gave it. `arguments` is an object.
    ///
    /// # Errors
    ///
    /// [`ToolError`] when there is no answer, or the server says that the tool failed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future tells the server that nobody waits.
    pub async fn call_tool(&self, name: &str, arguments: Value) -> Result<Value, ToolError> {
        let params = json!({"name": name, "arguments": arguments});
        let result = self.request("tools/call", params).await;
        content::tool_result(result.map_err(ToolError::failed)?)
    }

    /// Asks for the resources.
    ///
    /// # Errors
    ///
    /// [`McpError`] when there is no answer, or none that can be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future tells the server that nobody waits.
    pub async fn resources(&self) -> Result<Vec<McpResource>, McpError> {
        list(self, "resources", "resources/list", "resources").await
    }

    /// Asks for the patterns of addresses of further resources.
    ///
    /// # Errors
    ///
    /// [`McpError`] when there is no answer, or none that can be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future tells the server that nobody waits.
    pub async fn resource_templates(&self) -> Result<Vec<McpResourceTemplate>, McpError> {
        list(
            self,
            "resources",
            "resources/templates/list",
            "resourceTemplates",
        )
        .await
    }

    /// Reads a resource. A folder may be several.
    ///
    /// # Errors
    ///
    /// [`McpError`] when there is no answer, or none that can be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future tells the server that nobody waits.
    pub async fn read_resource(&self, uri: &str) -> Result<Vec<McpContents>, McpError> {
        let method = "resources/read";
        let mut result = self.request(method, json!({"uri": uri})).await?;
        read(method, result["contents"].take())
    }

    /// Asks for the prompts.
    ///
    /// # Errors
    ///
    /// [`McpError`] when there is no answer, or none that can be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future tells the server that nobody waits.
    pub async fn prompts(&self) -> Result<Vec<McpPrompt>, McpError> {
        list(self, "prompts", "prompts/list", "prompts").await
    }

    /// Fills a prompt in: the messages that it consists of.
    ///
    /// # Errors
    ///
    /// [`McpError`] when there is no answer, or none that can be read.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future tells the server that nobody waits.
    pub async fn get_prompt<K, V>(
        &self,
        name: &str,
        arguments: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Vec<Message>, McpError>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let arguments = arguments.into_iter();
        let arguments = arguments.map(|(name, value)| (name.into(), Value::String(value.into())));
        let arguments: Map<_, _> = arguments.collect();
        let method = "prompts/get";
        let params = json!({"name": name, "arguments": arguments});
        let mut result = self.request(method, params).await?;
        prompt::messages(read(method, result["messages"].take())?)
    }

    /// Ends the conversation. A child process has two seconds to end by itself. What is asked afterwards fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the conversation without good manners.
    pub async fn close(&self) {
        self.0.wire.close().await;
    }

    pub(crate) async fn request(&self, method: &str, params: Value) -> Result<Value, McpError> {
        let result = self.0.wire.request(method, params).await?;
        match result.is_object() {
            true => Ok(result),
            false => Err(McpError::unreadable(method, "it is no object")),
        }
    }
}

impl fmt::Debug for McpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("McpClient")
            .field("server", &self.0.server.name)
            .field("wire", &self.0.wire)
            .finish_non_exhaustive()
    }
}
