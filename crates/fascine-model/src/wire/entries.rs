use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::ModelFailure;

/// The fields of a document that is being written, where the user's own win.
pub(crate) struct Entries<'a, M> {
    map: M,
    extra: &'a Map<String, Value>,
}

impl<'a, M: SerializeMap> Entries<'a, M> {
    /// Begins a document that has these fields of the user's own.
    pub(crate) fn begin<S>(serializer: S, extra: &'a Map<String, Value>) -> Result<Self, S::Error>
    where
        S: Serializer<SerializeMap = M>,
    {
        let map = serializer.serialize_map(None)?;
        Ok(Self { map, extra })
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

    /// Writes the user's own, and ends the document.
    pub(crate) fn end(mut self) -> Result<M::Ok, M::Error> {
        for (name, value) in self.extra {
            self.map.serialize_entry(name, value)?;
        }
        self.map.end()
    }
}

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
