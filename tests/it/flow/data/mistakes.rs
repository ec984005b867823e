//! Where mistakes are, what they are, and what would be right.

use fascine::flow::{FlowSpec, Problem, SpecErrors};

fn toml(text: &str) -> String {
    told(FlowSpec::from_toml("f.toml", text))
}

fn yaml(text: &str) -> String {
    told(FlowSpec::from_yaml("f.yaml", text))
}

fn json(text: &str) -> String {
    told(FlowSpec::from_json("f.json", text))
}

#[track_caller]
fn told(read: Result<FlowSpec, SpecErrors>) -> String {
    match read {
        Ok(spec) => panic!("it was taken: {spec:?}"),
        Err(errors) => errors.to_string(),
    }
}

#[test]
fn every_mistake_of_a_file_is_told_with_its_line_and_field() {
    let said = toml(
        r#"format = 2
nme = "x"

[parameters.depth]
type = "int"
default = 2

[resources]
model = 0

[steps.load]
operation = 5
timeout = 30
retry = { attempts = 0, backof = "1s" }
join = { at_least = 3 }
cost = -1

[steps.grade]
after = ["laod", { when = "x" }, 5]
on_error = "ignore"
priority = 99999999999
resource = "modle"
"#,
    );
    let expected = "\
f.toml:1:1: format: expected 1, the only format there is, found 2
f.toml:2:1: nme: there is no field `nme`; did you mean `name`?
f.toml:5:1: parameters.depth.type: expected any, array, boolean, integer, number, object or string, found `int`
f.toml:9:1: resources.model: expected a positive integer, found 0
f.toml:12:1: steps.load.operation: expected text, found an integer
f.toml:13:1: steps.load.timeout: expected a time with its unit, such as \"500ms\", \"1.5s\", \"2m\" or \"1h\", found 30 without a unit
f.toml:14:11: steps.load.retry.attempts: expected a positive integer, found 0
f.toml:14:25: steps.load.retry.backof: there is no field `backof`; did you mean `backoff`?
f.toml:15:1: steps.load.join: expected at most 0, as so many edges lead here, found 3
f.toml:16:1: steps.load.cost: expected an integer from 0, found -1
f.toml:18:8: steps.grade: the field `operation` is missing
f.toml:19:10: steps.grade.after[0]: there is no step `laod`; did you mean `load`?
f.toml:19:18: steps.grade.after[1]: the field `step` is missing
f.toml:19:34: steps.grade.after[2]: expected the name of a step, or a table with `step` and `when`, found an integer
f.toml:20:1: steps.grade.on_error: expected continue, fail_fast, skip_dependents, { fallback = .. } or { fallback_step = \"..\" }, found `ignore`
f.toml:21:1: steps.grade.priority: expected an integer of 32 bits, found 99999999999
f.toml:22:1: steps.grade.resource: there is no resource `modle`";
    assert_eq!(said, expected);
}

#[test]
fn the_same_mistakes_are_told_in_every_format() {
    let mistake = |file: &str, at: &str, more: &str| {
        format!(
            "{file}:{at}: steps.a.timeout: expected a time above zero, found 0s\n\
             {file}:{more}: steps.b.after[0]: there is no step `aa`; did you mean `a`?"
        )
    };
    let text = "[steps.a]\noperation = \"x\"\ntimeout = \"0s\"\n[steps.b]\noperation = \"x\"\nafter = [\"aa\"]\n";
    assert_eq!(toml(text), mistake("f.toml", "3:1", "6:10"));
    let text =
        "steps:\n  a:\n    operation: x\n    timeout: 0s\n  b: { operation: x, after: [aa] }\n";
    assert_eq!(yaml(text), mistake("f.yaml", "4:5", "5:30"));
    let text = "{ \"steps\": {\n  \"a\": { \"operation\": \"x\", \"timeout\": \"0s\" },\n  \"b\": { \"operation\": \"x\",\n         \"after\": [\"aa\"] }\n} }";
    assert_eq!(json(text), mistake("f.json", "2:28", "4:20"));
}

#[test]
fn steps_that_wait_for_each_other_are_named() {
    let said = yaml(
        "steps:\n  a: { operation: x, after: [c] }\n  b: { operation: x, after: [a] }\n  c: { operation: x, after: [b] }\n  d: { operation: x, after: [d] }\n",
    );
    assert_eq!(
        said,
        "f.yaml:2:22: steps.a.after: steps wait for each other: a -> b -> c -> a"
    );
    let said = yaml(
        "steps:\n  a: { operation: x, on_error: { fallback_step: b } }\n  b: { operation: x, on_error: { fallback_step: a } }\n",
    );
    assert_eq!(
        said,
        "f.yaml:3:22: steps.b.on_error: steps wait for each other: a -> b -> a"
    );
}

#[test]
fn a_step_that_does_not_lead_here_is_told_when_the_file_is_read() {
    let said = yaml(
        "steps:\n  a: { operation: x }\n  b: { operation: x, after: [a] }\n  c: { operation: x, after: [b], with: { t: '{{ steps.a }}' } }\n",
    );
    assert_eq!(
        said,
        "f.yaml:4:42: steps.c.with.t: it speaks of step `a`, which does not lead here: add it to `after`",
    );
}

#[test]
fn templates_speak_of_what_there_is() {
    let wrong = |template: &str| {
        let text = format!(
            "parameters: {{ url: {{}} }}\nstate: {{ total: 0 }}\nsteps:\n  a: {{ operation: x }}\n  b: {{ operation: x, after: [a], with: \"{template}\" }}\n"
        );
        let said = yaml(&text);
        said.strip_prefix("f.yaml:5:34: steps.b.with: ")
            .map(str::to_owned)
            .unwrap_or(said)
    };
    assert_eq!(
        wrong("{{ params.ur }}"),
        "there is no parameter `ur`; did you mean `url`?"
    );
    assert_eq!(
        wrong("{{ state.totl }}"),
        "there is no key of the shared state `totl`; did you mean `total`?"
    );
    assert_eq!(
        wrong("x{{ stps.a }}"),
        "there is no value `stps`; did you mean `steps`?"
    );
    assert_eq!(wrong("{{ output }}"), "there is no value `output`");
    assert_eq!(
        wrong("{{ steps }}"),
        "a step has to be named: `steps.NAME` or `steps[\"NAME\"]`"
    );
    assert_eq!(
        wrong("{{ steps[params.url] }}"),
        "a step has to be named: `steps.NAME` or `steps[\"NAME\"]`"
    );
    assert_eq!(
        wrong("{{ 1 | uper }}"),
        "there is no filter `uper`; did you mean `upper`?"
    );
    assert_eq!(
        wrong("{{ 1 is defind }}"),
        "there is no test `defind`; did you mean `defined`?"
    );
    assert_eq!(
        wrong("{{ 1 is not defind }}"),
        "there is no test `defind`; did you mean `defined`?"
    );
    assert_eq!(
        wrong("{% set x = 1 %}"),
        "there is no statement `set`: there are `if` and `for`"
    );
    assert_eq!(
        wrong("{% include 'f' %}"),
        "there is no statement `include`: there are `if` and `for`"
    );
    assert_eq!(
        wrong("{{ params.url.upper() }}"),
        "nothing can be called, as `upper` is: there are filters"
    );
    assert_eq!(wrong("{{ params.url"), "there is no `}}`");
    assert_eq!(wrong("{# never"), "a comment has no end");
    for template in [
        "{{ }}",
        "{{ 1 + }}",
        "{% if %}",
        "{% for x in steps.a %}",
        "{{ 'x }}",
        "{% %}",
        "{{ range(9) }}",
        "{{ a b }}",
    ] {
        assert!(!wrong(template).is_empty());
    }
}

#[test]
fn conditions_are_expressions_of_the_same_language() {
    let wrong = |condition: &str| {
        let text = format!(
            "steps:\n  a: {{ operation: x }}\n  b: {{ operation: x, after: [{{ step: a, when: \"{condition}\" }}] }}\n"
        );
        let said = yaml(&text);
        said.strip_prefix("f.yaml:3:41: steps.b.after[0].when: ")
            .map(str::to_owned)
            .unwrap_or(said)
    };
    assert_eq!(
        wrong("{{ output.x }}"),
        "a condition is an expression without braces around it"
    );
    assert_eq!(wrong("steps.a.x"), "there is no value `steps`");
    assert_eq!(
        wrong("outputs.x"),
        "there is no value `outputs`; did you mean `output`?"
    );
    for condition in ["", "output >", "output) or (true", "output %}{% set x = 1"] {
        assert!(!wrong(condition).is_empty());
    }
}

#[test]
fn a_key_that_several_steps_change_needs_a_reducer() {
    let said = yaml(
        "steps:\n  a: { operation: x, writes: [n] }\n  b: { operation: x, update: { n: 1 } }\n",
    );
    assert_eq!(
        said,
        "f.yaml:3:22: steps.b.update: steps `a` and `b` both change `n`, which has no reducer"
    );
}

#[test]
fn what_is_no_file_of_its_format_is_told_where() {
    assert!(toml("a = 1\nb = [").starts_with("f.toml:2:"));
    assert!(json("{\n  \"steps\": {},\n}").starts_with("f.json:3:1: this is no JSON: "));
    assert!(yaml("steps:\n\ta: 1").starts_with("f.yaml:2:"));
    assert_eq!(json("[1]"), "f.json:1:1: expected a table, found a list");
    assert_eq!(
        yaml(""),
        "f.yaml:1:1: expected a table, found an empty document"
    );
    assert_eq!(toml(""), "f.toml:1:1: the field `steps` is missing");
    // Several at once, where the reader goes on.
    assert_eq!(toml("a = \nb = \n").lines().count(), 2);
}

#[test]
fn names_that_are_there_twice_are_told() {
    let yaml =
        yaml("steps:\n  a: { operation: x }\n  b: { operation: x }\n  a: { operation: y }\n");
    assert_eq!(
        yaml,
        "f.yaml:4:3: steps.a: `a` is there twice, first at 2:3"
    );
    let json = json("{ \"steps\": { \"a\": { \"operation\": \"x\", \"operation\": \"y\" } } }");
    assert_eq!(
        json,
        "f.json:1:39: steps.a.operation: `operation` is there twice, first at 1:21"
    );
    assert!(
        toml("[steps.a]\noperation = \"x\"\noperation = \"y\"\n")
            .contains("duplicate key `operation`")
    );
}

#[test]
fn columns_count_characters_and_lines_may_end_in_two() {
    let said = json("{ \"steps\":\r\n  { \"é😀\": { \"operation\": 1 } } }");
    assert_eq!(
        said,
        "f.json:2:13: steps.\"é😀\".operation: expected text, found an integer"
    );
    let said = yaml("steps:\r\n  é: { operation: 1 }\r\n");
    assert_eq!(
        said,
        "f.yaml:2:8: steps.\"é\".operation: expected text, found an integer"
    );
    let said = toml("[steps]\r\n\"é\" = { operation = 1 }\r\n");
    assert_eq!(
        said,
        "f.toml:2:9: steps.\"é\".operation: expected text, found an integer"
    );
}

#[test]
fn the_first_hundred_mistakes_are_kept_and_all_are_counted() {
    let fields: String = (0..250).map(|n| format!("wrong{n} = 1\n")).collect();
    let errors = FlowSpec::from_toml("f.toml", format!("{fields}[steps]\n")).unwrap_err();
    assert_eq!(
        (errors.iter().count(), errors.count()),
        (SpecErrors::KEPT, 250)
    );
    assert!(errors.to_string().ends_with("\nand 150 more"));
    let first = errors.iter().next().unwrap();
    assert_eq!((first.file(), first.field()), ("f.toml", "wrong0"));
    assert_eq!(
        first.place().map(|place| (place.line, place.column)),
        Some((1, 1))
    );
    assert!(matches!(first.problem(), Problem::UnknownField { name, .. } if name == "wrong0"));
}
