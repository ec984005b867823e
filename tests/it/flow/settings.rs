//! How single steps are run: retries, time-outs, resources, priorities, costs.

use std::future::pending;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use fascine::flow::{
    Flow, FlowReport, GraphBuilder, GraphError, Join, OnError, Status, StepBuilder, StepError,
    StepResult,
};
use fascine::resilience::{Backoff, Jitter, Retry};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use crate::durations::ms;

/// A step that fails so many times before it gives its number of tries.
fn fails_at_first<'a>(graph: &'a mut GraphBuilder, rt: &Rt, failures: u32) -> StepBuilder<'a, u32> {
    let (clock, tries) = (rt.clone(), Arc::new(AtomicU32::new(0)));
    graph.step("flaky", move |context| {
        let (clock, tries) = (clock.clone(), Arc::clone(&tries));
        async move {
            clock.sleep(ms(10)).await;
            let tried = tries.fetch_add(1, SeqCst) + 1;
            assert_eq!(context.attempt(), tried);
            if tried > failures {
                Ok(tried)
            } else {
                Err("not yet".into())
            }
        }
    })
}

#[test]
fn a_step_is_tried_again_as_its_policy_says() {
    for (failures, status, attempts) in [
        (0, Status::Completed, 1),
        (2, Status::Completed, 3),
        (3, Status::Failed, 3),
    ] {
        TestRuntime::run(|rt| async move {
            let mut graph = GraphBuilder::new();
            let retry = Retry::new(&rt).with_attempts(3.try_into().unwrap());
            fails_at_first(&mut graph, &rt, failures).retry(retry);
            let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
            let step = report.step("flaky").unwrap();
            assert_eq!((step.status, step.attempts), (status, attempts));
            if status == Status::Completed {
                assert_eq!(step.json().unwrap(), attempts);
            }
        });
    }
}

#[test]
fn a_panic_is_not_tried_again() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let retry = Retry::new(&rt).with_attempts(3.try_into().unwrap());
        graph
            .step("panics", |_| async { panic!("no") as StepResult<()> })
            .retry(retry);
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.step("panics").unwrap().attempts, 1);
    });
}

#[test]
fn a_step_may_take_so_long_at_each_try() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let clock = rt.clone();
        graph
            .step("slow", move |context| {
                let clock = clock.clone();
                async move {
                    let time = if context.attempt() < 3 { 60 } else { 40 };
                    clock.sleep(ms(time)).await;
                    Ok(())
                }
            })
            .timeout(ms(50))
            .retry(Retry::new(&rt).with_attempts(3.try_into().unwrap()));
        graph
            .step("never", |_| pending::<StepResult<()>>())
            .timeout(ms(70));
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        let slow = report.step("slow").unwrap();
        assert_eq!((slow.status, slow.attempts), (Status::Completed, 3));
        let never = report.step("never").unwrap();
        assert_eq!((never.status, never.elapsed), (Status::Failed, ms(70)));
        let error = never.error.as_deref().unwrap();
        assert!(matches!(error, StepError::TimedOut { after, .. } if *after == ms(70)));
    });
}

/// Steps that sleep ten milliseconds, set up by their numbers.
fn ten_sleepers(
    rt: &Rt,
    graph: &mut GraphBuilder,
    set: impl Fn(u32, StepBuilder<'_, ()>) -> StepBuilder<'_, ()>,
) {
    for number in 0..10 {
        let clock = rt.clone();
        let step = graph.step(number.to_string(), move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(10)).await;
                Ok(())
            }
        });
        set(number, step);
    }
}

/// When the steps began, in tens of milliseconds.
fn turns(report: &FlowReport) -> Vec<u128> {
    let started = report.steps.iter().map(|step| step.started.unwrap());
    started.map(|at| at.as_millis() / 10).collect()
}

fn at_once(count: usize) -> NonZeroUsize {
    count.try_into().unwrap()
}

#[test]
fn the_highest_priority_goes_first_then_the_costliest_chain() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        ten_sleepers(&rt, &mut graph, |number, step| match number {
            2 => step.priority(-1),
            7 => step.priority(5),
            4 => step.cost(9),
            _ => step,
        });
        // The chain of 8 and 9 costs 2, that of 4 costs 9.
        graph.edge("8", "9");
        let graph = graph.build().unwrap();
        let report = Flow::new(&rt).sequential().run(&graph).await;
        assert_eq!(turns(&report), [3, 4, 9, 5, 1, 6, 7, 0, 2, 8]);
    });
}

