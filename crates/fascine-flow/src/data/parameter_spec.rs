use serde_json::Value;

/// What has to be given when a flow is built.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ParameterSpec {
    /// Of which type it is.
    pub kind: ParameterKind,
    /// What it is if nothing is given. Without that it is required. `null`, which every type takes, stands in a file as
    /// `required = false`.
    pub default: Option<Value>,
    /// What it is for.
    pub description: Option<String>,
}

/// The type of a parameter, under the name that JSON Schema has for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParameterKind {
    /// Anything.
    #[default]
    Any,
    /// A list.
    Array,
    /// Yes or no.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Named values.
    Object,
    /// A text.
    String,
}

impl ParameterKind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Any,
        Self::Array,
        Self::Boolean,
        Self::Integer,
        Self::Number,
        Self::Object,
        Self::String,
    ];

    /// Its name in a file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Array => "array",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Object => "object",
            Self::String => "string",
        }
    }

    /// Returns whether it takes this value.
    #[must_use]
    pub fn takes(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Array => value.is_array(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Object => value.is_object(),
            Self::String => value.is_string(),
        }
    }
}
