//! What each join makes of each kind of edge, and what conditions see.

use fascine::flow::{
    Flow, FlowReport, GraphBuilder, Join, OnError, Output, SkipCause, Status, StepError,
};
use fascine_testing::TestRuntime;

use crate::durations::ms;

/// Runs a step with that join behind steps that are as the letters say: `l`ive, `d`ead, `f`ailed, `e` live with an
/// error, `b` with a condition that panics. Each ends a millisecond after the one before it.
fn join(join: Join, sources: &str) -> FlowReport {
    let sources = sources.to_owned();
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let join = graph.step("join", |_| async { Ok(()) }).join(join).id();
        for (number, kind) in (1..).zip(sources.chars()) {
            let clock = rt.clone();
            let source = graph.step(number.to_string(), move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(number)).await;
                    if "fe".contains(kind) {
                        Err("told to".into())
                    } else {
                        Ok(number)
                    }
                }
            });
            let source = match kind {
                'e' => source.on_error(OnError::Continue).id(),
                _ => source.id(),
            };
            match kind {
                'd' => graph.edge(source, join).when(|_| false),
                'b' => graph.edge(source, join).when(|_| panic!("told to")),
                _ => graph.edge(source, join),
            };
        }
        Flow::new(&rt)
            .unlimited()
            .run(&graph.build().unwrap())
            .await
    })
}

#[test]
fn each_join_takes_and_refuses_what_it_says() {
    let two = Join::AtLeast(2.try_into().unwrap());
    for (policy, runs, skipped_by_condition, skipped_by_failure) in [
        (
            Join::All,
            &["ll", "le"][..],
            &["ld", "d"][..],
            &["lf", "df"][..],
        ),
        (
            Join::AllSucceeded,
            &["ll"],
            &["ld", "d"],
            &["lf", "le", "df"],
        ),
        (Join::Always, &["ll", "d", "f", "e", "b", "df"], &[], &[]),
        (
            Join::Any,
            &["l", "e", "ld", "lf", "lb"],
            &["d", "dd"],
            &["f", "df"],
        ),
        (
            Join::NoneFailed,
            &["l", "e", "ld"],
            &["d", "dd"],
            &["f", "lf", "df"],
        ),
        (
            two,
            &["ll", "le", "llf", "lldb"],
            &["ld", "de"],
            &["lf", "ldf"],
        ),
    ] {
        for sources in runs {
            let report = join(policy, sources);
            let status = report.step("join").unwrap().status;
            assert_eq!(status, Status::Completed, "{policy:?} of {sources}");
        }
        for sources in skipped_by_condition {
            let report = join(policy, sources);
            let cause = report.step("join").unwrap().skip_cause.clone();
            assert_eq!(cause, Some(SkipCause::Condition), "{policy:?} of {sources}");
        }
        for sources in skipped_by_failure {
            let report = join(policy, sources);
            let culprit = sources.find(['f', 'e']).unwrap() + 1;
            let step = culprit.to_string();
            let cause = report.step("join").unwrap().skip_cause.clone();
            let expected = Some(SkipCause::Dependency { step });
            assert_eq!(cause, expected, "{policy:?} of {sources}");
        }
    }
}

#[test]
fn a_join_of_so_many_starts_without_the_others_and_does_not_hear_of_them() {
    let two = Join::AtLeast(2.try_into().unwrap());
    for sources in ["dllfb", "lldfb", "fllbl"] {
        let report = join(two, sources);
        let step = report.step("join").unwrap();
        let second = sources.match_indices('l').nth(1).unwrap().0 as u64 + 1;
        assert_eq!(step.started, Some(ms(second)), "{sources}");
        assert_eq!(step.status, Status::Completed, "{sources}");
        assert!(step.error.is_none(), "{sources}");
    }
}

#[test]
fn what_a_join_of_so_many_did_not_wait_for_is_not_on_the_critical_path() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        for (name, time) in [("quick", 1), ("slow", 100), ("join", 5), ("last", 50)] {
            let clock = rt.clone();
            let step = graph.step(name, move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(time)).await;
                    Ok(())
                }
            });
            step.join(match name {
                "join" => Join::AtLeast(1.try_into().unwrap()),
                _ => Join::NoneFailed,
            });
        }
        for (from, to) in [("quick", "join"), ("slow", "join"), ("join", "last")] {
            graph.edge(from, to);
        }
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let path = &report.critical_path;
        assert_eq!(path.steps, ["slow"]);
        assert_eq!(path.duration, ms(100));
        assert_eq!(report.wall, ms(100));
    });
}

#[test]
fn a_step_behind_a_join_of_so_many_blames_the_step_that_failed() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let (clock, later) = (rt.clone(), rt.clone());
        let first = graph.step("first", |_| async { Ok(1) }).id();
        let other = graph.step("other", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(1)).await;
                Err::<u8, _>("no".into())
            }
        });
        let other = other.id();
        let join = graph
            .step("join", move |_| {
                let later = later.clone();
                async move {
                    later.sleep(ms(2)).await;
                    Err::<u8, _>("neither".into())
                }
            })
            .join(Join::AtLeast(1.try_into().unwrap()))
            .id();
        graph.edge(first, join);
        graph.edge(other, join);
        graph.step("last", |_| async { Ok(()) });
        graph.edge(join, "last");
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let cause = report.step("last").unwrap().skip_cause.clone();
        let step = "join".to_owned();
        assert_eq!(cause, Some(SkipCause::Dependency { step }));
    });
}

