use serde_json::{Map, Value};

/// Puts `reasoning_details` together, as OpenRouter wants them back: pieces with one `index` and `type` are one.
pub(super) fn joined(pieces: Vec<Value>) -> Vec<Value> {
    let mut details: Vec<Map<String, Value>> = Vec::new();
    for piece in pieces {
        let Value::Object(piece) = piece else {
            continue;
        };
        let same = |known: &&mut Map<String, Value>| {
            let is_numbered = piece.get("index").is_some_and(|index| !index.is_null());
            is_numbered
                && ["index", "type"]
                    .iter()
                    .all(|name| known.get(*name) == piece.get(*name))
        };
        match details.iter_mut().rev().find(same) {
            Some(known) => extend(known, piece),
            None => details.push(piece),
        }
    }
    details.into_iter().map(Value::Object).collect()
}

/// Texts grow; everything else is filled in.
fn extend(known: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        match (known.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(Value::String(text)), Value::String(more))
                if matches!(name.as_str(), "summary" | "text") =>
            {
                text.push_str(&more);
            }
            (_, value) => {
                known.insert(name, value);
            }
        }
    }
}
