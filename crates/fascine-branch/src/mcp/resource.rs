use serde::Deserialize;

/// Something that can be read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct McpResource {
    /// Its address.
    pub uri: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// Its type, such as `text/plain`.
    pub mime_type: Option<String>,
    /// Its size, in bytes.
    pub size: Option<u64>,
}

/// A pattern of addresses of resources.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct McpResourceTemplate {
    /// The pattern, after RFC 6570.
    pub uri_template: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// The type of them all, such as `text/plain`.
    pub mime_type: Option<String>,
}

/// What a resource contains: `text` or `blob`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct McpContents {
    /// The address.
    pub uri: String,
    /// The type, such as `text/plain`.
    pub mime_type: Option<String>,
    /// The text, if it is text.
    pub text: Option<String>,
    /// The bytes in base64, if it is not.
    pub blob: Option<String>,
}

impl McpContents {
    /// The text; of what is none, what it is.
    pub(crate) fn into_text(self) -> String {
        let Self { uri, mime_type, .. } = self;
        let mime_type = mime_type.unwrap_or_default();
        self.text
            .unwrap_or_else(|| format!("[resource {uri} of type {mime_type}, not shown]"))
    }
}
