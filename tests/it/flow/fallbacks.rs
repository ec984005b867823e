//! Steps that run in place of one that failed.

use fascine::flow::{
    Flow, FlowReport, GraphBuilder, GraphError, Join, OnError, Output, SkipCause, Status,
};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use crate::durations::ms;

/// Adds a step that takes so long, and then gives that or fails.
fn step(
    graph: &mut GraphBuilder,
    rt: &Rt,
    name: &str,
    time: u64,
    gives: Option<i32>,
    then: OnError,
) {
    let clock = rt.clone();
    graph
        .step(name, move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(time)).await;
                gives.ok_or_else(|| "told to".into())
            }
        })
        .on_error(then);
}

/// `main` gives or fails, then `spare`, then `spare 2`; `reader` is behind `main`, and `beside` behind `spare`.
fn run(gives: [Option<i32>; 3]) -> FlowReport {
    TestRuntime::run(move |rt| async move {
        let mut graph = GraphBuilder::new();
        let of = |name: &str| OnError::FallbackStep(name.into());
        step(&mut graph, &rt, "main", 10, gives[0], of("spare"));
        step(&mut graph, &rt, "spare", 20, gives[1], of("spare 2"));
        step(
            &mut graph,
            &rt,
            "spare 2",
            40,
            gives[2],
            OnError::SkipDependents,
        );
        for name in ["reader", "beside", "choosy"] {
            graph
                .step(name, move |context| async move {
                    let mut inputs = context.inputs();
                    let (from, input) = inputs.next().unwrap();
                    let value = *input.as_ref().unwrap().get::<i32>().unwrap();
                    Ok(format!("{from} {value}"))
                })
                .join(Join::AllSucceeded);
        }
        graph.edge("main", "reader");
        graph.edge("spare", "beside");
        graph
            .edge("main", "choosy")
            .when(|seen| *seen.output::<i32>().unwrap() > 1);
        Flow::new(&rt).run(&graph.build().unwrap()).await
    })
}

fn told(report: &FlowReport) -> Vec<(Status, Option<String>)> {
    let steps = report.steps.iter();
    steps
        .map(|step| {
            let text = step.json().and_then(|json| Some(json.as_str()?.to_owned()));
            (step.status, text)
        })
        .collect()
}

#[test]
fn what_stands_in_is_skipped_when_it_is_not_needed() {
    let report = run([Some(1), Some(2), Some(3)]);
    let (done, skipped) = (Status::Completed, (Status::Skipped, None));
    let reader = (done, Some("main 1".to_owned()));
    let expected = [
        (done, None),
        skipped.clone(),
        skipped.clone(),
        reader,
        skipped.clone(),
        skipped,
    ];
    assert_eq!(told(&report), expected);
    assert_eq!((report.wall, report.is_success()), (ms(10), true));
}

#[test]
fn what_stands_in_gives_to_the_steps_behind_in_place_of_the_failed() {
    let report = run([None, Some(2), Some(3)]);
    let done = Status::Completed;
    let gave = |text: &str| (done, Some(text.to_owned()));
    let expected = [
        (Status::Failed, None),
        (done, None),
        (Status::Skipped, None),
        gave("main 2"),
        gave("spare 2"),
        gave("main 2"),
    ];
    assert_eq!(told(&report), expected);
    assert_eq!(report.wall, ms(30));
    assert_eq!(report.critical_path.steps[..2], ["main", "spare"]);
    assert_eq!(report.critical_path.duration, ms(30));
    assert!(!report.is_success());
    // The second in line.
    let report = run([None, None, Some(3)]);
    let expected = [
        (Status::Failed, None),
        (Status::Failed, None),
        (done, None),
        gave("main 3"),
        gave("spare 3"),
        gave("main 3"),
    ];
    let told = told(&report);
    assert_eq!(told[..2], expected[..2]);
    assert_eq!(told[3..], expected[3..]);
    assert_eq!(report.wall, ms(70));
    assert_eq!(
        report.critical_path.steps[..3],
        ["main", "spare", "spare 2"]
    );
    assert_eq!(report.critical_path.duration, ms(70));
}

#[test]
fn a_value_that_stands_in_for_what_stands_in_goes_to_the_steps_behind_both() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let spare = OnError::FallbackStep("spare".into());
        step(&mut graph, &rt, "main", 10, None, spare);
        let value = OnError::Fallback(Output::new(7_i32));
        step(&mut graph, &rt, "spare", 20, None, value);
        for (from, name) in [("main", "reader"), ("spare", "beside"), ("main", "choosy")] {
            graph.step(name, move |context| async move {
                let input = context.input_named(from).unwrap().as_ref().unwrap();
                Ok(*input.get::<i32>().unwrap())
            });
        }
        graph.edge("main", "reader");
        graph.edge("spare", "beside");
        graph
            .edge("main", "choosy")
            .when(|seen| seen.output::<i32>().as_deref() == Some(&7));
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        for name in ["reader", "beside", "choosy"] {
            assert_eq!(report.step(name).unwrap().json(), Some(7.into()), "{name}");
        }
        let failed = report.with_status(Status::Failed);
        let failed: Vec<_> = failed.map(|step| step.name.as_str()).collect();
        assert_eq!(failed, ["main", "spare"]);
    });
}

#[test]
fn when_nothing_stands_in_the_steps_behind_are_skipped() {
    let report = run([None, None, None]);
    let of = |step: &str| {
        let step = step.to_owned();
        Some(SkipCause::Dependency { step })
    };
    let cause = |name| report.step(name).unwrap().skip_cause.clone();
    assert_eq!(cause("reader"), of("main"));
    assert_eq!(cause("choosy"), of("main"));
    assert_eq!(cause("beside"), of("spare"));
    assert_eq!(report.error_count, 3);
}

