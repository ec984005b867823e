use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The fields of an object, read one by one.
///
/// A field that has become something else is no failure: it is not there, and what nobody has taken can be kept.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Fields<'a> {
    /// Takes a field; `None` if it is not there, null, or something else than expected.
    pub(crate) fn take<T: Deserialize<'a>>(&mut self, name: &str) -> Option<T> {
        // The last of several wins, as with everybody else.
        let place = self.0.iter().rposition(|(known, _)| known == name)?;
        let value = serde_json::from_str::<Option<T>>(self.0[place].1.get()).ok()?;
        self.0.swap_remove(place);
        value
    }

    /// Takes a field that may be a text; empty if it is none.
    pub(crate) fn take_text(&mut self, name: &str) -> String {
        self.take(name).unwrap_or_default()
    }

    /// Whether everything has been taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Leaves a field out of the rest.
    pub(crate) fn skip(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    /// What nobody has taken, without what is null.
    pub(crate) fn rest(self) -> Map<String, Value> {
        let fields = self
            .0
            .into_iter()
            .filter(|(_, value)| value.get() != "null");
        fields
            .map(|(name, value)| (name.into_owned(), owned(value)))
            .collect()
    }
}

/// The value itself, or its text if it is nested too deeply to be one.
pub(crate) fn owned(value: &RawValue) -> Value {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().into())
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor).map(Self)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut fields = Vec::with_capacity(8);
        while let Some((Name(name), value)) = map.next_entry()? {
            fields.push((name, value));
        }
        Ok(fields)
    }
}

/// A name, which is copied only if it has escapes in it.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_expected_is_kept() {
        let json = r#"{"a": 1, "b": null, "\u0063": [true], "a": 2, "d": "x"}"#;
        let mut fields: Fields<'_> = serde_json::from_str(json).unwrap();
        assert_eq!(fields.take::<u64>("a"), Some(2));
        assert_eq!(fields.take::<String>("b"), None);
        assert_eq!(fields.take::<String>("c"), None);
        assert_eq!(fields.take_text("d"), "x");
        fields.skip("a");
        let rest = Value::Object(fields.rest());
        assert_eq!(rest, serde_json::json!({ "c": [true] }));
    }
}
