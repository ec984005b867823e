//! Runs that stop while they wait for answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use fascine::flow::{
    AnswerError, Flow, Graph, GraphBuilder, OnError, Question, Status, StepResult,
};
use fascine::http::Net;
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    a_run_that_only_waits_for_answers_suspends_itself,
    a_run_can_be_suspended_from_elsewhere,
}

/// `ask` and, behind it, `use`; `slow` and, behind it, `behind`.
fn graph(rt: &Rt) -> Graph {
    let mut graph = GraphBuilder::new();
    let ask = graph.ask("ask", (), |_, ()| async {
        Ok(Question::<u64>::new("How many?"))
    });
    let ask = ask.id();
    graph.then("use", ask, |_, number| async move { Ok(*number) });
    let clock = rt.clone();
    let slow = graph.step("slow", move |_| {
        let clock = clock.clone();
        async move {
            clock.sleep(ms(20)).await;
            Ok(())
        }
    });
    let slow = slow.id();
    graph.then("behind", slow, |_, _| async { Ok(()) });
    graph.build().unwrap()
}

async fn a_run_that_only_waits_for_answers_suspends_itself(rt: Rt, _: Arc<dyn Net>) {
    let mut run = Flow::new(&rt).suspend_when_waiting().start(&graph(&rt));
    let (mut questions, answers, asking) =
        (run.questions(), run.answers(), run.handle("ask").unwrap());
    let report = run.await;
    assert!(report.suspended && !report.is_success());
    let status = |name| report.step(name).unwrap().status;
    assert_eq!(status("slow"), Status::Completed);
    assert_eq!(status("behind"), Status::Completed);
    assert_eq!(status("ask"), Status::Pending);
    assert_eq!(status("use"), Status::Pending);
    let to_rerun: Vec<_> = report.to_rerun().map(|step| &*step.name).collect();
    assert_eq!(to_rerun, ["ask", "use"]);
    assert_eq!(report.questions.len(), 1);
    assert_eq!(report.questions[0].text, "How many?");
    let step = asking.await;
    assert_eq!(
        (step.status, step.started, step.attempts),
        (Status::Pending, None, 0)
    );
    // It is over for those outside.
    assert_eq!(questions.next().await, None);
    let late = answers.answer("ask", 1).unwrap_err();
    let text = "the question of step `ask` cannot be answered: the run was suspended";
    assert_eq!(late.to_string(), text);
    assert_eq!(answers.open(), report.questions);
}

async fn a_run_can_be_suspended_from_elsewhere(rt: Rt, _: Arc<dyn Net>) {
    let run = Flow::new(&rt).start(&graph(&rt));
    let (mut questions, suspender) = (run.questions(), run.suspender());
    let running = rt.spawn(run);
    questions.next().await.unwrap();
    suspender.suspend();
    let report = running.await.unwrap();
    assert!(report.suspended);
    let status = |name| report.step(name).unwrap().status;
    assert_eq!(
        (status("ask"), status("use")),
        (Status::Pending, Status::Pending)
    );
    // It was running, and ended; or it had not begun.
    assert!(matches!(
        status("slow"),
        Status::Completed | Status::Pending
    ));
    assert_eq!(status("behind"), Status::Pending);
    suspender.suspend();
}

#[test]
fn running_steps_end_and_no_others_begin() {
    TestRuntime::run_seeds(64, |rt| async move {
        let mut run = Flow::new(&rt).start(&graph(&rt));
        let (suspender, mut events) = (run.suspender(), run.events());
        let clock = rt.clone();
        let suspend = rt.spawn(async move {
            clock.sleep(ms(5)).await;
            suspender.suspend();
        });
        let report = run.await;
        suspend.await.unwrap();
        assert_eq!(report.wall, ms(20));
        let statuses: Vec<_> = report.steps.iter().map(|step| step.status).collect();
        let pending = Status::Pending;
        assert_eq!(statuses, [pending, pending, Status::Completed, pending]);
        assert_eq!(report.questions[0].since, ms(0));
        let mut of_ask = Vec::new();
        while let Some(event) = events.next().await {
            if &*event.step == "ask" {
                of_ask.push((event.status, event.at, event.question.is_some()));
            }
        }
        let processing = Status::Processing;
        assert_eq!(
            of_ask,
            [
                (processing, ms(0), false),
                (processing, ms(0), true),
                (pending, ms(5), false)
            ]
        );
    });
}

