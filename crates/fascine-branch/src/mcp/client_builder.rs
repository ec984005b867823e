use std::num::NonZeroUsize;
use std::time::Duration;

use fascine_http::Transport;
use fascine_rt::Rt;
use futures_io::{AsyncRead, AsyncWrite};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::ToolLimits;
use crate::mcp::child::Child;
use crate::mcp::handshake::ClientInfo;
use crate::mcp::http_wire::HttpWire;
use crate::mcp::line_wire::LineWire;
use crate::mcp::wire::Wire;
use crate::mcp::{McpClient, McpCommand, McpError};

/// Sets a client of an MCP server up; made by [`McpClient::builder`].
///
/// # Defaults
///
/// - a minute for each answer
/// - messages of at most 8 MiB
/// - 256 open questions
/// - tools under their own names, with the usual [limits](ToolLimits)
/// - the name `fascine`
#[derive(Clone, Debug)]
#[must_use]
pub struct McpClientBuilder {
    pub(crate) rt: Rt,
    pub(crate) settings: Settings,
    headers: HeaderMap,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) timeout: Duration,
    pub(crate) message_bytes: usize,
    pub(crate) pending: usize,
    pub(crate) prefix: String,
    pub(crate) limits: ToolLimits,
    pub(crate) client: ClientInfo,
}

impl McpClientBuilder {
    pub(crate) fn new(rt: &Rt) -> Self {
        let client = ClientInfo {
            name: "fascine".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let settings = Settings {
            timeout: Duration::from_secs(60),
            message_bytes: 8 * 1024 * 1024,
            pending: 256,
            prefix: String::new(),
            limits: ToolLimits::default(),
            client,
        };
        Self {
            rt: rt.clone(),
            settings,
            headers: HeaderMap::new(),
        }
    }

    /// Sets how long an answer may take, the first one too. `Duration::MAX` sets no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Sets how many bytes a message of the server may have.
    pub fn message_bytes(mut self, bytes: usize) -> Self {
        self.settings.message_bytes = bytes;
        self
    }

    /// Sets how many questions may be open at once.
    pub fn pending(mut self, questions: NonZeroUsize) -> Self {
        self.settings.pending = questions.get();
        self
    }

    /// Sets what stands before the names of the tools: for servers whose tools have the same names.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.settings.prefix = prefix.into();
        self
    }

    /// Sets what calls of each tool may take.
    pub fn tool_limits(mut self, limits: ToolLimits) -> Self {
        self.settings.limits = limits;
        self
    }

    /// Sets what the server gets to know of the program.
    pub fn client_info(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.settings.client = ClientInfo {
            name: name.into(),
            version: version.into(),
        };
        self
    }

    /// Adds a header to every request over HTTP: `Authorization`, say, which is marked as sensitive.
    pub fn header(mut self, name: HeaderName, mut value: HeaderValue) -> Self {
        let is_secret = name == http::header::AUTHORIZATION;
        value.set_sensitive(is_secret || value.is_sensitive());
        self.headers.append(name, value);
        self
    }

    /// Starts a server as a child of this process, and speaks with it over its standard input and output.
    ///
    /// # Errors
    ///
    /// [`McpError`] when it does not start, or does not speak the protocol.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the server.
    pub async fn stdio(self, command: McpCommand) -> Result<McpClient, McpError> {
        let (child, pipes) = Child::start(&self.rt, command)?;
        let wire = LineWire::new(
            &self.rt,
            &self.settings,
            pipes.output,
            pipes.input,
            Some(child),
        );
        self.connect(Wire::Lines(Box::new(wire))).await
    }

    /// Speaks with a server over any connection that carries lines, a Unix socket for instance.
    ///
    /// # Errors
    ///
    /// [`McpError`] when it does not speak the protocol.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection.
    pub async fn over<R, W>(self, from_server: R, to_server: W) -> Result<McpClient, McpError>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let wire = LineWire::new(&self.rt, &self.settings, from_server, to_server, None);
        self.connect(Wire::Lines(Box::new(wire))).await
    }

    /// Speaks with a server over HTTP, at `url`.
    ///
    /// # Errors
    ///
    /// [`McpError`] when it cannot be reached, or does not speak the protocol.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the exchange.
    pub async fn http(self, transport: impl Transport, url: &str) -> Result<McpClient, McpError> {
        let uri = url.parse().ok().filter(|uri: &http::Uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        let uri = uri.ok_or_else(|| McpError::Url {
            url: url.to_owned(),
        })?;
        let headers = self.headers.clone();
        let wire = HttpWire::new(&self.rt, &self.settings, transport, uri, headers);
        self.connect(Wire::Http(Box::new(wire))).await
    }

    async fn connect(self, wire: Wire) -> Result<McpClient, McpError> {
        let server = wire.initialize().await?;
        Ok(McpClient::from_parts(wire, server, self.settings))
    }
}
