use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::open_object::owned;

/// What is read of a value that may be of another kind than expected. That is no failure: the value is given as it is.
/// What is null is the default.
pub(crate) trait Lenient<'de>: Default {
    fn from_text(text: Cow<'de, str>) -> Result<Self, Value> {
        Self::from_odd(text.into())
    }

    fn from_bool(value: bool) -> Result<Self, Value> {
        Self::from_odd(value.into())
    }

    fn from_u64(number: u64) -> Result<Self, Value> {
        Self::from_odd(number.into())
    }

    fn from_i64(number: i64) -> Result<Self, Value> {
        Self::from_odd(number.into())
    }

    fn from_f64(number: f64) -> Result<Self, Value> {
        Self::from_odd(number.into())
    }

    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Result<Self, Value>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<&RawValue>()? {
            items.push(owned(item));
        }
        Ok(Self::from_odd(items.into()))
    }

    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Result<Self, Value>, A::Error> {
        let mut fields = Map::new();
        while let Some((name, value)) = object.next_entry::<Text<'de>, &RawValue>()? {
            fields.insert(name.or_empty().to_owned(), owned(value));
        }
        Ok(Self::from_odd(fields.into()))
    }

    /// Takes a value of a kind for which nothing else is said.
    fn from_odd(odd: Value) -> Result<Self, Value> {
        Err(odd)
    }

    /// Reads whatever there is.
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Result<Self, Value>, D::Error> {
        deserializer.deserialize_any(LenientVisitor(PhantomData))
    }
}

struct LenientVisitor<T>(PhantomData<T>);

impl<'de, T: Lenient<'de>> Visitor<'de> for LenientVisitor<T> {
    type Value = Result<T, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(T::from_text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::from_text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Ok(T::default()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(T::from_bool(value))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(T::from_u64(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(T::from_i64(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(T::from_f64(number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::from_object(object)
    }
}

/// What was expected, or the value that there is instead.
#[derive(Debug)]
pub(crate) struct Fit<T>(pub(crate) Result<T, Value>);

impl<'de, T: Lenient<'de>> Deserialize<'de> for Fit<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Self)
    }
}

/// Something that is there or not.
impl<'de, T: Lenient<'de>> Lenient<'de> for Option<T> {
    fn from_text(text: Cow<'de, str>) -> Result<Self, Value> {
        T::from_text(text).map(Some)
    }

    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Result<Self, Value>, A::Error> {
        Ok(T::from_object(object)?.map(Some))
    }
}

/// Something that is rare.
impl<'de, T: Lenient<'de>> Lenient<'de> for Box<T> {
    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Result<Self, Value>, A::Error> {
        Ok(T::from_object(object)?.map(Box::new))
    }
}

/// A value as it came, if there is one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Raw<'a>(pub(crate) Option<&'a RawValue>);

impl<'de> Lenient<'de> for Raw<'de> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Result<Self, Value>, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Ok(Self(Some(raw).filter(|raw| raw.get() != "null"))))
    }
}

/// A text, borrowed where it can be; a number is one.
#[derive(Debug, Default)]
pub(crate) struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Text<'a> {
    /// The text, if there is any.
    pub(crate) fn as_str(&self) -> Option<&str> {
        self.0.as_deref().filter(|text| !text.is_empty())
    }

    /// The text, or an empty one.
    pub(crate) fn or_empty(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// As [`as_str`](Self::as_str).
    pub(crate) fn into_string(self) -> Option<String> {
        self.0.map(Cow::into_owned).filter(|text| !text.is_empty())
    }
}

impl<'de> Lenient<'de> for Text<'de> {
    fn from_text(text: Cow<'de, str>) -> Result<Self, Value> {
        Ok(Self(Some(text)))
    }

    fn from_u64(number: u64) -> Result<Self, Value> {
        Ok(Self(Some(number.to_string().into())))
    }

    fn from_i64(number: i64) -> Result<Self, Value> {
        Ok(Self(Some(number.to_string().into())))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lenient::read(deserializer).map(Result::unwrap_or_default)
    }
}

/// A count; a text of one is one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count(pub(crate) Option<u64>);

impl Count {
    pub(crate) fn or_zero(self) -> u64 {
        self.0.unwrap_or_default()
    }
}

impl<'de> Lenient<'de> for Count {
    fn from_text(text: Cow<'de, str>) -> Result<Self, Value> {
        let count = text.parse().map_err(|_| Value::from(text))?;
        Ok(Self(Some(count)))
    }

    fn from_u64(count: u64) -> Result<Self, Value> {
        Ok(Self(Some(count)))
    }

    fn from_f64(count: f64) -> Result<Self, Value> {
        match count >= 0.0 {
            true => Ok(Self(Some(count as u64))),
            false => Err(count.into()),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lenient::read(deserializer).map(Result::unwrap_or_default)
    }
}

/// Something that holds or not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flag(pub(crate) bool);

impl Lenient<'_> for Flag {
    fn from_bool(value: bool) -> Result<Self, Value> {
        Ok(Self(value))
    }
}

/// A list, if there is one.
#[derive(Debug)]
pub(crate) struct List<T>(pub(crate) Option<Vec<T>>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> List<T> {
    /// What is in it; nothing if there is none.
    pub(crate) fn into_items(self) -> Vec<T> {
        self.0.unwrap_or_default()
    }
}

impl<'de, T: Deserialize<'de>> Lenient<'de> for List<T> {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Result<Self, Value>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Ok(Self(Some(items))))
    }
}
