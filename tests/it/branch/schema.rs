use std::collections::BTreeMap;

use fascine::branch::{Schema, Violation};
use fascine::model::OutputFormat;
use schemars::JsonSchema;
use serde_json::{Value, json};

/// An order.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is wanted")]
struct Order {
    /// What is ordered.
    item: String,
    #[schemars(range(min = 1, max = 5))]
    stars: i8,
    note: Option<String>,
    #[serde(default)]
    tags: Vec<String>,
    /// How it is sent.
    way: Way,
    reply_to: Option<Box<Order>>,
}

#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is wanted")]
enum Way {
    Air,
    Sea,
    Other(String),
}

fn said(value: Value) -> Vec<String> {
    let schema = Schema::of::<Order>().unwrap();
    let violations = schema.validate(&value).unwrap_err();
    violations.iter().map(Violation::to_string).collect()
}

#[test]
fn a_violation_says_where_what_and_what_instead() {
    let good = json!({"item": "x", "stars": 1, "way": "Air"});
    assert!(Schema::of::<Order>().unwrap().validate(&good).is_ok());
    let with = |field: &str, value: Value| {
        let mut order = good.clone();
        order[field] = value;
        said(order)
    };
    assert_eq!(
        with("stars", json!(9)),
        ["/stars is 9, but must be at most 5"]
    );
    assert_eq!(
        with("stars", json!("x")),
        ["/stars is \"x\", but must be of type integer"]
    );
    assert_eq!(
        with("tags", json!(["a", 1])),
        ["/tags/1 is 1, but must be of type string"]
    );
    assert_eq!(
        with("way", json!("Train")),
        ["/way is \"Train\", but must be one of \"Air\", \"Sea\""]
    );
    assert_eq!(
        with("way", json!({"Other": 1})),
        ["/way/Other is 1, but must be of type string"]
    );
    assert_eq!(
        with("note", json!([1, 2])),
        ["/note is an array of 2, but must be of type null or string"]
    );
    let nested = with("reply_to", json!({"item": "y", "stars": 2}));
    assert_eq!(nested, ["/reply_to/way is missing"]);
}

#[test]
fn what_is_missing_is_named_one_by_one() {
    let mut all = said(json!({"stars": 1}));
    all.sort();
    assert_eq!(all, ["/item is missing", "/way is missing"]);
}

#[test]
fn long_values_are_shortened_in_violations() {
    let said = said(json!({"item": "x", "stars": "s".repeat(10_000), "way": "Air"}));
    assert!(said[0].len() < 200, "{}", said[0].len());
}

#[test]
fn there_are_at_most_100_violations() {
    let tags: Vec<u32> = (0..1_000).collect();
    assert_eq!(
        said(json!({"item": "x", "stars": 1, "way": "Air", "tags": tags})).len(),
        100
    );
}

#[test]
fn what_providers_are_asked_for_is_closed_and_wants_every_field() {
    let OutputFormat::Schema(asked) = Schema::of::<Order>().unwrap().output_format() else {
        panic!("not a schema");
    };
    assert_eq!((asked.name.as_str(), asked.strict), ("Order", true));
    let root = &asked.schema;
    assert_eq!(
        root["required"],
        json!(["item", "note", "reply_to", "stars", "tags", "way"])
    );
    assert_eq!(root["additionalProperties"], json!(false));
    assert_eq!(root["description"], "An order.");
    assert_eq!(
        root["properties"]["item"]["description"],
        "What is ordered."
    );
    assert_eq!(
        root["properties"]["note"]["type"],
        json!(["string", "null"])
    );
    // A reference with a description beside it is put in its place.
    assert_eq!(root["properties"]["way"]["description"], "How it is sent.");
    assert!(root["properties"]["way"]["anyOf"].is_array());
    assert!(root.get("$schema").is_none());
    let text = root.to_string();
    for absent in ["oneOf", "\"default\"", "\"int8\""] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}

#[test]
fn what_cannot_be_strict_is_sent_as_it_is() {
    #[derive(JsonSchema)]
    #[allow(dead_code, reason = "only its schema is wanted")]
    struct Counts {
        by_word: BTreeMap<String, u32>,
    }
    for (schema, name) in [
        (Schema::of::<Counts>().unwrap(), "Counts"),
        (
            Schema::of::<(u8, String)>().unwrap(),
            "Array_of_uint8_and_string",
        ),
        (Schema::of::<Vec<u8>>().unwrap(), "Array_of_uint8"),
    ] {
        let OutputFormat::Schema(asked) = schema.output_format() else {
            panic!("not a schema");
        };
        assert!(!asked.strict);
        assert_eq!(&asked.schema, schema.as_value());
        assert!(
            asked.name.len() <= 64 && !asked.name.is_empty(),
            "{name}: {}",
            asked.name
        );
    }
}

#[test]
fn what_is_no_schema_is_an_error() {
    let error = Schema::from_value("odd", json!({"type": "wood"})).unwrap_err();
    assert!(
        error.to_string().starts_with("schema `odd` is not valid: "),
        "{error}"
    );
}

#[test]
fn nothing_is_fetched() {
    let schema = json!({"$ref": "https://example.org/schema.json"});
    assert!(Schema::from_value("far", schema).is_err());
}
