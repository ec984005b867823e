//! How steps from files fail, and what follows.

use fascine::flow::{Flow, FlowSpec, OperationError, Operations, Status, StepError};
use fascine_testing::TestRuntime;
use serde_json::{Value, json};

use super::{operations, output, run, told};

#[test]
fn what_follows_a_failure_is_as_the_file_says() {
    TestRuntime::run(|rt| async move {
        let report = run(
            &rt,
            "
steps:
  carried: { operation: fail, with: broken, on_error: continue }
  told: { operation: echo, with: '{{ errors.carried }}', after: [carried] }
  replaced: { operation: fail, with: broken, on_error: { fallback: [1, 2] } }
  counted: { operation: echo, with: '{{ steps.replaced | length }}', after: [replaced] }
  rescued: { operation: fail, with: broken, on_error: { fallback_step: rescuer } }
  rescuer: { operation: echo, with: 'instead: {{ errors.rescued }}' }
  behind: { operation: echo, with: '{{ steps.rescued }}', after: [rescued] }
  skipping: { operation: fail, with: broken }
  skipped: { operation: echo, after: [skipping] }
",
        )
        .await;
        let cause = "failed at attempt 1: broken";
        assert_eq!(output(&report, "told"), format!("step `carried` {cause}"));
        assert_eq!(output(&report, "counted"), 2);
        let expected = format!("instead: step `rescued` {cause}");
        assert_eq!(output(&report, "behind"), expected);
        assert_eq!(report.step("skipped").unwrap().status, Status::Skipped);
    });
}

#[test]
fn what_an_operation_cannot_take_fails_the_step_and_names_the_field() {
    TestRuntime::run(|rt| async move {
        let operations = Operations::new()
            .with("echo", |value: Value, _| async move { Ok(value) })
            .with(
                "length",
                |texts: Vec<String>, _| async move { Ok(texts.len()) },
            );
        let spec = FlowSpec::from_yaml(
            "f.yaml",
            "
steps:
  list: { operation: echo, with: [a, b, 5] }
  length: { operation: length, with: '{{ steps.list }}', after: [list] }
",
        );
        let none: [(&str, Value); 0] = [];
        let graph = spec.unwrap().build(&rt, &operations, none).unwrap();
        let report = Flow::new(&rt).run(&graph).await;
        let error = report.step("length").unwrap().error.clone().unwrap();
        let StepError::Failed { source, .. } = &*error else {
            panic!("{error}");
        };
        let source = source.downcast_ref::<OperationError>().unwrap();
        let OperationError::Parameters {
            operation,
            field,
            source,
        } = source
        else {
            panic!("{source}");
        };
        assert_eq!((operation.as_str(), field.as_str()), ("length", "[2]"));
        assert!(
            source
                .to_string()
                .starts_with("invalid type: integer `5`, expected a string")
        );
    });
}

#[test]
fn what_is_not_there_fails_the_step_wherever_it_would_stand() {
    TestRuntime::run(|rt| async move {
        for template in [
            "{{ steps.a.nope }}",
            "so: {{ steps.a.nope }}",
            "{{ [1, steps.a.nope] }}",
            "{{ {'x': steps.a.nope} }}",
            "{{ steps.a.nope.more }}",
            "{{ steps.a[0] }}",
            "{{ steps.a.list[7] }}",
            "{{ state.unset }}",
            "{% if steps.a.nope %}x{% endif %}",
            "{% for x in steps.a.nope %}x{% endfor %}",
            "{{ steps.a.nope | upper }}",
            "{{ steps.a.nope ~ 'x' }}",
            "{{ errors.a }}",
            "{{ steps.a.list | join(steps.a.nope) }}",
        ] {
            let text = json!({ "steps": {
                "a": { "operation": "echo", "with": { "list": [1] }, "writes": ["unset"] },
                "b": { "operation": "echo", "with": { "deep": [template] }, "after": ["a"] },
            } });
            let report = run(&rt, &text.to_string()).await;
            let b = report.step("b").unwrap();
            assert_eq!(b.status, Status::Failed, "{template} gave {:?}", b.json());
            let said = told(&report, "b");
            assert!(
                said.contains("the template in `with.deep[0]` gives nothing"),
                "{said}"
            );
        }
    });
}

#[test]
fn a_condition_that_cannot_be_told_fails_the_step_behind() {
    TestRuntime::run(|rt| async move {
        for condition in [
            "output.nope",
            "output.list",
            "output.list > 'a' | int",
            "1 / 0 == 1",
        ] {
            let text = json!({ "steps": {
                "a": { "operation": "echo", "with": { "list": [1] } },
                "b": { "operation": "echo", "after": [{ "step": "a", "when": condition }] },
            } });
            let report = run(&rt, &text.to_string()).await;
            assert_eq!(report.step("a").unwrap().status, Status::Completed);
            let error = report.step("b").unwrap().error.clone();
            let error = error.unwrap_or_else(|| panic!("{condition} was told"));
            let StepError::Undecided { from, .. } = &*error else {
                panic!("{error}");
            };
            assert_eq!(from, "a");
        }
    });
}

#[test]
fn a_reducer_that_refuses_a_value_fails_the_step() {
    TestRuntime::run(|rt| async move {
        let text = "
state: { n: 1 }
reducers: { n: sum }
steps:
  a: { operation: echo, with: text, update: { n: '{{ output }}' } }
";
        let report = run(&rt, text).await;
        assert_eq!(report.state.get("n"), Some(&json!(1)));
        assert_eq!(
            told(&report, "a"),
            "step `a` failed at attempt 1: the reducer of `n` refuses the value: `sum` takes numbers with a finite sum",
        );
    });
}

#[test]
fn templates_are_bounded() {
    TestRuntime::run(|rt| async move {
        let long = "[".to_owned() + &"1,".repeat(1000) + "1]";
        let ten = |depth: usize| {
            let (begin, end) = ("{% for x in steps.a %}", "{% endfor %}");
            format!(
                "{}{{{{ 'text' }}}}{}",
                begin.repeat(depth),
                end.repeat(depth)
            )
        };
        for template in [
            ten(3),
            "{{ 'x' * 90000000 }}".to_owned(),
            "{{ [1] * 90000000 }}".to_owned(),
            "{{ ('x' * 5000) | replace('x', 'y' * 5000) }}".to_owned(),
            "{{ ('x' * 5000) | join('y' * 5000) }}".to_owned(),
            "{{ 2 ** 500 }}".to_owned(),
        ] {
            let text = json!({ "steps": {
                "a": { "operation": "echo", "with": serde_json::from_str::<Value>(&long).unwrap() },
                "b": { "operation": "echo", "with": template, "after": ["a"] },
            } });
            let report = run(&rt, &text.to_string()).await;
            assert_eq!(
                report.step("b").unwrap().status,
                Status::Failed,
                "{template}"
            );
        }
        let deep = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
        let wide = format!("{{{{ {} }}}}", vec!["2"; 20].join(" * "));
        for template in [deep, wide, "x{{ 1 }}".repeat(100_000)] {
            let text = json!({ "steps": { "a": { "operation": "echo", "with": template } } });
            let errors = FlowSpec::from_json("f.json", text.to_string()).unwrap_err();
            assert_eq!(errors.count(), 1);
        }
        assert_eq!(operations(&rt).names().count(), 3);
    });
}