#[test]
fn what_runs_longer_than_it_may_is_cancelled_and_nothing_is_taken_for_skipped() {
    TestRuntime::run_seeds(64, |rt| async move {
        let run = Flow::new(&rt).start(&graph(&rt));
        let suspender = run.suspender();
        let clock = rt.clone();
        let suspend = rt.spawn(async move {
            clock.sleep(ms(2)).await;
            suspender.suspend();
            clock.sleep(ms(2)).await;
            // Twice is once, with another time.
            suspender.suspend_within(ms(50));
            suspender.suspend_within(ms(6));
        });
        let report = run.await;
        suspend.await.unwrap();
        assert_eq!(report.wall, ms(10));
        assert!(report.suspended);
        let statuses: Vec<_> = report.steps.iter().map(|step| step.status).collect();
        let pending = Status::Pending;
        assert_eq!(statuses, [pending, pending, Status::Cancelled, pending]);
        assert_eq!(report.to_rerun().count(), 4);
    });
}

#[test]
fn a_run_that_is_suspended_before_it_begins_does_nothing() {
    TestRuntime::run(|rt| async move {
        let run = Flow::new(&rt).start(&graph(&rt));
        run.suspender().suspend();
        let report = run.await;
        assert!(report.suspended && report.questions.is_empty());
        assert_eq!(report.with_status(Status::Pending).count(), 4);
    });
}

#[test]
fn a_run_that_has_nothing_left_to_do_is_not_suspended() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let clock = rt.clone();
        graph.step("last", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(10)).await;
                Ok(())
            }
        });
        graph.step("fails", |_| async { Err::<(), _>("no".into()) });
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let suspender = run.suspender();
        let running = rt.spawn(run);
        rt.sleep(ms(5)).await;
        suspender.suspend();
        let report = running.await.unwrap();
        assert!(!report.suspended);
        assert_eq!(report.step("last").unwrap().status, Status::Completed);
    });
}

#[test]
fn an_answer_that_is_there_is_used_before_a_run_suspends_itself() {
    TestRuntime::run_seeds(64, |rt| async move {
        let mut graph = GraphBuilder::new();
        for name in ["one", "two"] {
            let ask = graph.ask(name, (), |_, ()| async {
                Ok(Question::<u64>::new("How many?"))
            });
            let ask = ask.id();
            let after = format!("after {name}");
            graph.then(after, ask, |_, number| async move { Ok(*number) });
        }
        let run = Flow::new(&rt)
            .suspend_when_waiting()
            .start(&graph.build().unwrap());
        run.answers().answer("two", 2).unwrap();
        let report = run.await;
        assert!(report.suspended);
        assert_eq!(report.step("after two").unwrap().json(), Some(2.into()));
        assert_eq!(report.step("one").unwrap().status, Status::Pending);
        assert_eq!(report.questions.len(), 1);
    });
}

#[test]
fn an_answer_that_comes_while_a_run_suspends_itself_is_used_or_refused() {
    TestRuntime::run_seeds(256, |rt| async move {
        let run = Flow::new(&rt).suspend_when_waiting().start(&graph(&rt));
        let answers = run.answers();
        let clock = rt.clone();
        let answer = rt.spawn(async move {
            clock.sleep(ms(20)).await;
            answers.answer("ask", 1)
        });
        let report = run.await;
        match answer.await.unwrap() {
            Ok(()) => {
                assert!(report.is_success() && !report.suspended);
                assert_eq!(report.step("use").unwrap().json(), Some(1.into()));
            }
            Err(AnswerError::Suspended { .. }) => assert!(report.suspended),
            Err(error) => panic!("{error}"),
        }
    });
}