#[test]
fn a_resource_limits_those_that_use_it_and_nobody_else() {
    TestRuntime::run_seeds(4, |rt| async move {
        let mut graph = GraphBuilder::new();
        graph
            .resource("gpu", at_once(2))
            .resource("disk", at_once(1));
        ten_sleepers(&rt, &mut graph, |number, step| match number {
            0..5 => step.resource("gpu"),
            5..7 => step.resource("disk"),
            _ => step,
        });
        let graph = graph.build().unwrap();
        let report = Flow::new(&rt).unlimited().run(&graph).await;
        assert_eq!(turns(&report), [0, 0, 1, 1, 2, 0, 1, 0, 0, 0]);
        let two = Flow::new(&rt).with_max_concurrent(at_once(2));
        assert_eq!(two.run(&graph).await.wall, ms(50), "no place stands empty");
    });
}

#[test]
fn a_failure_that_ends_the_run_cancels_what_runs() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        ten_sleepers(&rt, &mut graph, |_, step| step);
        let clock = rt.clone();
        graph
            .step("fatal", move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(5)).await;
                    Err::<(), _>("no".into())
                }
            })
            .priority(1)
            .on_error(OnError::FailFast);
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.wall, ms(5));
        assert_eq!(report.with_status(Status::Cancelled).count(), 4);
        assert_eq!(report.with_status(Status::Aborted).count(), 6);
    });
}

#[test]
fn resources_reducers_and_joins_that_make_no_sense_are_refused() {
    let build = |set: &dyn Fn(&mut GraphBuilder)| {
        let mut graph = GraphBuilder::new();
        set(&mut graph);
        graph.build().map(drop).unwrap_err()
    };
    let error = build(&|graph| {
        graph.step("a", |_| async { Ok(()) }).resource("gpu");
    });
    let (step, name) = ("a".to_owned(), "gpu".to_owned());
    let expected = GraphError::UnknownResource {
        step: step.clone(),
        name: name.clone(),
    };
    assert_eq!(error, expected);
    let error = build(&|graph| {
        graph
            .resource("gpu", at_once(1))
            .resource("gpu", at_once(2));
    });
    assert_eq!(error, GraphError::DuplicateResource { name });
    let error = build(&|graph| {
        graph
            .reducer("sum", |_, new| new)
            .reducer("sum", |_, new| new);
    });
    let key = "sum".to_owned();
    assert_eq!(error, GraphError::DuplicateReducer { key });
    let error = build(&|graph| {
        graph
            .step("a", |_| async { Ok(()) })
            .join(Join::AtLeast(2.try_into().unwrap()));
        graph.step("b", |_| async { Ok(()) });
        graph.edge("b", "a");
    });
    let expected = GraphError::ImpossibleJoin {
        step,
        wanted: 2,
        edges: 1,
    };
    assert_eq!(error, expected);
}

#[test]
fn all_tries_of_a_step_may_take_so_long_together() {
    TestRuntime::run_seeds(16, |rt| async move {
        let attempts = NonZeroU32::new(5).unwrap();
        let retry = |wait| {
            let backoff = Backoff::constant(ms(wait)).with_jitter(Jitter::None);
            Retry::new(&rt)
                .with_attempts(attempts)
                .with_backoff(backoff)
        };
        // How long a try takes, the wait after it, and the time for all: when it ends, at which try, and whether it is
        // cut off in one.
        for (try_, wait, total, ends, tries, is_cut) in [
            (10, 0, 25, 25, 3, true),
            (10, 10, 35, 30, 2, false),
            (10, 1, 55, 54, 5, false),
            (100, 0, 30, 30, 1, true),
        ] {
            let clock = rt.clone();
            let mut graph = GraphBuilder::new();
            let step = graph.step("slow", move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(try_)).await;
                    Err::<(), _>("again".into())
                }
            });
            let _ = step.retry(retry(wait)).total_timeout(ms(total));
            let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
            let error = report.errors[0].to_string();
            let cut = format!("step `slow` took longer than {total}ms, at attempt {tries}");
            let failed = format!("step `slow` failed at attempt {tries}");
            assert_eq!(error, if is_cut { cut } else { failed });
            assert_eq!(report.wall, ms(ends), "{try_}, {wait}, {total}");
        }
    });
}

#[test]
fn each_try_and_all_of_them_may_be_limited() {
    TestRuntime::run_seeds(16, |rt| async move {
        let retry = Retry::new(&rt).with_backoff(Backoff::constant(ms(0)));
        let mut graph = GraphBuilder::new();
        let step = graph.step("endless", |_| pending::<StepResult<()>>());
        let step = step.retry(retry.with_attempts(NonZeroU32::new(9).unwrap()));
        let _ = step.timeout(ms(10)).total_timeout(ms(25));
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.wall, ms(25));
        assert_eq!(
            report.errors[0].to_string(),
            "step `endless` took longer than 25ms, at attempt 3"
        );
    });
}
