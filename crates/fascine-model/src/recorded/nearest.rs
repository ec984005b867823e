use std::collections::BTreeSet;

use serde_json::Value;

/// Says where a request differs from the one that is most like it.
pub(crate) fn describe<'a>(
    asked: &Value,
    recorded: impl Iterator<Item = &'a Value>,
) -> Option<String> {
    let differences = recorded.map(|recorded| {
        let mut differences = Vec::new();
        compare(asked, recorded, String::new(), &mut differences);
        differences
    });
    let nearest = differences.min_by_key(Vec::len)?;
    let first = nearest.first()?;
    let more = match nearest.len() - 1 {
        0 => String::new(),
        1 => ", and in one place more".to_owned(),
        more => format!(", and in {more} places more"),
    };
    let (asked, recorded) = (excerpt(first.asked), excerpt(first.recorded));
    Some(format!(
        "the nearest differs at {}: it has {recorded}, this one {asked}{more}",
        first.place
    ))
}

struct Difference<'a> {
    /// A JSON pointer.
    place: String,
    asked: Option<&'a Value>,
    recorded: Option<&'a Value>,
}

fn compare<'a>(
    asked: &'a Value,
    recorded: &'a Value,
    place: String,
    differences: &mut Vec<Difference<'a>>,
) {
    let mut enter = |name: &str, asked: Option<&'a Value>, recorded: Option<&'a Value>| {
        let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
        match (asked, recorded) {
            (Some(asked), Some(recorded)) => compare(asked, recorded, place, differences),
            (asked, recorded) => differences.push(Difference {
                place,
                asked,
                recorded,
            }),
        }
    };
    match (asked, recorded) {
        (Value::Object(asked), Value::Object(recorded)) => {
            // In the order of their names, whatever order the objects have.
            let names: BTreeSet<&String> = asked.keys().chain(recorded.keys()).collect();
            for name in names {
                enter(name, asked.get(name), recorded.get(name));
            }
        }
        (Value::Array(asked), Value::Array(recorded)) => {
            for index in 0..asked.len().max(recorded.len()) {
                enter(&index.to_string(), asked.get(index), recorded.get(index));
            }
        }
        _ if asked == recorded => {}
        _ => differences.push(Difference {
            place,
            asked: Some(asked),
            recorded: Some(recorded),
        }),
    }
}

fn excerpt(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}..", &text[..end]),
        None => text,
    }
}

/// How many characters of a value are shown.
const EXCERPT: usize = 60;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_first_difference_from_the_nearest_is_told() {
        let recorded = [
            json!({ "messages": [{ "text": "other" }], "model": "m", "temperature": 1 }),
            json!({ "messages": [{ "text": "legs" }], "model": "m" }),
        ];
        let asked = json!({ "messages": [{ "text": "arms" }], "model": "m" });
        assert_eq!(
            describe(&asked, recorded.iter()).unwrap(),
            "the nearest differs at /messages/0/text: it has \"legs\", this one \"arms\""
        );
        let asked = json!({ "messages": [{ "text": "legs" }, 2], "a/b": null });
        assert_eq!(
            describe(&asked, recorded[1..].iter()).unwrap(),
            "the nearest differs at /a~1b: it has nothing, this one null, and in 2 places more"
        );
        assert_eq!(describe(&asked, [].iter()), None);
    }
}
