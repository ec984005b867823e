use std::borrow::Cow;

use serde_json::Value;

use super::lenient::Lenient;

/// A text, borrowed where it can be; or what there is in its place.
#[derive(Debug, Default)]
pub(crate) enum TextOrValue<'a> {
    #[default]
    None,
    Text(Cow<'a, str>),
    Value(Value),
}

impl<'de> Lenient<'de> for TextOrValue<'de> {
    fn from_text(text: Cow<'de, str>) -> Result<Self, Value> {
        Ok(Self::Text(text))
    }

    fn from_odd(odd: Value) -> Result<Self, Value> {
        Ok(Self::Value(odd))
    }
}