#[test]
fn what_stands_in_gets_the_error_and_inputs_of_its_own() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let prompt = graph
            .step("prompt", |_| async { Ok("hello".to_owned()) })
            .id();
        let spare = graph
            .then("spare", prompt, |context, prompt| async move {
                let error = context.input_named("main").unwrap().clone().unwrap_err();
                Ok(format!("{prompt}: {error}"))
            })
            .id();
        let main = graph
            .then("main", prompt, |_, _| async {
                Err::<String, _>("no".into())
            })
            .on_error(OnError::FallbackStep(spare.into()))
            .id();
        graph.then("last", main, |_, text| async move { Ok((*text).clone()) });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let last = report.step("last").unwrap().json().unwrap();
        assert_eq!(last, "hello: step `main` failed at attempt 1");
    });
}

#[test]
fn what_stands_in_waits_for_the_failure_whatever_its_join() {
    for join in [
        Join::Any,
        Join::Always,
        Join::AtLeast(1.try_into().unwrap()),
    ] {
        TestRuntime::run(move |rt| async move {
            let mut graph = GraphBuilder::new();
            let spare = || OnError::FallbackStep("spare".into());
            step(
                &mut graph,
                &rt,
                "other",
                1,
                Some(1),
                OnError::SkipDependents,
            );
            step(&mut graph, &rt, "main", 10, Some(1), spare());
            graph.step("spare", |_| async { Ok(1) }).join(join);
            graph.edge("other", "spare");
            let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
            let spare = report.step("spare").unwrap();
            assert_eq!(spare.status, Status::Skipped, "{join:?}");
            assert_eq!(spare.skip_cause, Some(SkipCause::Condition), "{join:?}");
        });
    }
}

#[test]
fn what_stands_in_and_is_not_needed_does_not_fail_by_a_condition() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let spare = OnError::FallbackStep("spare".into());
        step(&mut graph, &rt, "main", 10, Some(1), spare);
        graph.step("spare", |_| async { Ok(2) });
        graph.step("other", |_| async { Ok(()) });
        graph.edge("other", "spare").when(|_| panic!("told to"));
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert!(report.is_success(), "{report:?}");
        let spare = report.step("spare").unwrap();
        assert_eq!(spare.skip_cause, Some(SkipCause::Condition));
    });
}

#[test]
fn fallbacks_that_cannot_be_are_refused() {
    let build = |edges: &[(&str, &str)], spares: &[(&str, &str)]| {
        let mut graph = GraphBuilder::new();
        for name in ["a", "b", "c"] {
            let spare = spares.iter().find(|(of, _)| *of == name);
            let on_error = match spare {
                Some((_, spare)) => OnError::FallbackStep((*spare).into()),
                None => OnError::SkipDependents,
            };
            graph.step(name, |_| async { Ok(1) }).on_error(on_error);
        }
        for (from, to) in edges {
            graph.edge(*from, *to);
        }
        graph.build().map(drop)
    };
    assert_eq!(build(&[("a", "c")], &[("a", "b")]), Ok(()));
    // `c` waits for `a`, and so for what stands in for it.
    let error = build(&[("a", "c"), ("c", "b")], &[("a", "b")]).unwrap_err();
    assert!(matches!(error, GraphError::Cycle { .. }), "{error}");
    let error = build(&[], &[("a", "a")]).unwrap_err();
    assert!(matches!(error, GraphError::Cycle { .. }), "{error}");
    let error = build(&[], &[("a", "b"), ("b", "a")]).unwrap_err();
    assert!(matches!(error, GraphError::Cycle { .. }), "{error}");
    let step = "c".to_owned();
    let error = build(&[], &[("a", "c"), ("b", "c")]).unwrap_err();
    assert_eq!(error, GraphError::DuplicateFallback { step });
    let error = build(&[], &[("a", "d")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no step `d` to run in place of `a`"
    );
    let error = build(&[("a", "b")], &[("a", "b")]).unwrap_err();
    assert!(matches!(error, GraphError::DuplicateEdge { .. }), "{error}");
}

#[test]
fn what_waits_for_a_step_waits_for_a_whole_row_of_fallbacks() {
    // `d` waits for `a`, so for `b` and `c`, and none of these may wait for `d`.
    for waits in ["b", "c"] {
        let mut graph = GraphBuilder::new();
        for (name, spare) in [("a", Some("b")), ("b", Some("c")), ("c", None), ("d", None)] {
            let step = graph.step(name, |_| async { Ok(1) });
            if let Some(spare) = spare {
                step.on_error(OnError::FallbackStep(spare.into()));
            }
        }
        graph.edge("a", "d");
        graph.edge("d", waits);
        let error = graph.build().unwrap_err();
        assert!(matches!(error, GraphError::Cycle { .. }), "{error}");
    }
}

/// Would take minutes if each of them looked at all those before it.
#[test]
fn a_row_of_a_hundred_thousand_fallbacks_is_built_and_run() {
    const ROW: usize = 100_000;
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        for number in 0..ROW {
            let is_last = number + 1 == ROW;
            let step = graph.step(number.to_string(), move |_| async move {
                is_last.then_some(number).ok_or_else(|| "told to".into())
            });
            if !is_last {
                step.on_error(OnError::FallbackStep((number + 1).to_string().into()));
            }
        }
        graph.step(
            "after",
            |context| async move { Ok(context.input_json("0")) },
        );
        graph.edge("0", "after");
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.step("after").unwrap().json(), Some((ROW - 1).into()));
        assert_eq!(report.error_count, ROW as u64 - 1);
    });
}