#[test]
fn what_cancels_a_run_cancels_one_that_is_being_suspended() {
    TestRuntime::run_seeds(16, |rt| async move {
        for by_time in [true, false] {
            let flow = if by_time {
                Flow::new(&rt).with_timeout(ms(10))
            } else {
                Flow::new(&rt)
            };
            let run = flow.start(&graph(&rt));
            let (suspender, canceller) = (run.suspender(), run.canceller());
            let running = rt.spawn(run);
            rt.sleep(ms(5)).await;
            suspender.suspend();
            rt.sleep(ms(3)).await;
            if !by_time {
                canceller.cancel();
            }
            let report = running.await.unwrap();
            assert!(!report.suspended && report.questions.is_empty());
            assert_eq!(report.timed_out, by_time);
            let statuses: Vec<_> = report.steps.iter().map(|step| step.status).collect();
            let aborted = Status::Aborted;
            assert_eq!(statuses, [aborted, aborted, Status::Cancelled, aborted]);
        }
    });
}

#[test]
fn a_failure_that_ends_the_run_ends_one_that_is_being_suspended() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        graph.ask("ask", (), |_, ()| async { Ok(Question::<u64>::new("")) });
        let clock = rt.clone();
        let fatal = graph.step("fatal", move |_| {
            let clock = clock.clone();
            async move {
                clock.sleep(ms(10)).await;
                StepResult::<()>::Err("bad".into())
            }
        });
        fatal.on_error(OnError::FailFast);
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let suspender = run.suspender();
        let running = rt.spawn(run);
        rt.sleep(ms(5)).await;
        suspender.suspend();
        let report = running.await.unwrap();
        assert!(!report.suspended);
        assert_eq!(report.step("ask").unwrap().status, Status::Aborted);
        assert_eq!(report.step("fatal").unwrap().status, Status::Failed);
    });
}

#[test]
fn a_question_that_is_made_while_a_run_is_being_suspended_is_told_in_its_report() {
    TestRuntime::run(|rt| async move {
        let made = Arc::new(AtomicUsize::new(0));
        let mut graph = GraphBuilder::new();
        let (clock, count) = (rt.clone(), Arc::clone(&made));
        graph.ask("ask", (), move |_, ()| {
            let (clock, count) = (clock.clone(), Arc::clone(&count));
            async move {
                clock.sleep(ms(10)).await;
                count.fetch_add(1, SeqCst);
                Ok(Question::<u64>::new("How many?"))
            }
        });
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let suspender = run.suspender();
        let running = rt.spawn(run);
        rt.sleep(ms(5)).await;
        suspender.suspend();
        let report = running.await.unwrap();
        assert!(report.suspended);
        assert_eq!((made.load(SeqCst), report.wall), (1, ms(10)));
        assert_eq!(report.step("ask").unwrap().status, Status::Pending);
        assert_eq!(report.questions[0].text, "How many?");
    });
}

#[test]
fn a_run_with_steps_that_wait_for_a_place_or_a_resource_is_suspended_whole() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        graph.resource("desk", std::num::NonZeroUsize::MIN);
        for number in 0..20 {
            let ask = graph.ask(format!("ask {number}"), (), |_, ()| async {
                Ok(Question::<u64>::new(""))
            });
            ask.resource("desk");
        }
        let graph = graph.build().unwrap();
        let report = Flow::new(&rt)
            .sequential()
            .suspend_when_waiting()
            .run(&graph)
            .await;
        assert!(report.suspended);
        assert_eq!(report.with_status(Status::Pending).count(), 20);
        assert_eq!(report.questions.len(), 1, "the others wait for the desk");
    });
}

#[test]
fn wherever_a_run_that_is_being_suspended_is_dropped_its_handles_come_to_an_end() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let mut run = Flow::new(&rt).start(&graph(&rt));
        let suspender = run.suspender();
        let handles: Vec<_> = ["ask", "use", "slow", "behind"]
            .map(|name| run.handle(name).unwrap())
            .into();
        let clock = rt.clone();
        let suspend = rt.spawn(async move {
            clock.sleep(ms(5)).await;
            suspender.suspend_within(ms(5));
        });
        let ticks = async {
            loop {
                rt.sleep(ms(1)).await;
            }
        };
        let report = cut.apply(future::or(run, ticks)).await;
        let is_suspended = report.is_some();
        for handle in handles {
            let status = handle.await.status;
            assert_ne!(status, Status::Processing);
            assert!(status != Status::Pending || is_suspended);
        }
        suspend.await.unwrap();
    });
    assert!(polls > 10);
}
