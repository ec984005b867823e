use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::lenient::Text;

/// An object of which some fields are known, and the others are not lost.
///
/// It does what `#[serde(flatten)]` does with a map of values, but borrows, and reads each field once. What is no object
/// is one without fields.
pub(crate) trait OpenObject<'de>: Default {
    /// Reads the value of the field `name`, if it is known.
    fn known<A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<Known, A::Error>;

    /// Takes a field that is not known.
    fn unknown(&mut self, name: Text<'de>, value: &'de RawValue);

    /// Reads an object.
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ObjectVisitor(PhantomData))
    }
}

/// Whether a field is known: then its value has been read.
pub(crate) enum Known {
    No,
    Yes,
}

/// The fields that are not known, as they came.
pub(crate) type Rest<'a> = Vec<(Text<'a>, &'a RawValue)>;

/// Makes types that are [`OpenObject`] deserializable.
macro_rules! open_objects {
    ($($name:ident),+) => {$(
        impl<'de: 'a, 'a> serde::Deserialize<'de> for $name<'a> {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::wire::OpenObject::read(deserializer)
            }
        }
    )+};
}
pub(crate) use open_objects;

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: OpenObject<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut object = T::default();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            if let Known::No = object.known(name.or_empty(), &mut map)? {
                object.unknown(name, map.next_value()?);
            }
        }
        Ok(object)
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }
}
