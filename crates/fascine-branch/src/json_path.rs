use std::fmt;

/// A place in a JSON value, as a JSON Pointer: RFC 6901. The empty one is the whole value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JsonPath(String);

impl JsonPath {
    /// The path that this JSON Pointer writes.
    pub(crate) fn from_pointer(pointer: &str) -> Self {
        Self(pointer.to_owned())
    }

    /// The path of the field `key` of the object here.
    #[must_use]
    pub fn field(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.push_field(key);
        path
    }

    /// The path of the item `index` of the array here.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.push_item(index);
        path
    }

    /// The JSON Pointer, which [`Value::pointer`](serde_json::Value::pointer) takes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn push_field(&mut self, key: &str) {
        self.0.push('/');
        for char in key.chars() {
            match char {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                _ => self.0.push(char),
            }
        }
    }

    pub(crate) fn push_item(&mut self, index: usize) {
        self.0.push('/');
        self.0.push_str(&index.to_string());
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("the whole value"),
            false => f.write_str(&self.0),
        }
    }
}
