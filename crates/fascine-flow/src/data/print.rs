use super::spec::FlowSpec;
use super::write_flow;

impl FlowSpec {
    /// Writes JSON, a field to a line. Reading it gives this description back.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&write_flow::write(self)).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Writes TOML. Reading it gives this description back.
    ///
    /// # Errors
    ///
    /// [`NotToml`](crate::NotToml) if there is something in it that TOML does not have: `null`, and integers beyond 63
    /// bits.
    #[cfg(feature = "toml")]
    pub fn to_toml(&self) -> Result<String, super::print_toml::NotToml> {
        super::print_toml::print(&write_flow::write(self))
    }

    /// Writes YAML. Reading it gives this description back.
    #[cfg(feature = "yaml")]
    #[must_use]
    pub fn to_yaml(&self) -> String {
        super::print_yaml::print(&write_flow::write(self))
    }

    /// The JSON Schema of the format, for editors: it tells names and types of fields, and what they are for.
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        serde_json::from_str(SCHEMA).unwrap_or_default()
    }
}

const SCHEMA: &str = include_str!("flow.schema.json");
