use serde::de::{Deserialize, Deserializer, MapAccess};
use serde_json::Value;
use serde_json::value::RawValue;

use super::lenient::{Lenient, Text};
use super::open_object::{Field, Rest};

/// An object whose fields are taken one by one, for when one of them says which of the others are known.
///
/// A field that has become something else is no failure: it is not there, and what nobody has taken can be kept.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Takes a field; `None` if it is not there, null, or something else than expected.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Option<T> {
        // The last of several wins, as with everybody else.
        let mut names = self.0.iter().map(|(known, _)| known.or_empty());
        let place = names.rposition(|known| known == name)?;
        let value = serde_json::from_str(self.0[place].1.get()).ok()?;
        self.0.swap_remove(place);
        Some(value)
    }

    /// Takes a field that may be a text; empty if it is none.
    pub(crate) fn take_text(&mut self, name: &str) -> String {
        self.take(name).unwrap_or_default()
    }

    /// Leaves a field out of the rest.
    pub(crate) fn skip(&mut self, name: &str) {
        self.0.retain(|(known, _)| known.or_empty() != name);
    }

    /// What nobody has taken.
    pub(crate) fn rest(self) -> Rest<'a> {
        let raw = self
            .0
            .into_iter()
            .map(|(name, raw)| (name, Field::Raw(raw)));
        raw.collect()
    }
}

impl<'de> Lenient<'de> for Fields<'de> {
    fn from_object<A: MapAccess<'de>>(mut map: A) -> Result<Result<Self, Value>, A::Error> {
        let mut fields = Vec::with_capacity(8);
        while let Some((name, value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            if value.get() != "null" {
                fields.push((name, value));
            }
        }
        Ok(Ok(Self(fields)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lenient::read(deserializer).map(Result::unwrap_or_default)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::owned_fields;

    #[test]
    fn what_is_not_as_expected_is_kept() {
        let json = r#"{"a": 1, "b": null, "\u0063": [true], "a": 2, "d": "x"}"#;
        let mut fields: Fields<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(fields.take::<u64>("a"), Some(2));
        assert_eq!(fields.take::<String>("b"), None);
        assert_eq!(fields.take::<String>("c"), None);
        assert_eq!(fields.take_text("d"), "x");
        fields.skip("a");
        let rest = Value::Object(owned_fields(fields.rest()));
        assert_eq!(rest, json!({ "c": [true] }));
    }
}
