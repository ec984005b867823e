//! Steps from files that are done for each item, or again and again, or run flows.

use fascine::flow::{Flow, FlowSpec, Operations, Status};
use fascine_testing::TestRuntime;
use serde_json::{Value, json};

use super::{operations, output, run, told};
use crate::durations::ms;

#[test]
fn a_step_is_done_for_each_item_side_by_side() {
    TestRuntime::run(|rt| async move {
        let report = run(
            &rt,
            "
resources: { two: 2 }
steps:
  list: { operation: echo, with: [a, b, c] }
  each:
    operation: wait
    for_each: '{{ steps.list }}'
    with: { text: '{{ index }}: {{ item }} of {{ steps.list | length }}' }
    after: [list]
    resource: two
  none: { operation: echo, for_each: [], with: '{{ item }}' }
  literal: { operation: echo, for_each: [1, '{{ 1 + 1 }}'], with: '{{ item * 2 }}' }
",
        )
        .await;
        assert!(report.is_success(), "{:?}", report.errors);
        let texts: Vec<_> = ["0: a", "1: b", "2: c"]
            .map(|text| json!({ "text": format!("{text} of 3") }))
            .into();
        assert_eq!(output(&report, "each"), Value::from(texts));
        assert_eq!(output(&report, "none"), json!([]));
        assert_eq!(output(&report, "literal"), json!([2, 4]));
        // Two of three at once.
        assert_eq!(report.step("each").unwrap().elapsed, ms(200));
        assert_eq!(report.step("each[2]").unwrap().status, Status::Completed);
    });
}

#[test]
fn retries_and_time_outs_are_those_of_each_item() {
    TestRuntime::run(|rt| async move {
        let report = run(
            &rt,
            "
steps:
  each: { operation: fail, for_each: [1], with: 'no {{ item }}', retry: { attempts: 3 } }
  late: { operation: wait, for_each: [1, 2], with: x, timeout: 10ms }
  text: { operation: echo, for_each: '{{ 5 }}', with: x }
",
        )
        .await;
        assert_eq!(report.step("each").unwrap().attempts, 1);
        assert_eq!(report.step("each[0]").unwrap().attempts, 3);
        let said = told(&report, "each");
        assert!(
            said.ends_with("step `each[0]` failed at attempt 3: no 1"),
            "{said}"
        );
        assert_eq!(report.step("late").unwrap().elapsed, ms(10));
        let said = told(&report, "text");
        assert!(
            said.ends_with(
                "the template in `for_each` gives nothing: it is to be a list, and is a number"
            ),
            "{said}"
        );
    });
}

#[test]
fn a_step_is_repeated_until_it_is_done() {
    TestRuntime::run(|rt| async move {
        let report = run(
            &rt,
            "
state: { limit: 3 }
steps:
  count:
    operation: wait
    repeat: { at_most: 10, until: 'output >= state.limit and index == output - 1' }
    with: '{{ (last | default(0, true)) + 1 }}'
  never:
    operation: echo
    repeat: { at_most: 2, until: output > 100 }
    with: '{{ index }}'
  last:
    operation: echo
    repeat: { at_most: 2, until: output > 100, or_last: true }
    with: '{{ index }}'
  wrong: { operation: echo, repeat: { at_most: 2, until: output.x }, with: 1 }
",
        )
        .await;
        assert_eq!(output(&report, "count"), 3);
        assert_eq!(report.step("count").unwrap().elapsed, ms(300));
        assert_eq!(report.step("count").unwrap().nested.len(), 3);
        assert!(told(&report, "never").ends_with("step `never` was not done after 2 repetitions"));
        assert_eq!(output(&report, "last"), 1);
        assert!(told(&report, "wrong").contains("the template in `repeat.until` gives nothing"));
    });
}

const NESTED: &str = "
resources: { one: 1 }
reducers: { seen: append }
flows:
  measure:
    parameters: { text: { type: string }, factor: { type: integer, default: 1 } }
    steps:
      length: { operation: wait, with: '{{ params.text | length }}', resource: one }
      times: { operation: echo, with: '{{ steps.length * params.factor }}', after: [length], update: { seen: '{{ output }}' } }
      odd: { operation: echo, with: odd, after: [{ step: length, when: output is odd }] }
steps:
  words: { operation: echo, with: [one, three] }
  all:
    flow: measure
    for_each: '{{ steps.words }}'
    with: { text: '{{ item }}', factor: 10 }
    after: [words]
  alone: { flow: measure, with: { text: four } }
  sum: { operation: echo, with: '{{ steps.all | map(attribute=\"times\") | sum }}', after: [all] }
";

#[test]
fn a_step_runs_a_flow_of_the_same_file() {
    TestRuntime::run(|rt| async move {
        let report = run(&rt, NESTED).await;
        assert!(report.is_success(), "{:?}", report.errors);
        assert_eq!(
            output(&report, "all"),
            json!([{ "times": 30, "odd": "odd" }, { "times": 50, "odd": "odd" }])
        );
        assert_eq!(output(&report, "alone"), json!({ "times": 4 }));
        assert_eq!(output(&report, "sum"), 80);
        let seen = report.state.get("seen").unwrap().as_array().unwrap().len();
        assert_eq!(seen, 3);
        // The resource of the whole holds for all of them.
        assert_eq!(report.wall, ms(300));
        assert_eq!(
            report.step("alone/length").unwrap().status,
            Status::Completed
        );
    });
}