#[test]
fn otherwise_is_taken_when_no_condition_is() {
    for (value, taken) in [(1, "one"), (2, "two"), (3, "else")] {
        TestRuntime::run(|rt| async move {
            let mut graph = GraphBuilder::new();
            let value = graph.step("value", move |_| async move { Ok(value) }).id();
            for name in ["else", "one", "two", "always"] {
                graph.step(name, |_| async { Ok(()) });
            }
            graph.edge(value, "else").otherwise().label("or else");
            graph
                .edge(value, "one")
                .when(|seen| seen.output::<i32>().as_deref() == Some(&1));
            let clock = rt.clone();
            graph.edge(value, "two").when_async(move |seen| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(5)).await;
                    seen.json() == 2
                }
            });
            graph.edge(value, "always");
            let graph = graph.build().unwrap();
            let labels: Vec<_> = graph.edges().filter_map(|(.., label)| label).collect();
            assert_eq!(labels, ["or else"]);
            let report = Flow::new(&rt).run(&graph).await;
            for name in ["else", "one", "two"] {
                let expected = match name == taken {
                    true => Status::Completed,
                    false => Status::Skipped,
                };
                assert_eq!(report.step(name).unwrap().status, expected, "{name}");
            }
            assert_eq!(report.step("always").unwrap().status, Status::Completed);
            assert_eq!(report.step("value").unwrap().elapsed, ms(0));
            assert!(report.is_success());
        });
    }
}

#[test]
fn a_condition_that_takes_its_time_holds_up_what_depends_on_it_and_nothing_else() {
    TestRuntime::run_seeds(4, |rt| async move {
        let mut graph = GraphBuilder::new();
        let first = graph.step("first", |_| async { Ok(1) }).id();
        for name in ["plain", "after slow", "after quick", "else", "refused"] {
            graph.step(name, |_| async { Ok(()) });
        }
        let slow = |time: u64, says: bool| {
            let clock = rt.clone();
            move |_| {
                let wait = clock.sleep(ms(time));
                async move {
                    wait.await;
                    says
                }
            }
        };
        graph.edge(first, "after slow").when_async(slow(20, true));
        graph.edge(first, "refused").when_async(slow(30, false));
        graph.edge(first, "after quick").when(|_| true);
        graph.edge(first, "else").otherwise();
        graph.edge(first, "plain");
        let graph = graph.build().unwrap();
        let mut run = Flow::new(&rt).start(&graph);
        let (clock, begun) = (rt.clone(), rt.now());
        let handle = run.handle("first").unwrap();
        let told = rt.spawn(async move {
            let report = handle.await;
            (report.status, clock.now() - begun)
        });
        let report = run.await;
        assert_eq!(told.await.unwrap(), (Status::Completed, ms(0)));
        let started = |name| report.step(name).unwrap().started;
        assert_eq!(started("plain"), Some(ms(0)));
        assert_eq!(started("after slow"), Some(ms(30)), "asked together");
        assert_eq!(started("after quick"), Some(ms(30)));
        assert_eq!((started("else"), started("refused")), (None, None));
        assert_eq!(report.wall, ms(30));
        // Who has the only place keeps it until its conditions have answered.
        let report = Flow::new(&rt).sequential().run(&graph).await;
        assert_eq!(report.step("plain").unwrap().started, Some(ms(30)));
    });
}

#[test]
fn conditions_see_the_error_that_is_carried_on_and_the_value_instead_of_one() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let carries = graph
            .step("carries", |_| async { Err::<u8, _>("bad".into()) })
            .on_error(OnError::Continue)
            .id();
        let instead = graph
            .step("instead", |_| async { Err::<u8, _>("bad".into()) })
            .on_error(OnError::Fallback(Output::new(7_u8)))
            .id();
        graph.step("handler", |context| async move {
            let carried = context.input_named("carries").unwrap();
            Ok(carried.as_ref().unwrap_err().to_string())
        });
        graph.then("seven", instead, |_, seven| async move { Ok(*seven) });
        graph.edge(carries, "handler").when(|seen| {
            let error = seen.outcome.as_ref().err().map(|error| &**error);
            matches!(error, Some(StepError::Failed { step, .. }) if step == "carries")
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let json = |name: &str| report.step(name).unwrap().json().unwrap();
        assert_eq!(json("handler"), "step `carries` failed at attempt 1");
        assert_eq!(json("seven"), 7);
        assert_eq!(report.step("instead").unwrap().status, Status::Failed);
        assert!(!report.is_success());
    });
}

#[test]
fn a_step_that_was_cut_off_while_its_conditions_were_asked_has_done_its_work() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let value = graph.step("value", |_| async { Ok(1) }).id();
        graph.step("after", |_| async { Ok(()) });
        graph
            .edge(value, "after")
            .when_async(|_| std::future::pending());
        let graph = graph.build().unwrap();
        let run = Flow::new(&rt).keep_all().start(&graph);
        let (canceller, clock) = (run.canceller(), rt.clone());
        let cancel = rt.spawn(async move {
            clock.sleep(ms(5)).await;
            canceller.cancel();
        });
        let report = run.await;
        cancel.await.unwrap();
        let value = report.step("value").unwrap();
        assert_eq!(value.status, Status::Completed);
        assert_eq!((value.elapsed, value.json()), (ms(0), Some(1.into())));
        assert_eq!(report.step("after").unwrap().status, Status::Aborted);
    });
}
