//! Questions that nobody answers, or not in time.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use fascine::flow::{
    AnswerError, Declined, Flow, GraphBuilder, OnError, Output, Question, Status, StepError,
};
use fascine::http::Net;
use fascine::resilience::{Backoff, Jitter, Retry};
use fascine::rt::Rt;
use fascine_testing::TestRuntime;

use super::asking::one_question;
use crate::durations::ms;
use crate::runtimes::on_every_runtime;

on_every_runtime! {
    of_an_answer_and_the_end_of_the_time_one_wins,
}

async fn of_an_answer_and_the_end_of_the_time_one_wins(rt: Rt, _: Arc<dyn Net>) {
    for _ in 0..50 {
        let mut graph = GraphBuilder::new();
        let ask = graph.ask("ask", (), |_, ()| async { Ok(Question::<u64>::new("")) });
        ask.timeout(ms(1));
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let answers = run.answers();
        let clock = rt.clone();
        let answer = rt.spawn(async move {
            clock.sleep(ms(1)).await;
            answers.answer("ask", 3)
        });
        let report = run.await;
        let was_taken = answer.await.unwrap().is_ok();
        let has_ended_well = report.step("ask").unwrap().status == Status::Completed;
        assert_eq!(was_taken, has_ended_well);
    }
}

#[test]
fn whoever_declines_lets_the_step_fail_and_it_is_not_asked_again() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        let ask = graph.ask("ask", (), |_, ()| async {
            Ok(Question::<u64>::new("How many?"))
        });
        let ask = ask
            .retry(Retry::new(&rt).with_backoff(Backoff::constant(ms(1))))
            .id();
        graph.then("after", ask, |_, _| async { Ok(()) });
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let (mut questions, answers) = (run.questions(), run.answers());
        let running = rt.spawn(run);
        questions.next().await.unwrap();
        answers.decline("ask", "not my job").unwrap();
        let report = running.await.unwrap();
        let step = report.step("ask").unwrap();
        assert_eq!((step.status, step.attempts), (Status::Failed, 1));
        let StepError::Failed { source, .. } = &**step.error.as_ref().unwrap() else {
            panic!("{step:?}");
        };
        let declined: &Declined = source.downcast_ref().unwrap();
        assert_eq!(
            declined.to_string(),
            "the question was declined: not my job"
        );
        assert_eq!(report.step("after").unwrap().status, Status::Skipped);
    });
}

#[test]
fn a_question_whose_time_is_over_has_a_default() {
    TestRuntime::run_seeds(16, |rt| async move {
        let clock = rt.clone();
        let mut graph = GraphBuilder::new();
        let ask = graph.ask("ask", (), move |_, ()| {
            let clock = clock.clone();
            async move {
                // It counts from here.
                clock.sleep(ms(3)).await;
                Ok(Question::<bool>::new("Well?"))
            }
        });
        let ask = ask
            .timeout(ms(10))
            .on_error(OnError::Fallback(Output::new(false)))
            .id();
        graph.then("use", ask, |_, answer| async move { Ok(*answer) });
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let answers = run.answers();
        let report = run.await;
        assert_eq!(report.wall, ms(10));
        let error = report.step("ask").unwrap().error.clone().unwrap();
        assert!(matches!(*error, StepError::TimedOut { after, .. } if after == ms(10)));
        assert_eq!(report.step("use").unwrap().json(), Some(false.into()));
        let late = answers.answer("ask", true).unwrap_err();
        assert!(matches!(late, AnswerError::RunOver { .. }), "{late}");
    });
}

#[test]
fn a_question_is_asked_again_as_its_retry_policy_says() {
    TestRuntime::run_seeds(16, |rt| async move {
        let mut graph = GraphBuilder::new();
        let retry = Retry::new(&rt).with_attempts(NonZeroU32::new(3).unwrap());
        let retry = retry.with_backoff(Backoff::constant(ms(5)).with_jitter(Jitter::None));
        let ask = graph.ask("ask", (), |context, ()| async move {
            Ok(Question::<u64>::new(format!(
                "For the {}. time?",
                context.attempt()
            )))
        });
        ask.timeout(ms(10)).retry(retry);
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let (mut questions, answers) = (run.questions(), run.answers());
        let running = rt.spawn(run);
        for (text, since) in [("For the 1. time?", ms(0)), ("For the 2. time?", ms(15))] {
            let question = questions.next().await.unwrap();
            assert_eq!((&*question.text, question.since), (text, since));
        }
        // Between two of them nothing is open.
        rt.sleep(ms(12)).await;
        let closed = answers.answer("ask", 1).unwrap_err();
        assert!(matches!(closed, AnswerError::Closed { .. }), "{closed}");
        assert_eq!(questions.next().await.unwrap().text, "For the 3. time?");
        answers.answer("ask", 7).unwrap();
        let report = running.await.unwrap();
        assert_eq!(report.step("ask").unwrap().attempts, 3);
        assert_eq!(report.step("ask").unwrap().json(), Some(7.into()));
    });
}

