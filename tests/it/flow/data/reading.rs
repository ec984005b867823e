//! What files hold, and what they may not hold.

use std::time::Duration;

use fascine::flow::{FlowSpec, Join, OnErrorSpec, SpecErrors, WhenSpec};
use serde_json::json;

const TOML: &str = r#"
name = "digest"
version = "1.3"
description = "reads, and says it shorter"

[parameters.topic]
type = "string"
default = "rust"

[resources]
model = 2

[state]
total = 0

[reducers]
total = "sum"

[steps.load]
operation = "fetch"
with = { url = "{{ params.topic }}", tries = [1, 2] }
timeout = "1.5s"
cost = 3
priority = -1

[steps.grade]
operation = "grade"
after = ["load", { step = "other", when = "output.ok", label = "good" }]
join = { at_least = 1 }
resource = "model"
on_error = { fallback_step = "rescue" }
update = { total = "{{ output.n }}" }

[steps.grade.retry]
attempts = 3
backoff = "10ms"
max_elapsed = "1m"

[steps.other]
operation = "fetch"
after = [{ step = "load", otherwise = true }]
on_error = { fallback = { text = "" } }
writes = ["total"]

[steps.rescue]
operation = "fetch"
"#;

const YAML: &str = r#"
name: digest
version: "1.3"
description: reads, and says it shorter
parameters: { topic: { type: string, default: rust } }
resources: { model: 2 }
state: { total: 0 }
reducers: { total: sum }
steps:
  load: &load
    operation: fetch
    with: { url: "{{ params.topic }}", tries: [1, 2] }
    timeout: 1.5s
    cost: 3
    priority: -1
  grade:
    operation: grade
    after:
      - load
      - { step: other, when: output.ok, label: good }
    join: { at_least: 1 }
    resource: model
    on_error: { fallback_step: rescue }
    update: { total: "{{ output.n }}" }
    retry: { attempts: 3, backoff: 10ms, max_elapsed: 1m }
  other:
    operation: fetch
    after: [{ step: load, otherwise: true }]
    on_error: { fallback: { text: "" } }
    writes: [total]
  rescue: { operation: fetch }
"#;

#[test]
fn all_formats_say_the_same() {
    let toml = FlowSpec::from_toml("f.toml", TOML).unwrap();
    let yaml = FlowSpec::from_yaml("f.yaml", YAML).unwrap();
    assert_eq!(toml, yaml);
    assert_eq!(FlowSpec::from_json("f.json", toml.to_json()).unwrap(), toml);

    let names: Vec<_> = toml.steps.iter().map(|step| &*step.name).collect();
    assert_eq!(names, ["load", "grade", "other", "rescue"]);
    let load = toml.step("load").unwrap();
    assert_eq!(load.timeout, Some(Duration::from_millis(1500)));
    assert_eq!((load.cost, load.priority), (Some(3), -1));
    let grade = toml.step("grade").unwrap();
    assert_eq!(grade.join, Join::AtLeast(1.try_into().unwrap()));
    assert_eq!(
        grade.after[1].when,
        WhenSpec::Expression("output.ok".to_owned())
    );
    assert_eq!(
        grade.on_error,
        OnErrorSpec::FallbackStep("rescue".to_owned())
    );
    let other = toml.step("other").unwrap();
    assert_eq!(other.on_error, OnErrorSpec::Fallback(json!({ "text": "" })));
    assert_eq!(other.after[0].when, WhenSpec::Otherwise);
    assert_eq!(toml.initial_state().get("total"), Some(&json!(0)));
}

/// What YAML makes of a text.
fn scalar(text: &str) -> Result<serde_json::Value, SpecErrors> {
    let text = format!("steps: {{}}\nstate:\n  x: {text}\n");
    FlowSpec::from_yaml("f.yaml", text).map(|spec| spec.state["x"].clone())
}

