use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::mcp::McpError;

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct McpServerInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How its tools are to be used, if it says: text for a system prompt.
    pub instructions: Option<String>,
    /// The version of the protocol that is spoken with it.
    pub protocol: String,
    capabilities: Map<String, Value>,
}

impl McpServerInfo {
    /// Whether it has `tools`, `resources` or `prompts`, as it says.
    #[must_use]
    pub fn offers(&self, what: &str) -> bool {
        self.capabilities.contains_key(what)
    }
}

/// What a client says of itself.
#[derive(Clone, Debug)]
pub(crate) struct ClientInfo {
    pub(crate) name: String,
    pub(crate) version: String,
}

impl ClientInfo {
    /// The first thing that a server hears.
    pub(crate) fn params(&self) -> Value {
        json!({
            "protocolVersion": VERSIONS[0],
            "capabilities": {},
            "clientInfo": {"name": self.name, "version": self.version},
        })
    }
}

/// Reads what a server answers to it.
pub(crate) fn read(result: Value) -> Result<McpServerInfo, McpError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        protocol_version: String,
        #[serde(default)]
        capabilities: Map<String, Value>,
        #[serde(default)]
        server_info: Named,
        instructions: Option<String>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Named {
        name: String,
        version: String,
    }
    let answer = serde_json::from_value(result);
    let answer: Answer =
        answer.map_err(|error| McpError::unreadable(INITIALIZE, error.to_string()))?;
    if !VERSIONS.contains(&answer.protocol_version.as_str()) {
        let version = answer.protocol_version;
        return Err(McpError::Version { version });
    }
    Ok(McpServerInfo {
        name: answer.server_info.name,
        version: answer.server_info.version,
        instructions: answer.instructions,
        protocol: answer.protocol_version,
        capabilities: answer.capabilities,
    })
}

pub(crate) const INITIALIZE: &str = "initialize";
pub(crate) const INITIALIZED: &str = "notifications/initialized";
/// What is spoken here, newest first. Later ones may do without this handshake; their servers still know it.
const VERSIONS: [&str; 4] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];
