use serde::{Serialize, Serializer};
use serde_json::Value;

/// Writes the schema of a tool's arguments. A tool without arguments may have none; then it is that of some object.
pub(crate) fn schema_of_object<S: Serializer>(
    schema: &Value,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let says_nothing = match schema {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match says_nothing {
        true => SomeObject { kind: "object" }.serialize(serializer),
        false => schema.serialize(serializer),
    }
}

#[derive(Serialize)]
struct SomeObject {
    #[serde(rename = "type")]
    kind: &'static str,
}
