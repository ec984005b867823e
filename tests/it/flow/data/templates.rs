//! What templates make of what they speak of.

use fascine_testing::TestRuntime;
use serde_json::{Value, json};

use super::{output, run};

/// What a template gives behind a step that gave this.
fn check(template: Value, expected: Value) {
    TestRuntime::run(|rt| async move {
        let text = json!({
            "state": { "limit": 7 },
            "parameters": { "who": { "default": "Ada" } },
            "steps": {
                "load-it": { "operation": "echo", "with": "hyphen" },
                "load": { "operation": "echo", "with": {
                    "text": "hello", "list": [1, 2.5, true, null, "x"], "none": null, "big": u64::MAX,
                    "small": i64::MIN, "float": 1.0, "deep": { "a": { "b": "c" } }, "html": "<b>&\"'",
                    "nasty": "{{ '{{ params.who }}{% raw %}' }}",
                } },
                "end": { "operation": "echo", "with": template, "after": ["load", "load-it"] },
            },
        });
        let report = run(&rt, &text.to_string()).await;
        assert_eq!(output(&report, "end"), expected, "{template}");
    });
}

#[test]
fn a_text_that_is_one_expression_keeps_the_type() {
    check(
        json!("{{ steps.load.list }}"),
        json!([1, 2.5, true, null, "x"]),
    );
    check(json!("{{steps.load.none}}"), json!(null));
    check(
        json!("{{- steps.load.deep -}}"),
        json!({ "a": { "b": "c" } }),
    );
    check(json!("{{ steps.load.big }}"), json!(u64::MAX));
    check(json!("{{ steps.load.small }}"), json!(i64::MIN));
    check(json!("{{ steps.load.float }}"), json!(1.0));
    check(json!("{{ steps.load.text == 'hello' }}"), json!(true));
    check(
        json!("{{ [params.who, state.limit + 1, { 'a': 1 }] }}"),
        json!(["Ada", 8, { "a": 1 }]),
    );
    check(json!("{{ steps[\"load-it\"] }}"), json!("hyphen"));
    check(json!("{{ '}}' }}"), json!("}}"));
    check(json!("{{ {'a': {'b': 1}}['a'] }}"), json!({ "b": 1 }));
}

#[test]
fn everything_else_is_text() {
    check(
        json!("{{ steps.load.text }} {{ params.who }}"),
        json!("hello Ada"),
    );
    check(json!(" {{ steps.load.float }}"), json!(" 1.0"));
    check(json!("{{ state.limit }}\n"), json!("7\n"));
    check(
        json!("{{ steps.load.list }}{# a note #}"),
        json!("[1,2.5,true,null,\"x\"]"),
    );
    check(json!("n: {{ steps.load.none }}"), json!("n: null"));
    check(json!("{{ steps.load.html }}!"), json!("<b>&\"'!"));
    check(json!("plain { } }} % {"), json!("plain { } }} % {"));
    check(json!("two\n\n"), json!("two\n\n"));
    check(
        json!("{{ '{{' }} is no template"),
        json!("{{ is no template"),
    );
}

#[test]
fn there_are_conditions_and_loops() {
    check(
        json!("{% for x in steps.load.list %}{{ loop.index }}={{ x }};{% endfor %}"),
        json!("1=1;2=2.5;3=true;4=null;5=x;"),
    );
    check(
        json!("{% if state.limit > 5 %}much{% elif state.limit > 2 %}some{% else %}few{% endif %}"),
        json!("much"),
    );
    check(
        json!("{{ 'a' if steps.load.text is defined else 'b' }}"),
        json!("a"),
    );
    check(json!("{{ steps.load.nope is not defined }}"), json!(true));
    check(json!("{{ steps.load.nope | default('d') }}"), json!("d"));
}

#[test]
fn there_are_filters() {
    check(json!("{{ steps.load.list | length }}"), json!(5));
    check(
        json!("{{ steps.load.deep | json }}"),
        json!("{\"a\":{\"b\":\"c\"}}"),
    );
    check(
        json!("{{ ['a', 'b'] | map('upper') | join(', ') }}"),
        json!("A, B"),
    );
    check(json!("{{ 'a-b' | split('-') | last }}"), json!("b"));
    check(json!("{{ 'aXbX' | replace('X', '--') }}"), json!("a--b--"));
    check(json!("{{ [3, 1, 2] | sort | first }}"), json!(1));
}

#[test]
fn what_steps_give_is_no_template() {
    check(
        json!("{{ steps.load.nasty }}"),
        json!("{{ params.who }}{% raw %}"),
    );
    check(
        json!("<{{ steps.load.nasty }}>"),
        json!("<{{ params.who }}{% raw %}>"),
    );
}

#[test]
fn names_of_fields_are_no_templates() {
    check(
        json!({ "{{ params.who }}": 1 }),
        json!({ "{{ params.who }}": 1 }),
    );
}
