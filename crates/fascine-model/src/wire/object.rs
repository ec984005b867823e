use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

/// What writes the fields of an object, always in the same order: a provider finds a prompt in its cache by its bytes.
pub(crate) trait WriteFields {
    fn write<M: SerializeMap>(&self, object: &mut Object<'_, M>) -> Result<(), M::Error>;
}

/// An object that is being written, to which the user adds fields of their own; those win.
pub(crate) struct Object<'a, M> {
    map: M,
    extra: Option<&'a Map<String, Value>>,
    merged: Vec<&'static str>,
}

impl<'a, M: SerializeMap> Object<'a, M> {
    pub(crate) fn put<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), M::Error> {
        match self.own(name) {
            Some(_) => Ok(()),
            None => self.map.serialize_entry(name, value),
        }
    }

    pub(crate) fn put_some<T: Serialize>(
        &mut self,
        name: &'static str,
        value: Option<T>,
    ) -> Result<(), M::Error> {
        value.map_or(Ok(()), |value| self.put(name, &value))
    }

    /// Writes an object into which the user's one of the same name goes, instead of in the place of it.
    pub(crate) fn put_object(
        &mut self,
        name: &'static str,
        fields: &impl WriteFields,
    ) -> Result<(), M::Error> {
        let extra = match self.own(name) {
            Some(Value::Object(extra)) => Some(extra),
            Some(_) => return Ok(()),
            None => None,
        };
        self.merged.push(name);
        self.map.serialize_entry(name, &Extended { fields, extra })
    }

    fn own(&self, name: &str) -> Option<&'a Value> {
        self.extra?.get(name)
    }
}

/// Fields, and those of the user.
pub(crate) struct Extended<'a, F> {
    pub(crate) fields: &'a F,
    pub(crate) extra: Option<&'a Map<String, Value>>,
}

impl<F: WriteFields> Serialize for Extended<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = Object {
            map: serializer.serialize_map(None)?,
            extra: self.extra,
            merged: Vec::new(),
        };
        self.fields.write(&mut object)?;
        for (name, value) in self.extra.into_iter().flatten() {
            if !object.merged.iter().any(|merged| merged == name) {
                object.map.serialize_entry(name, value)?;
            }
        }
        object.map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Inner;

    impl WriteFields for Inner {
        fn write<M: SerializeMap>(&self, object: &mut Object<'_, M>) -> Result<(), M::Error> {
            object.put("z", &1)?;
            object.put("y", &2)
        }
    }

    struct Outer;

    impl WriteFields for Outer {
        fn write<M: SerializeMap>(&self, object: &mut Object<'_, M>) -> Result<(), M::Error> {
            object.put_object("inner", &Inner)?;
            object.put_some("none", None::<u8>)?;
            object.put("b", "ours")
        }
    }

    fn written(extra: &Value) -> String {
        let extra = extra.as_object();
        let object = Extended {
            fields: &Outer,
            extra,
        };
        serde_json::to_string(&object).unwrap()
    }

    #[test]
    fn what_the_user_adds_wins_and_takes_nothing_else_away() {
        let plain = serde_json::json!({});
        assert_eq!(written(&plain), r#"{"inner":{"z":1,"y":2},"b":"ours"}"#);
        let extra = serde_json::json!({ "a": 0, "b": "theirs", "inner": { "y": 3, "x": 4 } });
        assert_eq!(
            written(&extra),
            r#"{"inner":{"z":1,"x":4,"y":3},"a":0,"b":"theirs"}"#
        );
        let other = serde_json::json!({ "inner": null });
        assert_eq!(written(&other), r#"{"b":"ours","inner":null}"#);
    }
}
