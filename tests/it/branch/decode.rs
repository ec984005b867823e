use std::error::Error;

use fascine::branch::{
    DecodeError, DecodeFailure, DecodeOptions, Decoded, JsonPath, RepairLimits, Schema, decode,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, Deserialize, JsonSchema, PartialEq)]
struct Analysis {
    summary: String,
    confidence: f64,
    topics: Vec<String>,
}

fn read(text: &str) -> Result<Decoded<Analysis>, DecodeError> {
    decode(
        text,
        &Schema::of::<Analysis>().unwrap(),
        &DecodeOptions::default(),
    )
}

#[test]
fn an_answer_full_of_faults_is_a_value_and_all_that_was_done_is_listed() {
    let decoded = read(
        "Here it is:\n```json\n{'Summary': \"It is \"fine\"\", confidance: '.9', topics: \"one\",}\n```",
    );
    let decoded = decoded.unwrap();
    let expected = Analysis {
        summary: "It is \"fine\"".into(),
        confidence: 0.9,
        topics: vec!["one".into()],
    };
    assert_eq!(decoded.value, expected);
    assert!(!decoded.repairs.is_empty() && !decoded.is_cut_off);
    assert!(decoded.coercions.len() >= 4, "{:?}", decoded.coercions);
}

#[test]
fn what_is_incomplete_is_an_error_with_what_there_is_and_what_lacks() {
    let error = read("{\"summary\": \"s\", \"topics\": [1, \"b\"]").unwrap_err();
    let incomplete = error.incomplete().unwrap();
    assert_eq!(
        incomplete.value,
        json!({"summary": "s", "topics": ["1", "b"]})
    );
    assert_eq!(
        incomplete.missing,
        [JsonPath::default().field("confidence")]
    );
    assert_eq!(incomplete.invalid, []);
    let error = read("{summary: null, confidence: 'high', topics: []}").unwrap_err();
    let incomplete = error.clone().into_incomplete().unwrap();
    assert_eq!(incomplete.missing, []);
    assert_eq!(incomplete.invalid.len(), 2);
    let source = error.source().unwrap().to_string();
    assert!(
        source.contains("/confidence is \"high\", but must be of type number"),
        "{source}"
    );
}

#[test]
fn text_without_json_is_an_error_without_a_value() {
    let error = read("I would rather not say.").unwrap_err();
    assert_eq!(&*error.text, "I would rather not say.");
    assert!(error.incomplete().is_none());
    assert!(matches!(error.failure, DecodeFailure::Json { .. }));
    let mut causes = Vec::new();
    let mut cause: Option<&dyn Error> = Some(&error);
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    assert_eq!(causes.len(), 3, "{causes:?}");
}

#[test]
fn of_several_documents_the_one_that_fits_counts() {
    let text =
        "{\"note\": 1}\n{\"summary\": \"s\", \"confidence\": 1, \"topics\": []}\n{\"note\": 2}";
    assert_eq!(read(text).unwrap().value.summary, "s");
    let error = read("{\"note\": 1}\n{\"summary\": \"s\"}").unwrap_err();
    assert_eq!(
        error.incomplete().unwrap().value["summary"],
        "s",
        "the nearest"
    );
}

#[test]
fn documents_in_a_row_are_a_list_where_a_list_is_wanted() {
    let schema = Schema::of::<Vec<Analysis>>().unwrap();
    let text = "{summary: a, confidence: 1, topics: []}\n{summary: b, confidence: 0, topics: []}";
    let decoded = decode::<Vec<Analysis>>(text, &schema, &DecodeOptions::default()).unwrap();
    assert_eq!(decoded.value.len(), 2);
}

#[test]
fn what_was_cut_off_and_fits_says_so() {
    let decoded = read("{\"confidence\": 1, \"topics\": [], \"summary\": \"unfinis").unwrap();
    assert!(decoded.is_cut_off);
    assert_eq!(decoded.value.summary, "unfinis");
}

#[test]
fn the_limits_are_those_that_were_set() {
    let options = DecodeOptions::default().with_limits(RepairLimits::default().with_bytes(3));
    let schema = Schema::of::<Analysis>().unwrap();
    let error = decode::<Analysis>("{\"a\": 1}", &schema, &options).unwrap_err();
    assert!(matches!(error.failure, DecodeFailure::Json { .. }));
}

#[test]
fn a_type_that_wants_more_than_its_schema_says_is_said() {
    #[derive(Debug, Deserialize)]
    struct Wants {
        #[allow(dead_code, reason = "it is never there")]
        more: u8,
    }
    let schema = Schema::from_value("any", json!({"type": "object"})).unwrap();
    let error = decode::<Wants>("{}", &schema, &DecodeOptions::default()).unwrap_err();
    assert!(matches!(&error.failure, DecodeFailure::Type { reason } if reason.contains("more")));
    assert_eq!(error.incomplete().unwrap().value, json!({}));
}
