use std::sync::LazyLock;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::ModelFailure;

/// The fields of a document that is being written, where the user's own win.
pub(crate) struct Entries<'a, M> {
    map: M,
    extra: &'a Map<String, Value>,
    /// The fields into which the user's own have gone.
    merged: Vec<&'static str>,
}

impl<'a, M: SerializeMap> Entries<'a, M> {
    /// Begins a document that has these fields of the user's own.
    pub(crate) fn begin<S>(serializer: S, extra: &'a Map<String, Value>) -> Result<Self, S::Error>
    where
        S: Serializer<SerializeMap = M>,
    {
        let map = serializer.serialize_map(None)?;
        Ok(Self {
            map,
            extra,
            merged: Vec::new(),
        })
    }

    /// Writes a field, unless the user has one of that name.
    pub(crate) fn put<T: Serialize + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
    ) -> Result<(), M::Error> {
        if self.extra.contains_key(name) {
            return Ok(());
        }
        self.map.serialize_entry(name, value)
    }

    /// Writes a field that is set.
    pub(crate) fn put_some<T: Serialize>(
        &mut self,
        name: &str,
        value: Option<T>,
    ) -> Result<(), M::Error> {
        match value {
            Some(value) => self.put(name, &value),
            None => Ok(()),
        }
    }

    /// Writes an object into which the user's own of that name goes, field by field: in its place it would take fields
    /// away that the user has set elsewhere. `object` makes it, given those fields.
    pub(crate) fn put_merged<T: Serialize>(
        &mut self,
        name: &'static str,
        object: impl FnOnce(&'a Map<String, Value>) -> T,
    ) -> Result<(), M::Error> {
        let extra = match self.extra.get(name) {
            None => &NO_FIELDS,
            Some(Value::Object(extra)) => extra,
            Some(_) => return Ok(()),
        };
        self.merged.push(name);
        self.map.serialize_entry(name, &object(extra))
    }

    /// Writes the user's own, and ends the document.
    pub(crate) fn end(mut self) -> Result<M::Ok, M::Error> {
        for (name, value) in self.extra {
            if !self.merged.iter().any(|merged| merged == name) {
                self.map.serialize_entry(name, value)?;
            }
        }
        self.map.end()
    }
}

/// An object, and the user's own fields that go into it.
#[derive(Serialize)]
pub(crate) struct Merged<'a, T: Serialize> {
    #[serde(flatten)]
    pub(crate) object: &'a T,
    #[serde(flatten)]
    pub(crate) more: &'a Map<String, Value>,
}

/// For documents to which the user adds nothing.
pub(crate) static NO_FIELDS: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

/// A number, written without a fraction if it has none.
pub(crate) struct Number(f64);

impl Number {
    /// The field `name` of a request, if it is set.
    ///
    /// # Errors
    ///
    /// [`ModelFailure::InvalidRequest`] when JSON has no word for it.
    pub(crate) fn field(
        name: &'static str,
        value: Option<f64>,
    ) -> Result<Option<Self>, ModelFailure> {
        match value {
            Some(value) if !value.is_finite() => {
                Err(ModelFailure::invalid(name, "is not a finite number"))
            }
            value => Ok(value.map(Self)),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.0 as i64;
        let is_whole = self.0.fract() == 0.0 && self.0.abs() < 1e15;
        if is_whole {
            serializer.serialize_i64(whole)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Document<'a>(&'a Map<String, Value>);

    struct Inner<'a>(&'a Map<String, Value>);

    impl Serialize for Document<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut entries = Entries::begin(serializer, self.0)?;
            entries.put_merged("inner", Inner)?;
            entries.put_some("none", None::<u8>)?;
            entries.put("b", "ours")?;
            entries.end()
        }
    }

    impl Serialize for Inner<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut entries = Entries::begin(serializer, self.0)?;
            entries.put("z", &1)?;
            entries.put("y", &2)?;
            entries.end()
        }
    }

    #[test]
    fn what_the_user_adds_wins_and_takes_nothing_else_away() {
        for (extra, expected) in [
            (r#"{}"#, r#"{"inner":{"z":1,"y":2},"b":"ours"}"#),
            (
                r#"{"a": 0, "b": "theirs", "inner": {"x": 4, "y": 3}}"#,
                r#"{"inner":{"z":1,"x":4,"y":3},"a":0,"b":"theirs"}"#,
            ),
            (r#"{"inner": null}"#, r#"{"b":"ours","inner":null}"#),
        ] {
            let extra = serde_json::from_str(extra).unwrap();
            let written = serde_json::to_string(&Document(&extra)).unwrap();
            assert_eq!(written, expected);
        }
    }
}