#[test]
fn yaml_is_what_its_core_schema_says() {
    for (text, expected) in [
        ("no", json!("no")),
        ("Yes", json!("Yes")),
        ("on", json!("on")),
        ("TRUE", json!(true)),
        ("tRUE", json!("tRUE")),
        ("~", json!(null)),
        ("", json!(null)),
        ("1e3", json!(1000.0)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("+12", json!(12)),
        ("012", json!(12)),
        ("0o17", json!(15)),
        ("0xfF", json!(255)),
        ("-0x1", json!("-0x1")),
        ("1_000", json!("1_000")),
        ("0b1", json!("0b1")),
        ("1:30", json!("1:30")),
        ("2024-01-01", json!("2024-01-01")),
        ("2024-01-01T00:00:00Z", json!("2024-01-01T00:00:00Z")),
        ("18446744073709551615", json!(u64::MAX)),
        ("e3", json!("e3")),
        ("1e", json!("1e")),
        (".", json!(".")),
        ("'1'", json!("1")),
        ("\"a\\tb\"", json!("a\tb")),
        ("!!str 1", json!("1")),
        ("!!int '1'", json!(1)),
        ("! 1", json!("1")),
        ("|\n    a\n\n    b\n", json!("a\n\nb\n")),
        (">-\n    a\n    b\n", json!("a b")),
        ("[a, b: c]", json!(["a", { "b": "c" }])),
        (
            "{ 1: a, true: b, null: c }",
            json!({ "1": "a", "true": "b", "null": "c" }),
        ),
    ] {
        assert_eq!(scalar(text).unwrap(), expected, "{text}");
    }
    for text in [
        ".inf",
        "-.INF",
        ".nan",
        "18446744073709551616",
        "1e999",
        "!custom 1",
        "!!int a",
        "!!binary aGk=",
        "*nobody",
        "{ [a]: b }",
        "{ <<: { a: 1 } }",
    ] {
        assert!(scalar(text).is_err(), "{text}");
    }
}

#[test]
fn aliases_are_copies_and_bounded() {
    let text = "steps: {}\nstate:\n  a: &a [1, { b: 2 }]\n  c: *a\n";
    let spec = FlowSpec::from_yaml("f.yaml", text).unwrap();
    assert_eq!(spec.state["c"], json!([1, { "b": 2 }]));

    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..40 {
        let before = format!("*a{}, ", n - 1).repeat(9);
        bomb.push_str(&format!("a{n}: &a{n} [{before}]\n"));
    }
    let errors = FlowSpec::from_yaml("f.yaml", &bomb)
        .unwrap_err()
        .to_string();
    assert!(errors.contains("behind anchors and aliases"), "{errors}");
    let mut deep = "a0: &a0 [x]\n".to_owned();
    for n in 1..100 {
        deep.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1));
    }
    let errors = FlowSpec::from_yaml("f.yaml", &deep)
        .unwrap_err()
        .to_string();
    assert!(errors.contains("levels of lists and tables"), "{errors}");
    let itself = FlowSpec::from_yaml("f.yaml", "a: &a [*a]")
        .unwrap_err()
        .to_string();
    assert_eq!(itself, "f.yaml:1:8: an alias stands for what it is in");
}

#[test]
fn toml_has_dates_and_other_numbers() {
    let text =
        "[steps]\n[state]\na = 1979-05-27\nb = 0xff\nc = 1_000\nd = 1e3\ne = -0.5\nf = 0o17\n";
    let spec = FlowSpec::from_toml("f.toml", text).unwrap();
    let expected =
        json!({ "a": "1979-05-27", "b": 255, "c": 1000, "d": 1000.0, "e": -0.5, "f": 15 });
    assert_eq!(json!(spec.state), expected);
    for number in ["inf", "nan", "99999999999999999999"] {
        let errors = FlowSpec::from_toml("f.toml", format!("[steps]\n[state]\na = {number}\n"));
        assert!(errors.unwrap_err().to_string().starts_with("f.toml:3:5: "));
    }
}

#[test]
fn no_bytes_make_a_reader_panic_or_hang() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    let tables = |n: usize| format!("{}1{}", "{\"a\":".repeat(n), "}".repeat(n));
    let mut inputs: Vec<Vec<u8>> = [
        nested(100_000),
        tables(100_000),
        nested(70),
        tables(70),
        "- ".repeat(50_000),
        "? ".repeat(50_000),
        "\u{feff}".to_owned(),
        "\u{0}".to_owned(),
        "&a".repeat(10_000),
        "*a ".repeat(10_000),
        "!".repeat(10_000),
        "[[a".repeat(10_000),
        "a.".repeat(10_000),
        "a.b.c = 1\n".repeat(2),
        "'''".to_owned(),
        "\"\"\"".to_owned(),
        "---\n".repeat(1000),
        "%TAG".to_owned(),
        "{{".repeat(10_000),
        "\\".repeat(1000),
        "\"\\u".to_owned(),
        "|".to_owned(),
    ]
    .map(String::into_bytes)
    .into();
    inputs.push(b"\xff\xfe".to_vec());
    inputs.push(b"steps: \xc3".to_vec());
    inputs.push(vec![b' '; 17 * 1024 * 1024]);
    for text in [
        TOML,
        YAML,
        &FlowSpec::from_toml("", TOML).unwrap().to_json(),
    ] {
        // Cut anywhere, and with a byte that does not belong there.
        for at in (0..text.len()).step_by(7) {
            inputs.push(text.as_bytes()[..at].to_vec());
            let mut wrong = text.as_bytes().to_vec();
            wrong[at] = b"\x00\xff{[\"'\n\t#&*!"[at % 12];
            inputs.push(wrong);
        }
    }
    for input in &inputs {
        for read in [
            FlowSpec::from_json("f", input),
            FlowSpec::from_toml("f", input),
            FlowSpec::from_yaml("f", input),
        ] {
            if let Err(errors) = read {
                assert!(errors.iter().all(|error| error.place().is_some()));
            }
        }
    }
}

#[test]
fn many_steps_are_read_in_time() {
    let mut text = "steps:\n  s0: { operation: x }\n".to_owned();
    for n in 1..3_000 {
        text.push_str(&format!(
            "  s{n}: {{ operation: x, after: [s{}], with: '{{{{ steps.s{} }}}}' }}\n",
            n - 1,
            n - 1
        ));
    }
    let spec = FlowSpec::from_yaml("f.yaml", text).unwrap();
    assert_eq!(spec.steps.len(), 3_000);
}
