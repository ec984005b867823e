use fascine::branch::{KeyMatching, MatchError, MatchedKeys, Similarity, Unmatched, match_keys};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn matched(value: Value, fields: &[&str], matching: &KeyMatching) -> MatchedKeys {
    match_keys(object(value), fields.iter().copied(), matching).unwrap()
}

#[test]
fn names_that_differ_in_case_and_separators_are_the_same() {
    for key in [
        "userName",
        "UserName",
        "user-name",
        "USER_NAME",
        "user name",
        "username",
    ] {
        let matched = matched(json!({key: 1}), &["user_name"], &KeyMatching::default());
        assert_eq!(
            Value::Object(matched.object),
            json!({"user_name": 1}),
            "{key}"
        );
        assert_eq!(matched.renamed[0].score, 1.0);
    }
}

#[test]
fn similar_names_are_a_match_from_the_threshold_on() {
    let default = KeyMatching::default();
    let close = matched(json!({"confidense": 1}), &["confidence"], &default);
    assert_eq!(close.object["confidence"], 1);
    let far = matched(json!({"colour": 1}), &["weight"], &default);
    assert_eq!(
        (far.unmatched, far.missing),
        (vec!["colour".into()], vec!["weight".into()])
    );
    let exact = default.with_threshold(1.0).unwrap();
    let none = matched(json!({"confidense": 1}), &["confidence"], &exact);
    assert_eq!(none.missing, ["confidence"]);
}

#[test]
fn a_threshold_outside_of_0_to_1_is_an_error() {
    for threshold in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        let error = KeyMatching::default()
            .with_threshold(threshold)
            .unwrap_err();
        assert!(matches!(error, MatchError::Threshold { .. }));
    }
    let error = KeyMatching::default().with_threshold(2.0).unwrap_err();
    assert_eq!(error.to_string(), "the threshold 2 is not between 0 and 1");
}

#[test]
fn the_best_pair_of_all_wins_and_not_the_first() {
    // Greedy by keys, `nam` would take `name` and leave nothing for `nome`, which has no other.
    let fields = ["name", "names"];
    let matched = matched(
        json!({"nmaes": 1, "nam": 2}),
        &fields,
        &KeyMatching::default(),
    );
    assert_eq!(
        Value::Object(matched.object),
        json!({"names": 1, "name": 2})
    );
}

#[test]
fn an_exact_key_is_never_taken_by_another() {
    let fields = ["user_name"];
    let matched = matched(
        json!({"userName": 1, "user_name": 2}),
        &fields,
        &KeyMatching::default(),
    );
    assert_eq!(matched.object["user_name"], 2);
    assert_eq!(matched.unmatched, ["userName"]);
}

#[test]
fn each_policy_does_what_its_name_says() {
    let given = json!({"a_key": 1, "other": 2});
    let with = |unmatched| {
        KeyMatching::default()
            .with_unmatched(unmatched)
            .with_fill("b", 0)
    };
    let cases = [
        (Unmatched::Ignore, json!({"a_key": 1, "other": 2})),
        (Unmatched::Remove, json!({"a_key": 1})),
        (
            Unmatched::Fill,
            json!({"a_key": 1, "other": 2, "b": 0, "c": null}),
        ),
        (Unmatched::Force, json!({"a_key": 1, "b": 0, "c": null})),
    ];
    for (unmatched, expected) in cases {
        let matched = matched(given.clone(), &["a_key", "b", "c"], &with(unmatched));
        assert_eq!(Value::Object(matched.object), expected, "{unmatched:?}");
        assert_eq!(matched.unmatched, ["other"]);
    }
    let error = match_keys(object(given), ["a_key"], &with(Unmatched::Raise)).unwrap_err();
    assert_eq!(error.to_string(), "these keys match no field: other");
}

#[test]
fn strict_means_what_is_missing_after_filling() {
    let strict = KeyMatching::default().strict();
    let error = match_keys(object(json!({"x": 1})), ["a", "b"], &strict).unwrap_err();
    assert_eq!(error.to_string(), "these fields are missing: a, b");
    let filled = strict.with_unmatched(Unmatched::Force);
    assert!(match_keys(object(json!({"x": 1})), ["a", "b"], &filled).is_ok());
}

#[test]
fn too_many_pairs_are_an_error_and_equal_names_never_are() {
    let keys: Map<String, Value> = (0..1_000)
        .map(|at| (format!("k{at}"), Value::Null))
        .collect();
    let fields: Vec<String> = (0..1_000).map(|at| format!("f{at}")).collect();
    let fields = fields.iter().map(String::as_str);
    let error = match_keys(keys.clone(), fields, &KeyMatching::default()).unwrap_err();
    assert_eq!(
        error,
        MatchError::TooMany {
            keys: 1_000,
            fields: 1_000
        }
    );
    let names: Vec<String> = keys.keys().cloned().collect();
    let names = names.iter().map(String::as_str);
    assert!(match_keys(keys.clone(), names, &KeyMatching::default()).is_ok());
}

proptest! {
    #[test]
    fn the_assignment_is_one_to_one_and_knows_no_order(
        keys in btree_set("[abc_]{1,5}", 0..8),
        fields in btree_set("[abc_]{1,5}", 0..8),
        seed in any::<u64>(),
        levenshtein in any::<bool>(),
    ) {
        let similarity = match levenshtein {
            true => Similarity::Levenshtein,
            false => Similarity::JaroWinkler,
        };
        let matching = KeyMatching::default().with_similarity(similarity).with_threshold(0.6).unwrap();
        let mut keys: Vec<&String> = keys.iter().collect();
        let mut fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let run = |keys: &[&String], fields: &[&str]| {
            let object = keys.iter().map(|key| ((*key).clone(), json!(key))).collect();
            match_keys(object, fields.iter().copied(), &matching).unwrap()
        };
        let one = run(&keys, &fields);
        let mut random = fastrand::Rng::with_seed(seed);
        random.shuffle(&mut keys);
        random.shuffle(&mut fields);
        prop_assert_eq!(&one, &run(&keys, &fields));
        prop_assert_eq!(one.object.len(), keys.len(), "no key is lost");
        let mut values: Vec<&Value> = one.object.values().collect();
        values.sort_by_key(|value| value.to_string());
        values.dedup();
        prop_assert_eq!(values.len(), keys.len(), "no key fills two fields");
    }

    #[test]
    fn a_similarity_is_between_0_and_1_and_symmetric(words in vec("[a-dA-D_é]{0,9}", 2)) {
        for similarity in [Similarity::JaroWinkler, Similarity::Levenshtein] {
            let score = similarity.of(&words[0], &words[1]);
            prop_assert!((0.0..=1.0).contains(&score));
            let back = similarity.of(&words[1], &words[0]);
            prop_assert!((score - back).abs() < 1e-9);
            prop_assert_eq!(similarity.of(&words[0], &words[0]), 1.0);
        }
    }
}