#[test]
fn a_flow_that_fails_fails_the_step_that_runs_it() {
    TestRuntime::run(|rt| async move {
        let report = run(
            &rt,
            "
flows:
  broken: { steps: { a: { operation: fail, with: broken }, b: { operation: echo, after: [a] } } }
  again: { steps: { a: { flow: again } } }
steps:
  broken: { flow: broken }
  endless: { flow: again }
  given: { flow: broken, with: '{{ 5 }}' }
",
        )
        .await;
        assert!(told(&report, "broken").contains("did not complete"));
        assert!(
            told(&report, "endless").contains("deep in others"),
            "{}",
            told(&report, "endless")
        );
        assert!(
            told(&report, "given")
                .ends_with("flow `broken` takes a table of parameters, and not a number")
        );
    });
}

#[test]
fn mistakes_in_flows_and_in_how_they_are_run_are_told() {
    let text = "
flows:
  part:
    state: { x: 1 }
    parameters: { n: { type: integer } }
    steps:
      a: { operation: ehco, with: '{{ params.m }} {{ steps.b }}' }
steps:
  a: { flow: prt }
  b: { flow: part, with: { m: 1 } }
  c: { flow: part, with: { n: x } }
  d: { flow: part, operation: echo, with: [1] }
  e: { operation: echo, for_each: { a: 1 }, repeat: { at_most: 0, until: 5 } }
  f: { operation: echo, for_each: [1], repeat: { at_most: 1, until: last }, with: '{{ last }}' }
  g: { operation: echo, with: '{{ item }}' }
  h: { operation: echo, for_each: '{{ item }}' }
";
    let said = FlowSpec::from_yaml("f.yaml", text).unwrap_err().to_string();
    for expected in [
        "f.yaml:4:5: flows.part.state: there is no field `state`; there are `name`",
        "f.yaml:7:29: flows.part.steps.a.with: there is no parameter `m`",
        "f.yaml:7:29: flows.part.steps.a.with: there is no step `b`",
        "f.yaml:12:8: steps.d.flow: expected `operation` or `flow`, found both",
        "f.yaml:13:25: steps.e.for_each: expected a list, or a template of one, found a table",
        "f.yaml:13:55: steps.e.repeat.at_most: expected a positive integer, found 0",
        "f.yaml:13:67: steps.e.repeat.until: expected text, found an integer",
        "f.yaml:14:40: steps.f.repeat: expected `for_each` or `repeat`, found both",
        "f.yaml:14:62: steps.f.repeat.until: there is no value `last`",
        "f.yaml:14:77: steps.f.with: there is no value `last`",
        "f.yaml:15:25: steps.g.with: there is no value `item`",
        "f.yaml:16:25: steps.h.for_each: there is no value `item`",
    ] {
        assert!(said.contains(expected), "{expected} is not in\n{said}");
    }
    let text = text
        .replace("state: { x: 1 }", "name: p")
        .replace("'{{ params.m }} {{ steps.b }}'", "1");
    let text = &text[..text.find("  d: ").unwrap()];
    let none = Operations::new().with("echo", |value: Value, _| async move { Ok(value) });
    let said = FlowSpec::from_yaml("f.yaml", text)
        .unwrap()
        .check(&none)
        .unwrap_err()
        .to_string();
    assert_eq!(
        said,
        "f.yaml:7:12: flows.part.steps.a.operation: there is no operation `ehco`; did you mean `echo`?\n\
         f.yaml:9:8: steps.a.flow: there is no flow `prt`; did you mean `part`?\n\
         f.yaml:10:20: steps.b.with.n: the parameter `n` is missing, of the type integer\n\
         f.yaml:10:28: steps.b.with.m: there is no parameter `m`\n\
         f.yaml:11:28: steps.c.with.n: expected a value of the type integer, found \"x\"",
    );
}

#[test]
fn flows_in_flows_are_written_and_read_back() {
    let spec = FlowSpec::from_yaml("f.yaml", NESTED).unwrap();
    assert_eq!(FlowSpec::from_yaml("f.yaml", spec.to_yaml()).unwrap(), spec);
    assert_eq!(
        FlowSpec::from_toml("f.toml", spec.to_toml().unwrap()).unwrap(),
        spec
    );
    assert_eq!(FlowSpec::from_json("f.json", spec.to_json()).unwrap(), spec);
    let schema = jsonschema::validator_for(&FlowSpec::json_schema()).unwrap();
    assert!(schema.is_valid(&serde_json::from_str(&spec.to_json()).unwrap()));
}

#[test]
fn ten_runs_of_one_graph_do_not_touch_each_other() {
    TestRuntime::run(|rt| async move {
        let spec = FlowSpec::from_yaml("f.yaml", NESTED).unwrap();
        let none: [(&str, Value); 0] = [];
        let graph = spec.build(&rt, &operations(&rt), none).unwrap();
        let flow = Flow::new(&rt).keep_all();
        let runs = (0..10).map(|_| {
            let (flow, graph) = (flow.clone(), graph.clone());
            rt.spawn(async move { flow.run(&graph).await })
        });
        let runs: Vec<_> = runs.collect();
        for run in runs {
            let report = run.await.unwrap();
            assert_eq!((report.wall, output(&report, "sum")), (ms(300), json!(80)));
            assert_eq!(
                report.state.get("seen").unwrap().as_array().unwrap().len(),
                3
            );
        }
    });
}
