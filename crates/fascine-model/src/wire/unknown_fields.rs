use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::open_object::{Field, Rest, owned_fields};

/// The fields of an answer that are not known, each at the place where it stood: in an object of the name of each object,
/// or of the number in each list, that it was in.
#[derive(Debug, Default)]
pub(crate) struct UnknownFields {
    /// Those of the document, as they came last.
    top: Vec<(String, Box<str>)>,
    /// Those further down.
    below: Map<String, Value>,
}

impl UnknownFields {
    /// Keeps those of a document, which replace what the one before had: nearly always each repeats them.
    pub(crate) fn of_document(&mut self, rest: Rest<'_>) {
        for (name, field) in rest {
            let name = name.or_empty();
            match (self.top.iter_mut().find(|(known, _)| known == name), field) {
                (Some((_, known)), Field::Raw(raw)) if **known == *raw.get() => {}
                (Some((_, known)), field) => *known = field.into_text(),
                (None, field) => self.top.push((name.to_owned(), field.into_text())),
            }
        }
    }

    /// Keeps those of an object that comes in pieces: lists grow, objects are put together, everything else is replaced.
    pub(crate) fn of_piece(&mut self, place: &[&str], rest: Rest<'_>) {
        self.of_piece_values(place, owned_fields(rest));
    }

    /// As [`of_piece`](Self::of_piece), for fields that have been read.
    pub(crate) fn of_piece_values(&mut self, place: &[&str], fields: Map<String, Value>) {
        for (name, value) in fields {
            merge(self.object(place).entry(name).or_insert(Value::Null), value);
        }
    }

    /// Keeps those of an object that is said anew each time.
    pub(crate) fn of_whole(&mut self, place: &[&str], rest: Rest<'_>) {
        for (name, field) in rest {
            let fields = self.object(place);
            fields.insert(name.or_empty().to_owned(), field.into_value());
        }
    }

    /// Keeps an object of which nothing is known, as one more of the list at this place.
    pub(crate) fn one_more(&mut self, place: &[&str], name: &str, object: Value) {
        let list = self.object(place).entry(name).or_insert(Value::Null);
        merge(list, Value::Array(vec![object]));
    }

    /// Takes a field of an object in the document.
    pub(crate) fn take(&mut self, object: &str, field: &str) -> Option<Value> {
        self.below.get_mut(object)?.as_object_mut()?.remove(field)
    }

    /// Keeps a known field that has an unknown value, if it has.
    pub(crate) fn put(&mut self, place: &[&str], name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.object(place).insert(name.to_owned(), value.into());
        }
    }

    /// All of them, for [`Response::extra`](crate::Response::extra). Those of the document stand at the top, and so do
    /// those of the objects that are `near` it, of which there is one each; what has a name that is taken stays in its
    /// place.
    pub(crate) fn take_extra(&mut self, near: &[&str]) -> Map<String, Value> {
        let mut extra = std::mem::take(&mut self.below);
        let near = near.iter().map(|place| (*place, extra.remove(*place)));
        let near: Vec<_> = near.collect();
        for (name, raw) in self.top.drain(..) {
            let value = serde_json::from_str(&raw).unwrap_or_else(|_| Value::from(&*raw));
            raise(&mut extra, "document", name, value);
        }
        for (place, fields) in near {
            if let Some(Value::Object(fields)) = fields {
                for (name, value) in fields {
                    raise(&mut extra, place, name, value);
                }
            }
        }
        extra
    }

    fn object(&mut self, place: &[&str]) -> &mut Map<String, Value> {
        object_at(&mut self.below, place)
    }
}

/// The object at a place, made if there is none.
fn object_at<'m>(
    mut fields: &'m mut Map<String, Value>,
    place: &[&str],
) -> &'m mut Map<String, Value> {
    for name in place {
        let field = fields.entry(*name).or_insert(Value::Null);
        if !field.is_object() {
            *field = Map::new().into();
        }
        fields = field.as_object_mut().expect("it was made one");
    }
    fields
}

/// Puts a field at the top, or leaves it at its place if the name is taken.
fn raise(extra: &mut Map<String, Value>, place: &str, name: String, value: Value) {
    match extra.entry(name) {
        Entry::Vacant(free) => {
            free.insert(value);
        }
        Entry::Occupied(taken) => {
            let name = taken.key().clone();
            object_at(extra, &[place]).insert(name, value);
        }
    }
}

/// Lists grow, objects are put together, everything else is replaced.
pub(crate) fn merge(into: &mut Value, value: Value) {
    match (into, value) {
        (Value::Array(list), Value::Array(more)) => list.extend(more),
        (Value::Object(fields), Value::Object(more)) => {
            for (name, value) in more {
                merge(fields.entry(name).or_insert(Value::Null), value);
            }
        }
        (_, Value::Null) => {}
        (into, value) => *into = value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wire::{Count, open_object};

    open_object! {
        /// An object that has nothing of interest in it.
        Dull<'a> {
            dull: Count = "dull",
        }
    }

    fn rest(json: &str) -> Rest<'_> {
        serde_json::from_str::<Dull<'_>>(json).unwrap().rest
    }

    fn taken(mut unknown: UnknownFields) -> Value {
        unknown.take_extra(&["message"]).into()
    }

    #[test]
    fn each_field_is_where_it_stood() {
        let mut unknown = UnknownFields::default();
        unknown.of_document(rest(r#"{"a": 1, "dull": 0}"#));
        unknown.of_document(rest(r#"{"a": 2}"#));
        for piece in [
            r#"{"b": [1], "c": {"x": 1}}"#,
            r#"{"b": [2], "c": {"y": 2}}"#,
        ] {
            unknown.of_piece(&["message"], rest(piece));
            unknown.of_whole(&["usage", "details"], rest(piece));
        }
        unknown.one_more(&["events"], "new", json!({ "x": 1 }));
        unknown.one_more(&["events"], "new", json!({ "x": 2 }));
        let expected = json!({
            "a": 2,
            "b": [1, 2],
            "c": { "x": 1, "y": 2 },
            "usage": { "details": { "b": [2], "c": { "y": 2 } } },
            "events": { "new": [{ "x": 1 }, { "x": 2 }] },
        });
        assert_eq!(taken(unknown), expected);
    }

    #[test]
    fn one_name_at_several_places_is_several_fields() {
        let mut unknown = UnknownFields::default();
        unknown.of_document(rest(r#"{"a": 1, "usage": 2}"#));
        unknown.of_piece(&["message"], rest(r#"{"a": 3, "usage": 4}"#));
        unknown.of_piece(&["usage"], rest(r#"{"a": 5}"#));
        let expected = json!({
            "a": 1,
            "usage": { "a": 5 },
            "document": { "usage": 2 },
            "message": { "a": 3, "usage": 4 },
        });
        assert_eq!(taken(unknown), expected);
    }
}