#[test]
fn an_answer_that_was_taken_counts_though_the_time_is_over() {
    // Both at the same moment: whoever is first decides, and the other one hears of it.
    TestRuntime::run_seeds(256, |rt| async move {
        for is_total in [true, false] {
            let mut graph = GraphBuilder::new();
            let ask = graph.ask("ask", (), |_, ()| async {
                Ok(Question::<u64>::new("How many?"))
            });
            if is_total {
                ask.total_timeout(ms(10));
            } else {
                ask.timeout(ms(10));
            }
            let run = Flow::new(&rt).start(&graph.build().unwrap());
            let answers = run.answers();
            let clock = rt.clone();
            let answer = rt.spawn(async move {
                clock.sleep(ms(10)).await;
                answers.answer("ask", 3)
            });
            let report = run.await;
            let step = report.step("ask").unwrap();
            match answer.await.unwrap() {
                Ok(()) => assert_eq!(step.json(), Some(3.into())),
                Err(AnswerError::Closed { .. } | AnswerError::RunOver { .. }) => {
                    assert_eq!(step.status, Status::Failed);
                }
                Err(error) => panic!("{error}"),
            }
            assert_eq!(report.wall, ms(10));
        }
    });
}

#[test]
fn a_question_that_cannot_be_made_is_a_failure_of_its_step() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        graph.ask("fails", (), |_, ()| async {
            Err::<Question<u64>, _>("no idea".into())
        });
        graph.ask("panics", (), |_, ()| async {
            panic!("no idea") as fascine::flow::StepResult<Question<u64>>
        });
        graph.ask("details", (), |_, ()| async {
            Ok(Question::<u64>::new("").with_details(BTreeMap::from([(vec![1], 1)])))
        });
        graph.ask("choices", (), |_, ()| async {
            Ok(Question::new("").with_choices([BTreeMap::from([(vec![1], 1)])]))
        });
        let report = Flow::new(&rt).run(&graph.build().unwrap()).await;
        assert_eq!(report.with_status(Status::Failed).count(), 4);
        assert!(
            matches!(&*report.errors[1], StepError::Panicked { message, .. } if message == "no idea")
        );
    });
}

#[test]
fn a_question_that_is_not_to_be_asked_takes_no_answers() {
    TestRuntime::run(|rt| async move {
        let mut graph = GraphBuilder::new();
        let first = graph.step("first", |_| async { Ok(()) }).id();
        graph.ask("never", (), |_, ()| async { Ok(Question::<u64>::new("")) });
        graph.edge(first, "never").when(|_| false);
        graph.ask("later", (), |_, ()| async { Ok(Question::<u64>::new("")) });
        graph.edge(first, "later");
        let run = Flow::new(&rt).start(&graph.build().unwrap());
        let (mut questions, answers) = (run.questions(), run.answers());
        let running = rt.spawn(run);
        questions.next().await.unwrap();
        let late = answers.answer("never", 1).unwrap_err();
        assert!(matches!(late, AnswerError::Closed { .. }), "{late}");
        answers.answer("later", 1).unwrap();
        let report = running.await.unwrap();
        assert_eq!(report.step("never").unwrap().status, Status::Skipped);
    });
}

#[test]
fn a_run_that_is_cancelled_asks_nobody_any_more() {
    TestRuntime::run_seeds(64, |rt| async move {
        let run = Flow::new(&rt).start(&one_question());
        let (mut questions, answers, canceller) = (run.questions(), run.answers(), run.canceller());
        let running = rt.spawn(run);
        questions.next().await.unwrap();
        // Both at once: the answer was taken in time, or not.
        let cancel = rt.spawn(async move { canceller.cancel() });
        let answered = rt.spawn(async move { answers.answer("ask", 1) });
        let report = running.await.unwrap();
        cancel.await.unwrap();
        let step = report.step("ask").unwrap();
        match answered.await.unwrap() {
            Ok(()) => assert!(matches!(step.status, Status::Completed | Status::Cancelled)),
            Err(AnswerError::Closed { .. } | AnswerError::RunOver { .. }) => {
                assert_eq!(step.status, Status::Cancelled);
            }
            Err(error) => panic!("{error}"),
        }
        assert!(!report.suspended && report.questions.is_empty());
        assert!(questions.open().is_empty());
        assert_eq!(questions.next().await, None);
    });
}

#[test]
fn questions_end_with_a_run_that_never_begins() {
    TestRuntime::run(|rt| async move {
        let run = Flow::new(&rt).start(&one_question());
        let (mut questions, answers) = (run.questions(), run.answers());
        drop(run);
        assert_eq!(questions.next().await, None);
        let late = answers.answer("ask", 1).unwrap_err();
        assert!(matches!(late, AnswerError::RunOver { .. }), "{late}");
    });
}
