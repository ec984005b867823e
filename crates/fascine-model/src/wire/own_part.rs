use fascine_message::Part;
use serde_json::{Map, Value};

/// Something that only the provider of this name has.
pub(crate) fn own_part(provider: &str, value: impl Into<Value>) -> Part {
    Part::Other {
        provider: provider.to_owned(),
        value: value.into(),
    }
}

/// What else there was to the part before it, for the providers whose parts do not say what they are: in an object that
/// holds nothing else.
pub(crate) fn more_of_part(provider: &str, fields: Map<String, Value>) -> Part {
    own_part(provider, Map::from_iter([(MORE.to_owned(), fields.into())]))
}

/// The fields in what [`more_of_part`] makes.
pub(crate) fn as_more_of_part(value: &Value) -> Option<&Map<String, Value>> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get(MORE)?.as_object()
}

const MORE: &str = "more";
