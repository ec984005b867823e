use serde_json::{Map, Value};

use crate::problem::Problem;

/// An object in a request, and where it is; every complaint names the field.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

/// The fields of a request's body.
pub(crate) fn read(body: &[u8]) -> Result<Value, Problem> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(Value::Object(fields)),
        Ok(_) => Err(Problem::invalid(None, "The body is not a JSON object.")),
        Err(error) => {
            let message = format!("The body is not valid JSON: {error}.");
            Err(Problem::invalid(None, message))
        }
    }
}

impl<'a> Fields<'a> {
    /// The fields of a value that is to be an object.
    pub(crate) fn of(value: &'a Value, path: impl Into<String>) -> Result<Self, Problem> {
        let path = path.into();
        match value {
            Value::Object(map) => Ok(Self { map, path }),
            _ => Err(Problem::wrong(path, "an object")),
        }
    }

    /// The path of a field.
    pub(crate) fn at(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The value of a field; null is as good as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, Problem> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::wrong(self.at(name), "a string")),
            None => Ok(None),
        }
    }

    /// A string that must be there and not be empty.
    pub(crate) fn name(&self, name: &str) -> Result<&'a str, Problem> {
        match self.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(_) => Err(Problem::wrong(self.at(name), "a non-empty string")),
            None => Err(Problem::missing(self.at(name))),
        }
    }

    /// A string that must be one of those.
    pub(crate) fn one_of(&self, name: &str, known: &[&str]) -> Result<&'a str, Problem> {
        let text = self
            .text(name)?
            .ok_or_else(|| Problem::missing(self.at(name)))?;
        if known.contains(&text) {
            Ok(text)
        } else {
            let expected = format!("one of {}", known.join(", "));
            Err(Problem::wrong(self.at(name), &expected))
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Problem> {
        match self.get(name) {
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(Problem::wrong(self.at(name), "a boolean")),
            None => Ok(None),
        }
    }

    /// A whole number above zero.
    pub(crate) fn count(&self, name: &str) -> Result<Option<u64>, Problem> {
        match self.get(name).map(Value::as_u64) {
            Some(Some(count)) if count > 0 => Ok(Some(count)),
            Some(_) => Err(Problem::wrong(self.at(name), "a whole number above 0")),
            None => Ok(None),
        }
    }

    /// Checks that a number, if it is there, lies within bounds.
    pub(crate) fn within(&self, name: &str, from: f64, to: f64) -> Result<(), Problem> {
        match self.get(name).map(Value::as_f64) {
            Some(Some(number)) if (from..=to).contains(&number) => Ok(()),
            Some(_) => {
                let expected = format!("a number from {from} to {to}");
                Err(Problem::wrong(self.at(name), &expected))
            }
            None => Ok(()),
        }
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, Problem> {
        self.get(name)
            .map(|value| Self::of(value, self.at(name)))
            .transpose()
    }

    /// The objects of a list; absent is empty.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Self>, Problem> {
        match self.get(name) {
            Some(Value::Array(items)) => {
                let path = self.at(name);
                let items = items.iter().enumerate();
                items
                    .map(|(index, item)| Self::of(item, format!("{path}[{index}]")))
                    .collect()
            }
            Some(_) => Err(Problem::wrong(self.at(name), "an array")),
            None => Ok(Vec::new()),
        }
    }

    /// The objects of a list that must be there and not be empty.
    pub(crate) fn some_objects(&self, name: &str) -> Result<Vec<Self>, Problem> {
        match self.get(name) {
            Some(Value::Array(items)) if !items.is_empty() => self.objects(name),
            Some(_) => Err(Problem::wrong(self.at(name), "a non-empty array")),
            None => Err(Problem::missing(self.at(name))),
        }
    }
}
