//! What is built from a description, and how it runs.

use std::time::Duration;

use fascine::flow::{
    EdgeSpec, Flow, FlowSpec, Operations, ParameterKind, ParameterSpec, Status, StepContext,
    StepSpec, WhenSpec,
};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::TestRuntime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{operations, output, run};
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_flow_from_a_file_runs,
}

async fn a_flow_from_a_file_runs(rt: Rt, _: std::sync::Arc<dyn Net>) {
    let report = run(&rt, DIAMOND).await;
    assert!(report.is_success(), "{:?}", report.errors);
    assert_eq!(
        output(&report, "join"),
        json!({ "all": ["left: seed", "right: seed"] })
    );
}

const DIAMOND: &str = "
steps:
  seed: { operation: echo, with: seed }
  left: { operation: wait, with: 'left: {{ steps.seed }}', after: [seed] }
  right: { operation: wait, with: 'right: {{ steps.seed }}', after: [seed] }
  join: { operation: echo, with: { all: ['{{ steps.left }}', '{{ steps.right }}'] }, after: [left, right] }
";

#[test]
fn steps_run_side_by_side_and_no_step_waits_for_others() {
    TestRuntime::run(|rt| async move {
        assert_eq!(run(&rt, DIAMOND).await.wall, ms(100));
    });
}

#[test]
fn settings_of_steps_are_those_of_the_file() {
    TestRuntime::run(|rt| async move {
        let report = run(
            &rt,
            "
resources: { one: 1 }
steps:
  a: { operation: wait, with: 1, resource: one }
  b: { operation: wait, with: 2, resource: one, priority: 1 }
  late: { operation: wait, with: 3, timeout: 50ms, on_error: continue }
  again: { operation: fail, with: no, retry: { attempts: 3, backoff: 10ms, max_backoff: 10ms } }
  all: { operation: wait, for_each: [1, 2], with: 1, total_timeout: 50ms }
",
        )
        .await;
        let started = |name: &str| report.step(name).unwrap().started.unwrap();
        assert_eq!((started("b"), started("a")), (Duration::ZERO, ms(100)));
        let late = report.step("late").unwrap();
        assert_eq!((late.status, late.elapsed), (Status::Failed, ms(50)));
        assert_eq!(report.step("again").unwrap().attempts, 3);
        let all = report.step("all").unwrap();
        assert_eq!((all.status, all.elapsed), (Status::Failed, ms(50)));
    });
}

#[test]
fn conditions_choose_the_way() {
    TestRuntime::run(|rt| async move {
        for (score, taken) in [(9, "good"), (5, "bad")] {
            let text = format!(
                "
state: {{ limit: 7 }}
steps:
  grade: {{ operation: echo, with: {{ score: {score} }} }}
  good: {{ operation: echo, with: 1, after: [{{ step: grade, when: output.score > state.limit }}] }}
  bad: {{ operation: echo, with: 2, after: [{{ step: grade, otherwise: true, label: too low }}] }}
  end:
    operation: echo
    with: '{{{{ steps.good | default(steps.bad) }}}}'
    after: [good, bad]
    join: any
",
            );
            let report = run(&rt, &text).await;
            assert!(report.is_success(), "{:?}", report.errors);
            for name in ["good", "bad"] {
                let status = report.step(name).unwrap().status;
                assert_eq!(status == Status::Completed, name == taken);
            }
            assert_eq!(output(&report, "end"), output(&report, taken));
        }
    });
}

#[test]
fn updates_go_to_the_shared_state_by_its_reducers() {
    TestRuntime::run(|rt| async move {
        let report = run(
            &rt,
            "
state: { total: 100, log: [begin] }
reducers: { total: sum, log: append, best: max, worst: min, all: merge, first: keep, words: concat }
steps:
  a:
    operation: echo
    with: { n: 3 }
    update: { total: '{{ output.n }}', log: a, best: 3, worst: 3, all: { a: 1 }, first: a, words: [a] }
  b:
    operation: echo
    with: { n: 4, before: '{{ state.total }}' }
    after: [a]
    update: { total: '{{ output.n }}', log: 'b after {{ output.before }}', best: 2, worst: 2.5, all: { b: 2 }, first: b, words: [b] }
",
        )
        .await;
        assert!(report.is_success(), "{:?}", report.errors);
        let state: Value = report
            .state
            .iter()
            .map(|(k, v)| (k.to_owned(), v.clone()))
            .collect();
        let expected = json!({
            "total": 107, "log": ["begin", "a", "b after 103"], "best": 3, "worst": 2.5,
            "all": { "a": 1, "b": 2 }, "first": "a", "words": ["a", "b"],
        });
        assert_eq!(state, expected);
    });
}

