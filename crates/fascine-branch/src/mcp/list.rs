use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::mcp::{McpClient, McpError};

/// Asks for all pages of a list; for none where the server does not say that it has any.
pub(crate) async fn list<T: DeserializeOwned>(
    client: &McpClient,
    capability: &str,
    method: &str,
    key: &str,
) -> Result<Vec<T>, McpError> {
    let mut all = Vec::new();
    if !client.server().offers(capability) {
        return Ok(all);
    }
    let mut params = json!({});
    for _ in 0..PAGES {
        let mut page = client.request(method, params).await?;
        let items: Vec<T> = read(method, page[key].take())?;
        all.extend(items);
        match page["nextCursor"].take() {
            cursor @ Value::String(_) => params = json!({"cursor": cursor}),
            _ => return Ok(all),
        }
    }
    Err(McpError::unreadable(
        method,
        format!("it has more than {PAGES} pages"),
    ))
}

pub(crate) fn read<T: DeserializeOwned>(method: &str, value: Value) -> Result<T, McpError> {
    let read = serde_path_to_error::deserialize(&value);
    read.map_err(|error| McpError::unreadable(method, error.to_string()))
}

/// A list that goes on for ever is a fault of the server.
const PAGES: usize = 1_000;
