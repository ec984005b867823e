//! Questions of steps that other steps run, and runs of those that are suspended.

use std::num::NonZeroUsize;

use fascine::flow::{AnswerError, Flow, Graph, GraphBuilder, GrowthError, Question, Status};
use fascine::rt::Rt;
use fascine_testing::{TestRuntime, drop_after_every_poll};
use futures_lite::future;

use crate::durations::ms;

/// `review`, which runs `ask` and, behind it, `use`; `slow` and, behind it, `behind`.
fn graph(rt: &Rt) -> Graph {
    let mut inner = GraphBuilder::new();
    let ask = inner.ask("ask", (), |_, ()| async {
        Ok(Question::<u64>::new("How many?"))
    });
    let ask = ask.id();
    inner.then("use", ask, |_, number| async move { Ok(*number) });
    let inner = inner.build().unwrap();
    let mut graph = GraphBuilder::new();
    let review = graph.step("review", move |context| {
        let inner = inner.clone();
        async move {
            let report = context.run(&inner).await?;
            report.assert_completed()?;
            Ok(report.step("use").unwrap().json())
        }
    });
    review.priority(1);
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

#[test]
fn a_question_within_a_step_is_answered_by_its_path() {
    TestRuntime::run_seeds(64, |rt| async move {
        let run = Flow::new(&rt).sequential().start(&graph(&rt));
        let (mut questions, answers) = (run.questions(), run.answers());
        let running = rt.spawn(run);
        let question = questions.next().await.unwrap();
        assert_eq!(question.step, "review/ask");
        // The others have the only place meanwhile, one after the other.
        rt.sleep(ms(30)).await;
        answers.answer("review/ask", 7).unwrap();
        let report = running.await.unwrap();
        assert!(report.is_success());
        assert_eq!(report.step("review").unwrap().json(), Some(7.into()));
        let behind = report.step("behind").unwrap();
        assert_eq!(behind.started, Some(ms(20)));
        assert_eq!(report.wall, ms(30));
    });
}

#[test]
fn an_answer_may_come_before_a_question_within_a_step() {
    TestRuntime::run_seeds(16, |rt| async move {
        let run = Flow::new(&rt).start(&graph(&rt));
        let (mut questions, answers) = (run.questions(), run.answers());
        for unknown in ["revie/ask", "review", "/ask", "slow"] {
            let wrong = answers.answer(unknown, 7).unwrap_err();
            assert!(
                matches!(wrong, AnswerError::NoSuchQuestion { .. }),
                "{wrong}"
            );
        }
        // What it will be is not known before it is asked.
        answers.answer("review/ask", "seven").unwrap();
        let running = rt.spawn(run);
        let question = questions.next().await.unwrap();
        let refused = "the answer to step `review/ask` is no `u64`";
        assert_eq!(question.refused.as_deref(), Some(refused));
        answers.answer("review/ask", 7).unwrap();
        assert!(running.await.unwrap().is_success());

        let run = Flow::new(&rt).start(&graph(&rt));
        run.answers().answer("review/ask", 8).unwrap();
        let report = run.await;
        assert_eq!(report.step("review").unwrap().json(), Some(8.into()));
    });
}

#[test]
fn steps_with_slashes_in_their_names_are_answered_by_name_or_path() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        for name in ["a/b", "c[0]"] {
            graph.ask(name, (), |_, ()| async { Ok(Question::<u64>::new("")) });
        }
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let (mut questions, answers) = (run.questions(), run.answers());
        answers.answer("a/b", 1).unwrap();
        let running = rt.spawn(run);
        let question = questions.next().await.unwrap();
        assert_eq!(question.step, "c\\[0]");
        answers.answer(&question.step, 2).unwrap();
        let report = running.await.unwrap();
        assert_eq!(report.step("a/b").unwrap().json(), Some(1.into()));
        assert_eq!(report.step("c[0]").unwrap().json(), Some(2.into()));
    });
}

#[test]
fn a_run_is_suspended_with_all_that_its_steps_run() {
    TestRuntime::run_seeds(64, |rt| async move {
        let run = Flow::new(&rt).suspend_when_waiting().start(&graph(&rt));
        let report = run.await;
        assert!(report.suspended);
        assert_eq!(report.wall, ms(20));
        let status = |path| report.step(path).unwrap().status;
        assert_eq!(status("behind"), Status::Completed);
        // Its function was called, and nobody knows what it did but to run a graph.
        assert_eq!(status("review"), Status::Cancelled);
        assert_eq!(
            (status("review/ask"), status("review/use")),
            (Status::Pending, Status::Pending)
        );
        assert_eq!(report.questions[0].step, "review/ask");
        assert_eq!(report.error_count, 0);
    });
}

