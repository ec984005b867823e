//! Back out again: what is written is read back as it was.

use std::time::Duration;

use fascine::flow::{
    EdgeSpec, FlowSpec, Join, OnErrorSpec, ParameterKind, ParameterSpec, RepeatSpec, RetrySpec,
    StepSpec, WhenSpec, WorkSpec,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Texts of every kind, those among them that look like something else in YAML or TOML.
fn texts() -> impl Strategy<Value = String> {
    let nasty = prop::sample::select(vec![
        "",
        " ",
        "no",
        "yes",
        "null",
        "~",
        "1",
        "1e3",
        "0x1F",
        "-",
        "---",
        "a: b",
        "# a",
        "a #b",
        "\n",
        "a\n",
        "a\nb",
        "a\n\n",
        " a\nb",
        "a\n  b\n",
        "a\n \nb",
        "\ta",
        "a\r\nb",
        "'",
        "\"",
        "'''",
        "\"\"\"",
        "\\",
        "<<",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%",
        "@",
        "`",
        "[",
        "]",
        "}",
        ",",
        "?",
        ": ",
        "true",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\u{0}",
        "\u{7f}",
        "é😀",
        "2024-01-01",
        ".inf",
        "a.b",
        "a b",
        "=",
        "a\u{2028}b\nc",
        "x\ny \nz",
        "long text that goes on and on and on and on and on and on and on\n",
    ]);
    let nasty = nasty.prop_map(str::to_owned);
    // What would be a template has to be one that is right.
    let any = any::<String>().prop_map(|text| text.replace('{', "("));
    prop_oneof![nasty, any, "[a-z]{1,8}"]
}

fn values(null: bool) -> impl Strategy<Value = Value> {
    let null = if null {
        Just(json!(null)).boxed()
    } else {
        Just(json!(0)).boxed()
    };
    let leaf = prop_oneof![
        null,
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has finite ones", |n| n.is_finite())
            .prop_map(Value::from),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(texts(), inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn durations() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (1..u64::MAX).prop_map(Duration::from_nanos),
        (1..100_000_u64).prop_map(Duration::from_secs),
        Just(Duration::MAX),
    ]
}

prop_compose! {
    fn retries()(
        attempts in 1..u32::MAX,
        times in prop::array::uniform3(prop::option::of(durations())),
    ) -> RetrySpec {
        let mut retry = RetrySpec::new(attempts.try_into().unwrap());
        [retry.backoff, retry.max_backoff, retry.max_elapsed] = times;
        retry
    }
}

fn on_errors(null: bool) -> impl Strategy<Value = OnErrorSpec> {
    prop_oneof![
        Just(OnErrorSpec::Continue),
        Just(OnErrorSpec::FailFast),
        Just(OnErrorSpec::SkipDependents),
        values(null).prop_map(OnErrorSpec::Fallback),
    ]
}

fn joins() -> impl Strategy<Value = Join> {
    prop::sample::select(vec![
        Join::All,
        Join::AllSucceeded,
        Join::Always,
        Join::Any,
        Join::NoneFailed,
    ])
}

prop_compose! {
    fn steps(null: bool)(
        operation in texts().prop_filter("it has a name", |name| !name.is_empty()),
        with in prop::option::of(values(null)),
        after in vec((any::<prop::sample::Index>(), 0..4, prop::option::of(texts())), 0..4),
        join in joins(),
        retry in prop::option::of(retries()),
        timeout in prop::option::of(durations()),
        on_error in on_errors(null),
        (priority, cost) in any::<(i32, Option<u32>)>(),
        uses_resource in any::<bool>(),
        writes in vec(texts().prop_filter("it has a name", |name| !name.is_empty()), 0..3),
        update in btree_map(texts(), values(null), 0..3),
        times in (any::<bool>(), prop::option::of(vec(values(null), 0..3)), prop::option::of((1..u32::MAX, any::<bool>()))),
    ) -> (StepSpec, Vec<(prop::sample::Index, i32, Option<String>)>) {
        let mut step = StepSpec::new("", operation);
        step.with = with;
        step.join = join;
        step.retry = retry;
        step.timeout = timeout;
        step.on_error = on_error;
        step.priority = priority;
        step.cost = cost;
        step.resource = uses_resource.then(|| "resource".to_owned());
        step.writes = writes;
        step.update = update;
        step.idempotent = uses_resource;
        step.total_timeout = timeout;
        let (is_flow, for_each, repeat) = times;
        if is_flow {
            step.work = WorkSpec::Flow("part".to_owned());
        }
        match (for_each, repeat) {
            (Some(items), _) => step.for_each = Some(items.into()),
            (None, Some((at_most, or_last))) => {
                let mut repeat = RepeatSpec::new(at_most.try_into().unwrap(), "output");
                repeat.or_last = or_last;
                step.repeat = Some(repeat);
            }
            (None, None) => {}
        }
        (step, after)
    }
}

prop_compose! {
    fn parameters(null: bool)(
        default in prop::option::of(values(null)),
        description in prop::option::of(texts()),
        is_typed in any::<bool>(),
    ) -> ParameterSpec {
        let mut parameter = ParameterSpec::default();
        parameter.kind = match &default {
            Some(Value::String(_)) if is_typed => ParameterKind::String,
            Some(Value::Array(_)) if is_typed => ParameterKind::Array,
            None if is_typed => ParameterKind::Integer,
            _ => ParameterKind::Any,
        };
        parameter.default = default;
        parameter.description = description;
        parameter
    }
}

prop_compose! {
    fn specs(null: bool)(
        head in prop::array::uniform3(prop::option::of(texts())),
        parameters in btree_map(texts(), parameters(null), 0..3),
        limit in 1..usize::MAX >> 1,
        state in btree_map(texts(), values(null), 0..3),
        names in prop::collection::hash_set(texts().prop_filter("it has a name", |name| !name.is_empty()), 0..6),
        steps in vec(steps(null), 6),
    ) -> FlowSpec {
        let mut spec = FlowSpec::new();
        [spec.name, spec.version, spec.description] = head;
        spec.parameters = parameters;
        spec.resources.insert("resource".to_owned(), limit.try_into().unwrap());
        spec.state = state;
        for (name, (mut step, after)) in names.into_iter().zip(steps) {
            step.name = name;
            for (index, kind, label) in after {
                let Some(from) = (!spec.steps.is_empty()).then(|| index.get(&spec.steps)) else {
                    continue;
                };
                if step.after.iter().any(|edge| edge.step == from.name) {
                    continue;
                }
                let mut edge = EdgeSpec::new(&from.name);
                edge.when = match kind {
                    0 => WhenSpec::Expression("output == 'it: \"so\"'".to_owned()),
                    1 => WhenSpec::Otherwise,
                    _ => WhenSpec::Always,
                };
                edge.label = label;
                step.after.push(edge);
            }
            for key in step.writes.iter().chain(step.update.keys()) {
                spec.reducers.insert(key.clone(), "replace".to_owned());
            }
            spec.steps.push(step);
        }
        let mut part = FlowSpec::new();
        part.steps = spec.steps.iter().filter(|step| step.after.is_empty()).cloned().collect();
        part.parameters = spec.parameters.clone();
        spec.flows.insert("part".to_owned(), part);
        spec
    }
}

#[track_caller]
fn same(read: Result<FlowSpec, fascine::flow::SpecErrors>, spec: &FlowSpec, text: &str) {
    match read {
        Ok(read) => assert_eq!(read, *spec, "\n{text}"),
        Err(errors) => panic!("{errors}\n{text}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(32) })]

    #[test]
    fn json_and_yaml_give_back_what_was_written(spec in specs(true)) {
        let json = spec.to_json();
        same(FlowSpec::from_json("f.json", &json), &spec, &json);
        let yaml = spec.to_yaml();
        same(FlowSpec::from_yaml("f.yaml", &yaml), &spec, &yaml);
        // JSON is YAML too.
        same(FlowSpec::from_yaml("f.json", &json), &spec, &json);
    }

    #[test]
    fn toml_gives_back_what_was_written(spec in specs(false)) {
        let toml = spec.to_toml().unwrap();
        same(FlowSpec::from_toml("f.toml", &toml), &spec, &toml);
    }

    #[test]
    fn what_is_written_follows_the_schema(spec in specs(true)) {
        let schema = jsonschema::validator_for(&FlowSpec::json_schema()).unwrap();
        let written = serde_json::from_str(&spec.to_json()).unwrap();
        let errors: Vec<_> = schema.iter_errors(&written).map(|error| error.to_string()).collect();
        prop_assert!(errors.is_empty(), "{errors:?}");
    }
}

#[test]
fn toml_says_what_it_does_not_have() {
    let mut spec = FlowSpec::new();
    spec.state.insert("a".to_owned(), json!([1, { "b": null }]));
    let error = spec.to_toml().unwrap_err();
    assert_eq!(error.to_string(), "state.a[1].b: TOML has no null");
    spec.state.insert("a".to_owned(), json!(u64::MAX));
    assert_eq!(
        spec.to_toml().unwrap_err().to_string(),
        "state.a: TOML has no integers beyond 63 bits"
    );
}

#[test]
fn a_parameter_that_may_be_missing_is_written_without_null() {
    let text = "[parameters.a]\nrequired = false\n\n[steps]\n";
    let spec = FlowSpec::from_toml("f.toml", text).unwrap();
    assert_eq!(spec.parameters["a"].default, Some(Value::Null));
    assert_eq!(spec.to_toml().unwrap(), format!("format = 1\n\n{text}"));
}

#[test]
fn yaml_reads_well() {
    let text = "\
format: 1
name: digest
steps:
  load:
    operation: fetch
    with:
      url: \"https://example.org\"
  grade:
    operation: ask
    after:
      - load
      - step: other
        when: \"output.score > 7\"
    with: |
      Grade this:

      {{ steps.load.text }}
  other:
    operation: ask
";
    let spec = FlowSpec::from_yaml("f.yaml", text).unwrap();
    assert_eq!(spec.to_yaml(), text);
}
