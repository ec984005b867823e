use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::lenient::Text;

/// The fields that are not known, or are something else than expected.
pub(crate) type Rest<'a> = Vec<(Text<'a>, Field<'a>)>;

/// The value of a field that is not known.
#[derive(Debug)]
pub(crate) enum Field<'a> {
    Raw(&'a RawValue),
    Value(Value),
}

impl Field<'_> {
    /// Whether it came as this text.
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self, Self::Raw(raw) if raw.get() == text)
    }

    /// The text that it came as, or could have.
    pub(crate) fn into_text(self) -> Box<str> {
        match self {
            Self::Raw(raw) => raw.get().into(),
            Self::Value(value) => value.to_string().into(),
        }
    }

    /// The value itself, or its text if it is nested too deeply to be one.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Raw(raw) => owned(raw),
            Self::Value(value) => value,
        }
    }
}

/// Makes a type of an object of which some fields are known, and the others are not lost: they are in its `rest`, and so
/// are known ones that are something else than expected. A field that is null is none.
///
/// It does what `#[serde(flatten)]` does with a map of values, but borrows, and reads each field once. The last of several
/// fields with one name wins.
macro_rules! open_object {
    (
        $(#[$note:meta])*
        $name:ident<$life:lifetime> {
            $($(#[$field_note:meta])* $field:ident: $kind:ty = $($key:literal)|+,)*
        }
    ) => {
        $(#[$note])*
        #[derive(Debug, Default)]
        pub(super) struct $name<$life> {
            $($(#[$field_note])* pub(super) $field: $kind,)*
            /// What is not known.
            pub(super) rest: $crate::wire::Rest<$life>,
        }

        impl<$life> $crate::wire::Lenient<$life> for $name<$life> {
            fn from_object<A: serde::de::MapAccess<$life>>(
                mut map: A,
            ) -> Result<Result<Self, serde_json::Value>, A::Error> {
                use $crate::wire::{Field, Fit, Raw, Text};

                let mut object = Self::default();
                while let Some(name) = map.next_key::<Text<$life>>()? {
                    match name.or_empty() {
                        $($($key)|+ => match map.next_value::<Fit<$kind>>()?.0 {
                            Ok(value) => object.$field = value,
                            Err(odd) => object.rest.push((name, Field::Value(odd))),
                        })*
                        _ => {
                            if let Ok(Raw(Some(raw))) = map.next_value::<Fit<Raw<$life>>>()?.0 {
                                object.rest.push((name, Field::Raw(raw)));
                            }
                        }
                    }
                }
                Ok(Ok(object))
            }
        }

        impl<'de: $life, $life> serde::Deserialize<'de> for $name<$life> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::Lenient::read(deserializer).map(Result::unwrap_or_default)
            }
        }
    };
}
pub(crate) use open_object;

/// The fields, as values.
pub(crate) fn owned_fields(rest: Rest<'_>) -> Map<String, Value> {
    let owned = |(name, field): (Text<'_>, Field<'_>)| {
        let name = name.into_string().unwrap_or_default();
        (name, field.into_value())
    };
    rest.into_iter().map(owned).collect()
}

/// The value itself, or its text if it is nested too deeply to be one.
pub(crate) fn owned(value: &RawValue) -> Value {
    serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::{Count, Fit};

    open_object! {
        /// Something with a count.
        Counted<'a> {
            count: Count = "count" | "number",
        }
    }

    #[test]
    fn what_is_not_known_is_kept() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        let json = format!(
            r#"{{"number": 1, "b": null, "\u0063": [true], "a": 1, "count": 2, "a": 3, "d": {deep}}}"#
        );
        let object: Counted<'_> = serde_json::from_str(&json).unwrap();
        assert_eq!(object.count.0, Some(2));
        let rest = Value::Object(owned_fields(object.rest));
        assert_eq!(rest, json!({ "c": [true], "a": 3, "d": deep }));
    }

    #[test]
    fn what_is_something_else_is_kept() {
        let object: Counted<'_> = serde_json::from_str(r#"{"count": [1, {"a": -2}]}"#).unwrap();
        assert_eq!(object.count.0, None);
        let rest = Value::Object(owned_fields(object.rest));
        assert_eq!(rest, json!({ "count": [1, { "a": -2 }] }));
        for odd in [
            json!(7),
            json!(-7),
            json!(0.5),
            json!(true),
            json!("x"),
            json!([{ "a": 1 }]),
        ] {
            let json = odd.to_string();
            let read = serde_json::from_str::<Fit<Counted<'_>>>(&json).unwrap().0;
            assert_eq!(read.unwrap_err(), odd);
        }
    }
}