#[test]
fn a_step_learns_that_what_it_runs_was_suspended() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut inner = GraphBuilder::new();
        inner.ask("ask", (), |_, ()| async {
            Ok(Question::<u64>::new("How many?"))
        });
        let inner = inner.build().unwrap();
        let mut graph = GraphBuilder::new();
        graph.step("copes", move |context| {
            let inner = inner.clone();
            async move {
                match context.run(&inner).await {
                    Err(error @ GrowthError::Suspended { .. }) => Ok(error.to_string()),
                    other => panic!("{other:?}"),
                }
            }
        });
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let (mut questions, suspender) = (run.questions(), run.suspender());
        let running = rt.spawn(run);
        questions.next().await.unwrap();
        suspender.suspend();
        let report = running.await.unwrap();
        // It has ended well, for all that.
        let told = "the graph that step `copes` runs was suspended";
        assert_eq!(report.step("copes").unwrap().json(), Some(told.into()));
        assert!(!report.suspended);
    });
}

#[test]
fn many_runs_within_a_run_are_suspended_only_when_all_of_them_wait() {
    TestRuntime::run_seeds(32, |rt| async move {
        let mut graph = GraphBuilder::new();
        for number in 0..10_u64 {
            let clock = rt.clone();
            graph.step(format!("{number}"), move |context| {
                let mut inner = GraphBuilder::new();
                let clock = clock.clone();
                let work = inner.step("work", move |_| {
                    let clock = clock.clone();
                    async move {
                        clock.sleep(ms(10 * number)).await;
                        Ok(())
                    }
                });
                let work = work.id();
                inner.ask("ask", work, |_, _| async { Ok(Question::<u64>::new("")) });
                async move {
                    let report = context.run(&inner.build()?).await?;
                    Ok(report.is_success())
                }
            });
        }
        let graph = graph.build().unwrap();
        for places in [1, 3, 100] {
            let flow = Flow::new(&rt).with_max_concurrent(NonZeroUsize::new(places).unwrap());
            let run = flow.suspend_when_waiting().start(&graph);
            // One is answered on the way, and ends.
            run.answers().answer("4/ask", 0).unwrap();
            let report = run.await;
            assert!(report.suspended);
            assert_eq!(report.questions.len(), 9);
            assert_eq!(report.with_status(Status::Cancelled).count(), 9);
            assert_eq!(report.step("4").unwrap().json(), Some(true.into()));
            if places == 1 {
                assert_eq!(report.wall, ms(450), "one after the other");
            }
        }
    });
}

#[test]
fn an_answer_within_a_step_is_used_or_refused_while_the_run_suspends_itself() {
    TestRuntime::run_seeds(256, |rt| async move {
        let run = Flow::new(&rt).suspend_when_waiting().start(&graph(&rt));
        let answers = run.answers();
        let clock = rt.clone();
        let answer = rt.spawn(async move {
            clock.sleep(ms(20)).await;
            answers.answer("review/ask", 1)
        });
        let report = run.await;
        match answer.await.unwrap() {
            Ok(()) => assert!(report.is_success() && !report.suspended),
            Err(AnswerError::Suspended { .. }) => assert!(report.suspended),
            Err(error) => panic!("{error}"),
        }
    });
}

#[test]
fn what_takes_too_long_within_a_step_is_cancelled() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        let clock = rt.clone();
        graph.step("outer", move |context| {
            let mut inner = GraphBuilder::new();
            let clock = clock.clone();
            let slow = inner.step("slow", move |_| {
                let clock = clock.clone();
                async move {
                    clock.sleep(ms(100)).await;
                    Ok(())
                }
            });
            let slow = slow.id();
            inner.then("behind", slow, |_, _| async { Ok(()) });
            async move {
                context.run(&inner.build()?).await?;
                Ok(())
            }
        });
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let suspender = run.suspender();
        let running = rt.spawn(run);
        rt.sleep(ms(5)).await;
        suspender.suspend_within(ms(10));
        let report = running.await.unwrap();
        assert!(report.suspended);
        assert_eq!(report.wall, ms(15));
        assert_eq!(report.step("outer").unwrap().status, Status::Cancelled);
        assert_eq!(report.step("outer/slow").unwrap().status, Status::Cancelled);
        assert!(
            !report
                .step("outer/behind")
                .unwrap()
                .status
                .eq(&Status::Skipped)
        );
    });
}

#[test]
fn wherever_a_run_that_asks_within_a_step_is_dropped_its_handles_come_to_an_end() {
    let polls = drop_after_every_poll(|rt, cut| async move {
        let mut run = Flow::new(&rt).sequential().start(&graph(&rt));
        let (suspender, answers) = (run.suspender(), run.answers());
        let handles: Vec<_> = ["review", "slow", "behind"]
            .map(|name| run.handle(name).unwrap())
            .into();
        let clock = rt.clone();
        let others = rt.spawn(async move {
            clock.sleep(ms(3)).await;
            // The run may be gone.
            let _ = answers.answer("review/ask", 1);
            clock.sleep(ms(3)).await;
            suspender.suspend_within(ms(5));
        });
        let ticks = async {
            loop {
                rt.sleep(ms(1)).await;
            }
        };
        let report = cut.apply(future::or(run, ticks)).await;
        for handle in handles {
            let status = handle.await.status;
            assert_ne!(status, Status::Processing);
            assert!(status != Status::Pending || report.is_some());
        }
        others.await.unwrap();
    });
    assert!(polls > 10);
}