#[test]
fn parameters_have_types_and_defaults() {
    TestRuntime::run(|rt| async move {
        let spec = FlowSpec::from_yaml(
            "p.yaml",
            "
parameters:
  url: { type: string }
  depth: { type: integer, default: 2 }
  note: { required: false }
steps:
  all: { operation: echo, with: ['{{ params.url }}', '{{ params.depth }}', '{{ params.note }}'] }
",
        )
        .unwrap();
        let graph = spec
            .build(&rt, &operations(&rt), [("url", json!("u"))])
            .unwrap();
        let report = Flow::new(&rt).run(&graph).await;
        assert_eq!(output(&report, "all"), json!(["u", 2, null]));

        let none: [(&str, Value); 0] = [];
        let missing = spec.build(&rt, &operations(&rt), none).unwrap_err();
        assert_eq!(
            missing.to_string(),
            "p.yaml:3:3: parameters.url: the parameter `url` is missing, of the type string",
        );
        let given = [("url", json!(5)), ("depth", json!(2.5)), ("dept", json!(1))];
        let wrong = spec.build(&rt, &operations(&rt), given).unwrap_err();
        assert_eq!(
            wrong.to_string(),
            "p.yaml:2:1: parameters.dept: there is no parameter `dept`; did you mean `depth`?\n\
             p.yaml:3:3: parameters.url: expected a value of the type string, found 5\n\
             p.yaml:4:3: parameters.depth: expected a value of the type integer, found 2.5",
        );
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fetch {
    url: String,
    #[serde(default)]
    tries: u32,
}

fn fetching() -> Operations {
    Operations::new()
        .with("fetch", |fetch: Fetch, context: StepContext| async move {
            Ok((fetch.url, fetch.tries, context.name().to_owned()))
        })
        .with("nothing", |(): (), _| async move { Ok("nothing") })
        .with("pair", |(n, t): (u8, String), _| async move { Ok((t, n)) })
}

#[test]
fn operations_get_what_they_want() {
    TestRuntime::run(|rt| async move {
        let mut spec = FlowSpec::new();
        let mut load = StepSpec::new("load", "fetch");
        load.with = Some(json!({ "url": "{{ params.host }}/x", "tries": "{{ 1 + 2 }}" }));
        let mut pair = StepSpec::new("pair", "pair");
        pair.with = Some(json!([7, "seven"]));
        spec.steps = vec![load, pair, StepSpec::new("rest", "nothing")];
        let mut host = ParameterSpec::default();
        host.kind = ParameterKind::String;
        spec.parameters.insert("host".to_owned(), host);
        let graph = spec
            .build(&rt, &fetching(), [("host", json!("h"))])
            .unwrap();
        let report = Flow::new(&rt).run(&graph).await;
        assert_eq!(output(&report, "load"), json!(["h/x", 3, "load"]));
        assert_eq!(output(&report, "pair"), json!(["seven", 7]));
        assert_eq!(output(&report, "rest"), json!("nothing"));
    });
}

#[test]
fn what_an_operation_cannot_take_is_found_when_it_is_written_down() {
    let text = "
steps:
  a: { operation: fetch, with: { url: u, tries: -1 } }
  b: { operation: fetch, with: { url: u, trys: 1 } }
  c: { operation: fetch }
  d: { operation: pair, with: [256, t] }
  e: { operation: nothing, with: 1 }
  f: { operation: fecth }
  g: { operation: fetch, with: { url: '{{ 1 + 1 }}' } }
";
    let spec = FlowSpec::from_yaml("o.yaml", text).unwrap();
    let said = spec.check(&fetching()).unwrap_err().to_string();
    assert_eq!(
        said,
        "o.yaml:3:42: steps.a.with.tries: it does not fit operation `fetch`: invalid value: integer `-1`, expected u32\n\
         o.yaml:4:42: steps.b.with.trys: it does not fit operation `fetch`: unknown field `trys`, expected `url` or `tries`\n\
         o.yaml:5:3: steps.c.with: it does not fit operation `fetch`: missing field `url`\n\
         o.yaml:6:32: steps.d.with[0]: it does not fit operation `pair`: invalid value: integer `256`, expected u8\n\
         o.yaml:7:28: steps.e.with: it does not fit operation `nothing`: invalid type: integer `1`, expected unit\n\
         o.yaml:8:8: steps.f.operation: there is no operation `fecth`; did you mean `fetch`?",
    );
}

#[test]
fn a_description_of_no_file_has_fields_and_no_lines() {
    let mut spec = FlowSpec::new();
    let mut step = StepSpec::new("a", "fetch");
    step.with = Some(json!({ "url": 1 }));
    let mut edge = EdgeSpec::new("b");
    edge.when = WhenSpec::Expression("output +".to_owned());
    step.after.push(edge);
    spec.steps = vec![step.clone(), step];
    let errors = spec.check(&fetching()).unwrap_err();
    let fields: Vec<_> = errors
        .iter()
        .map(|error| (error.place(), error.field()))
        .collect();
    assert!(fields.iter().all(|(place, _)| place.is_none()));
    let fields: Vec<_> = fields.into_iter().map(|(_, field)| field).collect();
    for field in [
        "steps.a",
        "steps.a.after[0]",
        "steps.a.after[0].when",
        "steps.a.with.url",
    ] {
        assert!(fields.contains(&field), "{field} is not in {fields:?}");
    }
}
