use fascine::branch::{
    CoercionKind, ConformError, Conformed, KeyMatching, Schema, Unmatched, conform,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Report {
    title: String,
    page_count: u32,
    score: Option<f64>,
    mood: Mood,
    authors: Vec<Author>,
    shape: Shape,
    #[serde(default)]
    tags: Vec<String>,
    parent: Option<Box<Report>>,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Author {
    full_name: String,
    birth_year: Option<i32>,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
enum Mood {
    Cheerful,
    Gloomy,
}

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
#[serde(tag = "kind")]
enum Shape {
    Circle { radius: f64 },
    Square { side_length: f64 },
}

fn fit(value: Value) -> Conformed {
    let schema = Schema::of::<Report>().unwrap();
    conform(value, &schema, &KeyMatching::default()).unwrap()
}

fn good() -> Value {
    json!({
        "title": "t", "page_count": 1, "mood": "Gloomy", "authors": [{"full_name": "a"}],
        "shape": {"kind": "Circle", "radius": 1.5},
    })
}

#[test]
fn what_fits_stays_as_it_is() {
    let conformed = fit(good());
    assert_eq!((conformed.value, conformed.coercions), (good(), vec![]));
}

#[test]
fn keys_are_matched_at_every_level_through_references_and_alternatives() {
    let conformed = fit(json!({
        "Title": "t", "pageCount": 1, "mood": "Gloomy", "author": [{"fullName": "a", "birthYear": 1}],
        "shape": {"kind": "Square", "sideLength": 2},
        "parent": {"TITLE": "p", "pages_count": 2, "mood": "Cheerful", "authors": [], "shape": {"kind": "Circle", "radius": 1}},
    }));
    let report: Report = serde_json::from_value(conformed.value).unwrap();
    assert_eq!(report.authors[0].birth_year, Some(1));
    assert_eq!(report.shape, Shape::Square { side_length: 2.0 });
    assert_eq!(report.parent.unwrap().page_count, 2);
    let places: Vec<&str> = conformed
        .coercions
        .iter()
        .map(|one| one.path.as_str())
        .collect();
    for place in [
        "/title",
        "/page_count",
        "/authors/0/full_name",
        "/shape/side_length",
        "/parent/title",
    ] {
        assert!(places.contains(&place), "{place} in {places:?}");
    }
}

/// A change of the good value, what it becomes, and what is said of it.
#[test]
fn each_coercion_is_done_where_its_meaning_is_plain_and_said() {
    let renamed = |from: &str| CoercionKind::Renamed {
        from: from.into(),
        score: 1.0,
    };
    let parsed = |from: &str| CoercionKind::Parsed { from: from.into() };
    let cases = [
        ("page_count", json!("12"), json!(12), parsed("12")),
        ("page_count", json!(12.0), json!(12), CoercionKind::Integer),
        ("score", json!("0.5"), json!(0.5), parsed("0.5")),
        ("title", json!(7), json!("7"), CoercionKind::Spelled),
        ("title", json!(true), json!("true"), CoercionKind::Spelled),
        (
            "mood",
            json!("cheerful"),
            json!("Cheerful"),
            CoercionKind::EnumValue {
                from: "cheerful".into(),
            },
        ),
        (
            "mood",
            json!("Gloomey"),
            json!("Gloomy"),
            CoercionKind::EnumValue {
                from: "Gloomey".into(),
            },
        ),
        ("tags", json!("one"), json!(["one"]), CoercionKind::Wrapped),
        (
            "tags",
            json!("['a', 'b']"),
            json!(["a", "b"]),
            parsed("['a', 'b']"),
        ),
        (
            "authors",
            json!({"full_name": "a"}),
            json!([{"full_name": "a"}]),
            CoercionKind::Wrapped,
        ),
        ("Tags", json!(["x"]), json!(["x"]), renamed("Tags")),
    ];
    for (field, given, expected, kind) in cases {
        let mut value = good();
        value[field] = given;
        let conformed = fit(value);
        let field = field.to_lowercase();
        assert_eq!(conformed.value[&field], expected, "{field}");
        assert_eq!(conformed.coercions.len(), 1, "{:?}", conformed.coercions);
        assert_eq!(conformed.coercions[0].path.as_str(), format!("/{field}"));
        assert_eq!(conformed.coercions[0].kind, kind);
        serde_json::from_value::<Report>(conformed.value).unwrap();
    }
}

#[test]
fn what_is_not_plain_is_left_for_the_schema_to_say() {
    let cases = [
        ("page_count", json!("1,234")),
        ("page_count", json!("many")),
        ("page_count", json!(1.5)),
        ("mood", json!("sad")),
        ("title", json!(null)),
        ("tags", json!(null)),
        ("shape", json!(7)),
    ];
    for (field, given) in cases {
        let mut value = good();
        value[field] = given.clone();
        let conformed = fit(value);
        assert_eq!(conformed.value[field], given);
        assert_eq!(conformed.coercions, [], "{field}");
        assert!(
            Schema::of::<Report>()
                .unwrap()
                .validate(&conformed.value)
                .is_err()
        );
    }
}

#[test]
fn null_stands_for_a_required_field_that_may_be_null() {
    let schema = json!({
        "type": "object", "required": ["a", "b"],
        "properties": {"a": {"type": ["string", "null"]}, "b": {"type": "string"}},
    });
    let schema = Schema::from_value("x", schema).unwrap();
    let conformed = conform(json!({}), &schema, &KeyMatching::default()).unwrap();
    assert_eq!(conformed.value, json!({"a": null}));
    assert_eq!(conformed.coercions[0].kind, CoercionKind::Null);
}

#[test]
fn keys_of_maps_are_nobodys_misspelling() {
    let schema = json!({
        "type": "object", "properties": {"name": {"type": "string"}},
        "additionalProperties": {"type": "integer"},
    });
    let schema = Schema::from_value("x", schema).unwrap();
    let value = json!({"nmae": "3", "names": 4});
    let conformed = conform(value, &schema, &KeyMatching::default()).unwrap();
    assert_eq!(conformed.value, json!({"nmae": 3, "names": 4}));
}

#[test]
fn what_is_dropped_is_said_with_its_value() {
    let schema = Schema::of::<Author>().unwrap();
    let matching = KeyMatching::default().with_unmatched(Unmatched::Remove);
    let value = json!({"full_name": "a", "shoe": 42});
    let conformed = conform(value, &schema, &matching).unwrap();
    assert_eq!(conformed.value, json!({"full_name": "a"}));
    assert_eq!(
        conformed.coercions[0].kind,
        CoercionKind::Dropped { value: json!(42) }
    );
    assert_eq!(conformed.coercions[0].to_string(), "dropped /shoe");
}

#[test]
fn an_error_of_keys_says_where_they_are() {
    let schema = Schema::of::<Report>().unwrap();
    let matching = KeyMatching::default().with_unmatched(Unmatched::Raise);
    let mut value = good();
    value["authors"][0]["shoe"] = json!(42);
    let error = conform(value, &schema, &matching).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the keys at /authors/0 do not match the schema"
    );
}

#[test]
fn references_in_a_circle_end() {
    let schema = json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}]}}});
    let schema = Schema::from_value("x", schema).unwrap();
    let error = conform(json!(1), &schema, &KeyMatching::default()).unwrap_err();
    assert!(matches!(error, ConformError::TooDeep { .. }), "{error}");
}

#[test]
fn a_list_of_coercions_at_long_paths_is_bounded() {
    let schema = json!({"additionalProperties": {"items": {"type": "integer"}}});
    let schema = Schema::from_value("x", schema).unwrap();
    let value = json!({"k".repeat(1_000_000): vec!["1"; 100]});
    let error = conform(value, &schema, &KeyMatching::default()).unwrap_err();
    assert!(matches!(error, ConformError::TooMuchWork { .. }), "{error}");
}
